import { Menu } from "@mantine/core";
import type { MenuActProps } from "./MenuAct";

/** The entry itself; see MenuAct. */
export default function MenuItemBody({ icon, right, onClick, children }: MenuActProps) {
  return (
    <Menu.Item leftSection={icon} rightSection={right} onClick={onClick}>
      {children}
    </Menu.Item>
  );
}
