/* A small panel that hangs on a button of the band: its code comes when it is opened first. Escape and a press elsewhere
   close it, and the focus goes back to the button. */

import { Suspense, useEffect, useId, useRef, type ReactElement, type ReactNode } from "react";
import styles from "./Hanging.module.css";

export interface HangingProps {
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  /** The button. */
  button: (props: { "aria-expanded": boolean; "aria-controls": string | undefined; onClick: () => void }) => ReactElement;
  label: string;
  width?: number;
  /** On which side it begins. */
  side?: "left" | "right";
  children: ReactNode;
}

export function Hanging({ isOpen, onOpen, button, label, width = 300, side = "right", children }: HangingProps) {
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) onOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen, onOpen]);
  const close = () => {
    onOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  return (
    <div
      ref={root}
      className={styles["hanging"]}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.preventDefault();
        close();
      }}
    >
      {button({ "aria-expanded": isOpen, "aria-controls": isOpen ? id : undefined, onClick: () => onOpen(!isOpen) })}
      {isOpen && (
        <div id={id} role="dialog" aria-label={label} className={styles["panel"]} data-side={side} style={{ width }}>
          <Suspense>{children}</Suspense>
        </div>
      )}
    </div>
  );
}

/** Puts the focus there when it comes. */
export function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}
