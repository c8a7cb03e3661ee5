import { useFormats } from "../formats";
import { useWords } from "../words";
import styles from "./GoalBar.module.css";

export interface GoalBarProps {
  value: number;
  goal: number;
  /** Where one usually is at this hour; a mark on the bar. */
  pace?: number | null | undefined;
  /** Width in px; else the whole place. */
  width?: number;
  height?: number;
}

/** How much of a goal is done, as a bar. */
export function GoalBar({ value, goal, pace, width, height = 6 }: GoalBarProps) {
  const t = useWords("parts");
  const f = useFormats();
  const part = (n: number) => `${goal > 0 ? Math.min(100, (n / goal) * 100) : 0}%`;
  return (
    <span
      className={styles["bar"]}
      style={{ width: width ?? "100%", height, borderRadius: height / 2 }}
      role="img"
      aria-label={`${f.count(value)} ${t("goal.of", { goal: f.count(goal) })}`}
    >
      <i style={{ width: part(value) }} />
      {pace !== null && pace !== undefined && <u style={{ left: part(pace) }} />}
    </span>
  );
}
