import type { ReactNode } from "react";
import styles from "./RatingTable.module.css";

/** A table that scrolls sideways on a small screen; reached by keys too.
 * @param isPlaced whether the first column is a place in a rating
 */
export function Scrolled({ label, isPlaced = false, children }: { label: string; isPlaced?: boolean; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles["scroll"]} role="region" aria-label={label} tabIndex={0}>
      <table className={styles["table"]} data-unplaced={!isPlaced || undefined}>
        {children}
      </table>
    </div>
  );
}

/** A part of the most, as a bar; what it shows stands beside it as a figure. */
export function Part({ of, most }: { of: number; most: number }) {
  return (
    <td className={styles["part"]} aria-hidden="true">
      <i style={{ width: `${(of / most) * 100}%` }} />
    </td>
  );
}
