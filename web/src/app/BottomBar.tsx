/* The bottom bar of a phone: the first pages of one's role, Dial, and More with everything else. */

import { NavLink } from "react-router";
import { openDial } from "../dial/opener";
import { openPalette } from "../keyboard/openers";
import { Icon } from "../parts/Icon";
import { useWords } from "../words";
import { useCounts } from "./counts";
import styles from "./BottomBar.module.css";
import { PersonButton } from "./PersonButton";
import { navOf } from "./nav";
import { useSession } from "./session";

const SHOWN = 3;
/** Pages whose name is too long for a fifth of a narrow screen. */
const SHORT: Partial<Record<string, "short.users" | "short.live">> = { users: "short.users", live: "short.live" };

export function BottomBar({ className }: { className?: string | undefined }) {
  const t = useWords("shell");
  const session = useSession();
  const counts = useCounts();
  const items = navOf(session.who).flatMap((part) => part.items);
  return (
    <nav className={`${styles["bar"]} ${className ?? ""}`} aria-label={t("navigation")}>
      {items.slice(0, SHOWN).map((item) => (
        <NavLink key={item.name} to={item.path} className={styles["item"] ?? ""}>
          <Icon name={item.icon} size={20} />
          {(counts[item.name]?.n ?? 0) > 0 && (
            <small className={styles["count"]} data-urgent={counts[item.name]?.isUrgent || undefined}>
              {counts[item.name]?.n}
            </small>
          )}
          <span className="cut">{t(SHORT[item.name] ?? `nav.${item.name}`)}</span>
        </NavLink>
      ))}
      <button type="button" className={styles.item} onClick={session.may("calls.originate") ? openDial : openPalette}>
        <Icon name={session.may("calls.originate") ? "dialpad" : "search"} size={20} />
        <span className="cut">{t("nav.dial")}</span>
      </button>
      <PersonButton items={items.slice(SHOWN)} position="top-end" className={styles.item}>
        <Icon name="more" size={20} />
        <span className="cut">{t("nav.more")}</span>
      </PersonButton>
    </nav>
  );
}
