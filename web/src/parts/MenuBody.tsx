import { Menu } from "@mantine/core";
import { Suspense } from "react";
import type { LateMenuProps } from "./LateMenu";
import styles from "./MenuBody.module.css";
import { SkeletonBlock } from "./Skeleton";

/** The menu itself; see LateMenu. */
export default function MenuBody({ target, isOpen, onChange, position, width = 240, children }: LateMenuProps) {
  return (
    <Menu position={position} width={width} offset={4} opened={isOpen} onChange={onChange} returnFocus>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown className={styles.menu ?? ""}>
        <Suspense fallback={<SkeletonBlock height={120} />}>{children}</Suspense>
      </Menu.Dropdown>
    </Menu>
  );
}
