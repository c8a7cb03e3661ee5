/* Twelve keys as on a telephone. */

import styles from "./NumberPad.module.css";

const KEYS = [
  ["1", ""], ["2", "abc"], ["3", "def"], ["4", "ghi"], ["5", "jkl"], ["6", "mno"], ["7", "pqrs"], ["8", "tuv"], ["9", "wxyz"],
  ["*", ""], ["0", "+"], ["#", ""],
] as const; // prettier-ignore

export function NumberPad({ onPress, isLarge }: { onPress: (digit: string) => void; isLarge?: boolean }) {
  return (
    <div className={styles["pad"]} data-large={isLarge || undefined}>
      {KEYS.map(([digit, letters]) => (
        <button key={digit} type="button" className={styles["key"]} aria-label={digit} onClick={() => onPress(digit)}>
          <b>{digit}</b>
          {letters && <small aria-hidden="true">{letters}</small>}
        </button>
      ))}
    </div>
  );
}
