/* How somebody's phone is: colour, icon and word, always together. */

import { useWords } from "../words";
import { Icon, type IconName } from "./Icon";
import styles from "./StateWord.module.css";

export type PhoneState =
  | "free" | "dialling" | "ringing" | "talking" | "hold" | "after" | "break" | "off" | "missed" | "listening"
  | "offline"; // prettier-ignore

export const STATE_ICONS: Readonly<Record<PhoneState, IconName>> = {
  free: "free",
  dialling: "outgoing",
  ringing: "incoming",
  talking: "phone",
  hold: "hold",
  after: "after",
  break: "break",
  off: "off",
  missed: "missed",
  listening: "listening",
  offline: "offline",
};

export function StateWord({ state, word, size = 16 }: { state: PhoneState; word?: string; size?: number }) {
  const t = useWords("band");
  return (
    <span className={styles["state"]} data-state={state}>
      <Icon name={STATE_ICONS[state]} size={size} />
      <b>{word ?? t(`state.${state}`)}</b>
    </span>
  );
}
