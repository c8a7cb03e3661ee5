/* The rail: find, the pages of one's roles, and who is signed in. Below 1200 px it shows icons, with words on hover. */

import { NavLink, Link } from "react-router";
import { openPalette } from "../keyboard/openers";
import { Icon } from "../parts/Icon";
import { Key } from "../parts/Key";
import { useWords } from "../words";
import { navOf, type NavItem } from "./nav";
import { PersonMenu } from "./PersonMenu";
import { useCounts } from "./counts";
import styles from "./Rail.module.css";
import { useSession } from "./session";

export function Rail({ className }: { className?: string | undefined }) {
  const t = useWords("shell");
  const { who } = useSession();
  const parts = navOf(who);
  return (
    <aside className={`${styles["rail"]} ${className ?? ""}`} aria-label={t("rail")}>
      <Link className={styles["brand"]} to="/" aria-label="Trunkline">
        <Icon name="logo" size={20} />
        <b>Trunkline</b>
      </Link>
      <button type="button" className={styles["find"]} onClick={openPalette} aria-keyshortcuts="Control+K">
          <Icon name="search" size={14} />
          <span className={`cut ${styles.word ?? ""}`}>{t("find")}</span>
          <Key>Ctrl</Key>
          <Key>K</Key>
        </button>
      <nav className={styles["nav"]} aria-label={t("navigation")}>
        {parts.map(({ group, items }) => (
          <section key={group} aria-label={t(`group.${group}`)}>
            {parts.length > 1 && <h2 className={styles["group"]}>{t(`group.${group}`)}</h2>}
            <ul>
              {items.map((item) => (
                <li key={item.name}>
                  <RailLink item={item} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <PersonMenu />
    </aside>
  );
}

function RailLink({ item }: { item: NavItem }) {
  const t = useWords("shell");
  const count = useCounts()[item.name];
  const name = t(`nav.${item.name}`);
  return (
      <NavLink to={item.path} className={styles["link"] ?? ""}>
        <Icon name={item.icon} />
        <span className={`cut ${styles.word ?? ""}`}>{name}</span>
        {count && count.n > 0 ? (
          <span className={styles["count"]} data-urgent={count.isUrgent || undefined}>
            {count.n}
          </span>
        ) : null}
      </NavLink>
  );
}
