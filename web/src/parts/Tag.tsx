import type { ReactNode } from "react";
import { useWords } from "../words";
import { Icon, type IconName } from "./Icon";
import styles from "./Tag.module.css";

export type Tone = "plain" | "accent" | "talk" | "ring" | "hold" | "after" | "miss" | "warn" | "pause";

/** A small word on a soft ground. */
export function Tag({ tone = "plain", icon, children }: { tone?: Tone; icon?: IconName; children: ReactNode }) {
  return (
    <span className={styles["tag"]} data-tone={tone}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}

const HEATS = { cold: "after", warm: "warn", hot: "ring" } as const;

/** How warm a client is; nothing where nobody said. */
export function HeatTag({ heat }: { heat: string | null | undefined }) {
  const t = useWords("parts");
  if (heat !== "cold" && heat !== "warm" && heat !== "hot") return null;
  return (
    <Tag tone={HEATS[heat]} {...(heat === "hot" ? { icon: "hot" as const } : {})}>
      {t(`heat.${heat}`)}
    </Tag>
  );
}

/** A figure in a tag behind a heading: "Return now 3". */
export function CountTag({ n, tone = "plain" }: { n: number; tone?: Tone }) {
  return (
    <span className={styles["tag"]} data-tone={tone} data-count>
      {n}
    </span>
  );
}
