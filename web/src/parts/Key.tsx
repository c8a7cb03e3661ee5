import type { ReactNode } from "react";
import { useKeyOf, type Act } from "../keyboard";
import styles from "./Key.module.css";

/** A key as it is printed on the keyboard. */
export function Key({ children }: { children: ReactNode }) {
  return (
    <kbd className={styles["key"]} aria-hidden="true">
      {children}
    </kbd>
  );
}

/** The keys of an act as they are in force for this person. */
export function KeyOf({ act }: { act: Act }) {
  return useKeyOf(act).map((part) => <Key key={part}>{part}</Key>);
}
