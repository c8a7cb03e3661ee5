/* What every state of the band is made of: the block with state and time, who is at the other end, the buttons. */

import { forwardRef, type ButtonHTMLAttributes, type ReactNode } from "react";
import { Link } from "react-router";
import type { LiveCall } from "../api";
import { nameOf } from "../caller/names";
import { useFormats } from "../formats";
import { Icon, KeyOf, type IconName } from "../parts";
import type { Act } from "../keyboard";
import { HeatTag } from "../parts/Tag";
import { STATE_ICONS, type PhoneState } from "../parts/StateWord";
import { Timer } from "../parts/Timer";
import { useWords } from "../words";
import styles from "./Band.module.css";

export function Block({ state, since, skew, children }: { state: PhoneState; since: number | null; skew: number; children?: ReactNode }) {
  const t = useWords("band");
  return (
    <div className={styles["block"]} data-state={state}>
      <Icon name={STATE_ICONS[state]} size={22} />
      <span className={styles["state"]}>
        <b>{t(`state.${state}`)}</b>
        {since !== null && <Timer since={since} skew={skew} className={styles["time"]} />}
        {children}
      </span>
    </div>
  );
}

export interface BandButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon?: IconName;
  /** Whose key is shown upon it. */
  act?: Act;
  look?: "plain" | "go" | "stop" | "main";
  /** The icon alone; `aria-label` names it. */
  isIcon?: boolean;
}

export const BandButton = forwardRef<HTMLButtonElement, BandButtonProps>(function BandButton(
  { icon, act, look = "plain", isIcon, children, className, ...rest },
  ref,
) {
  return (
    <button type="button" ref={ref} {...rest} className={`${styles["button"]} ${className ?? ""}`} data-look={look} data-icon={isIcon || undefined}>
      {icon && <Icon name={icon} size={16} />}
      {children && <span className={styles["buttonWord"]}>{children}</span>}
      {act && !isIcon && <KeyOf act={act} />}
    </button>
  );
});

/** A caller's name as it is said: of his card, of the line, the number, "3 people use this number". */
export function useCallerName(): (call: LiveCall) => string {
  const t = useWords("band");
  const f = useFormats();
  return (call) => {
    const name = nameOf(call);
    switch (name.kind) {
      case "card":
      case "line":
        return name.name;
      case "several":
        return t("several", { count: name.count });
      case "number":
        return f.phone(name.number);
      case "hidden":
        return t("anonymous");
    }
  };
}

/** Name and heat above, organisation, number and line below. */
export function Who({ name, to, heat, tags, children }: { name: string; to?: string | undefined; heat?: string | null | undefined; tags?: ReactNode; children: ReactNode }) {
  return (
    <div className={styles["who"]}>
      <div className={styles["name"]}>
        {to ? (
          <Link to={to} className="cut" title={name}>
            {name}
          </Link>
        ) : (
          <b className="cut" title={name}>
            {name}
          </b>
        )}
        <HeatTag heat={heat} />
        {tags}
      </div>
      <div className={styles["under"]}>{children}</div>
    </div>
  );
}

/** Words with a dot between them; what is empty is left out. */
export function Dotted({ children }: { children: readonly (ReactNode | null | undefined | false)[] }) {
  const shown = children.filter((child) => child !== null && child !== undefined && child !== false && child !== "");
  return (
    <span className="cut">
      {shown.map((child, at) => (
        // The words of one line in their order: nothing else names them.
        <span key={at}>
          {at > 0 && " · "}
          {child}
        </span>
      ))}
    </span>
  );
}
