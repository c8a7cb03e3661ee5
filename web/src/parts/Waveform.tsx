/* A small picture of a sound: one row of bars. The player (web/src/player) has its own with two sides. */

import { useMemo } from "react";
import { useWords } from "../words";
import styles from "./Waveform.module.css";

export interface WaveformProps {
  /** Loudness from 0 to 1, of any number; drawn as at most `bars`. */
  peaks: readonly number[];
  bars?: number;
  height?: number;
  /** Part that was played, 0 to 1. */
  played?: number;
}

/** The loudest of each stretch, so that a long sound keeps its shape. */
export function stretched(peaks: readonly number[], bars: number): number[] {
  const count = Math.min(bars, peaks.length);
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((at + 1) * peaks.length) / count));
    return Math.max(...peaks.slice(from, to));
  });
}

export function Waveform({ peaks, bars = 120, height = 28, played = 0 }: WaveformProps) {
  const t = useWords("parts");
  const drawn = useMemo(() => stretched(peaks, bars), [peaks, bars]);
  const step = 4;
  return (
    <svg
      className={styles["wave"]}
      viewBox={`0 0 ${drawn.length * step} ${height}`}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={t("wave.label")}
    >
      {drawn.map((peak, at) => {
        const tall = Math.max(2, peak * height);
        return (
          <rect
            key={at}
            x={at * step}
            y={(height - tall) / 2}
            width={2.4}
            height={tall}
            rx={1}
            data-played={at / drawn.length < played || undefined}
          />
        );
      })}
    </svg>
  );
}
