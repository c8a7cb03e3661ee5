/* The place of what is still loading: after 200 ms, at most six rows, nothing turns. */

import { useEffect, useState } from "react";
import { useWords } from "../words";
import styles from "./Skeleton.module.css";

const PATIENCE_MS = 200;
const MOST = 6;

function useLate(): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLate;
}

/** Rows as high as those to come. */
export function SkeletonRows({ rows = MOST, height = 36 }: { rows?: number; height?: number }) {
  const t = useWords("parts");
  const isLate = useLate();
  if (!isLate) return <div style={{ height: height * Math.min(rows, MOST) }} />;
  return (
    <div role="status" aria-label={t("loading")}>
      {Array.from({ length: Math.min(rows, MOST) }, (_, at) => (
        <div key={at} className={styles["row"]} style={{ height }} aria-hidden="true">
          <span style={{ width: `${18 + ((at * 7) % 12)}%` }} />
          <span style={{ width: `${30 + ((at * 11) % 20)}%` }} />
        </div>
      ))}
    </div>
  );
}

/** A block of one size, for figures and charts. */
export function SkeletonBlock({ height, width = "100%" }: { height: number; width?: number | string }) {
  const isLate = useLate();
  return <div className={isLate ? styles["block"] : undefined} style={{ height, width }} aria-hidden="true" />;
}
