import { initials } from "../formats";
import styles from "./Avatar.module.css";

/** The initials of a person; his name stands beside it. */
export function Avatar({ name, size = 28 }: { name: string; size?: 20 | 28 | 36 }) {
  return (
    <span className={styles["avatar"]} data-size={size} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
