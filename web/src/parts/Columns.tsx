/* The body of a page: a scrolling middle, and side panels that are not modal. Below 768 px a side panel is a page over
   the middle. */

import { CloseButton } from "@mantine/core";
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
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
  /** Esc closes it also from within a field: for fields that take hold at once or keep what was typed. */
  closesFromFields?: boolean;
  children?: ReactNode;
}

const FIELDS = "input, textarea, select";
/** With a finger a field that has the focus would bring up the keyboard. */
const isTouched = () => matchMedia("(pointer: coarse)").matches;

/** What is marked by `data-autofocus` gets the focus when the panel is opened, unless somebody types elsewhere; when it is
 * closed the focus goes back to where it was. */
function useFocusWithin(isOn: boolean) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isOn) return;
    const before = document.activeElement;
    if (!before?.matches(FIELDS) && !isTouched()) place.current?.querySelector<HTMLElement>("[data-autofocus]")?.focus({ preventScroll: true });
    return () => {
      if (document.activeElement === document.body && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [isOn]);
  return place;
}

export function SidePanel({ label, head, acts, onClose, width = 372, side = "right", tone, foot, closesFromFields, children }: SidePanelProps) {
  const t = useWords("parts");
  const place = useFocusWithin(onClose !== undefined);
  const pressed = (event: KeyboardEvent) => {
    const field = event.target;
    if (event.key !== "Escape" || !onClose || !(field instanceof HTMLElement) || !field.matches(FIELDS)) return;
    if (field.closest("[role=dialog], [aria-expanded=true]")) return; // a list that is open takes the key
    event.preventDefault();
    field.blur();
    onClose();
  };
  useKeys({ leave: () => onClose?.() }, onClose !== undefined);
  return (
    // The key is the panel's own way out, beside its button.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <aside
      ref={place}
      onKeyDown={closesFromFields ? pressed : undefined}
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
