/* The body of a page: a scrolling middle, and side panels that are not modal. Below 768 px a side panel is a page over
   the middle. */

import { CloseButton } from "@mantine/core";
import type { ReactNode } from "react";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import styles from "./Columns.module.css";
import { Fenced } from "./Panel";

/** Stands below a `PageHeader`; holds a `Middle` and `SidePanel`s. */
export function Columns({ children }: { children: ReactNode }) {
  return <div className={styles["columns"]}>{children}</div>;
}

/** The part that scrolls; `isFlush`: without the page's distance. */
export function Middle({ children, isFlush }: { children: ReactNode; isFlush?: boolean }) {
  return (
    <div className={styles["middle"]} data-middle data-flush={isFlush ? true : undefined}>
      {children}
    </div>
  );
}

export interface SidePanelProps {
  /** Name for a screen reader, and the head where `head` is not given. */
  label: string;
  head?: ReactNode;
  /** Behind the head, at the right. */
  acts?: ReactNode;
  /** Gives it a close button and Esc. */
  onClose?: () => void;
  /** 300 to 404 px. */
  width?: number;
  side?: "left" | "right";
  /** Colour of the head: a state. */
  tone?: "ring" | "talk" | "after" | "hold";
  /** Below what scrolls, always seen. */
  foot?: ReactNode;
  children?: ReactNode;
}

export function SidePanel({ label, head, acts, onClose, width = 372, side = "right", tone, foot, children }: SidePanelProps) {
  const t = useWords("parts");
  useKeys({ leave: () => onClose?.() }, onClose !== undefined);
  return (
    <aside
      className={styles["side"]}
      style={{ "--side": `${width}px` } as React.CSSProperties}
      data-side={side}
      data-closes={onClose ? true : undefined}
      aria-label={label}
    >
      <header className={styles["head"]} data-tone={tone}>
        {head ?? <h2 className="cut">{label}</h2>}
        <div className={styles["acts"]}>
          {acts}
          {onClose && <CloseButton aria-label={t("close")} onClick={onClose} />}
        </div>
      </header>
      <div className={styles["scroll"]}>
        <Fenced>{children}</Fenced>
      </div>
      {foot && <footer className={styles["foot"]}>{foot}</footer>}
    </aside>
  );
}
