/* What stands in the second line instead of the client's words: what came of the last order, or that there is no
   connection while a call goes on. */

import type { ReactNode } from "react";
import { AwayWord, useIsAway } from "./Away";
import styles from "./Band.module.css";
import { usePhonePart } from "./store";

/** What came of the last order. */
export function Word() {
  const word = usePhonePart((view) => view.word);
  if (!word) return null;
  return (
    <span className={`${styles["word"]} cut`} role="status" data-fault={word.isFault || undefined} title={word.text}>
      {word.text}
    </span>
  );
}

/** The second line of a call; null: nothing but the usual. */
export function useTold(): ReactNode {
  const hasWord = usePhonePart((view) => view.word !== null);
  const isAway = useIsAway();
  if (hasWord) return <Word />;
  if (!isAway) return null;
  return (
    <span className={`${styles["word"]} cut`} data-fault>
      <AwayWord />
    </span>
  );
}
