/* The bottom bar of a phone: the first pages of one's role, Dial, and More with everything else. */

import { Menu, UnstyledButton } from "@mantine/core";
import { Link, NavLink } from "react-router";
import { openPalette } from "../keyboard/openers";
import { Icon } from "../parts/Icon";
import { useWords } from "../words";
import styles from "./BottomBar.module.css";
import { navOf } from "./nav";
import { PersonItems } from "./PersonMenu";
import { useSession } from "./session";

const SHOWN = 3;

export function BottomBar({ className }: { className?: string | undefined }) {
  const t = useWords("shell");
  const session = useSession();
  const items = navOf(session.who).flatMap((part) => part.items);
  const rest = items.slice(SHOWN);
  return (
    <nav className={`${styles["bar"]} ${className ?? ""}`} aria-label={t("navigation")}>
      {items.slice(0, SHOWN).map((item) => (
        <NavLink key={item.name} to={item.path} className={styles["item"] ?? ""}>
          <Icon name={item.icon} size={20} />
          <span className="cut">{t(`nav.${item.name}`)}</span>
        </NavLink>
      ))}
      <UnstyledButton className={styles["item"]} onClick={openPalette}>
        <Icon name={session.may("calls.originate") ? "dialpad" : "search"} size={20} />
        <span className="cut">{t("nav.dial")}</span>
      </UnstyledButton>
      <Menu position="top-end" width={240}>
        <Menu.Target>
          <UnstyledButton className={styles["item"]}>
            <Icon name="more" size={20} />
            <span className="cut">{t("nav.more")}</span>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown className={styles["menu"] ?? ""}>
          {rest.map((item) => (
            <Menu.Item key={item.name} component={Link} to={item.path} leftSection={<Icon name={item.icon} />}>
              {t(`nav.${item.name}`)}
            </Menu.Item>
          ))}
          {rest.length > 0 && <Menu.Divider />}
          <PersonItems />
        </Menu.Dropdown>
      </Menu>
    </nav>
  );
}
