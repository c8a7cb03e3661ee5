/* Hours of days as a table whose squares are shaded: a table to a screen reader, a picture to the eye. */

import styles from "./HeatMap.module.css";

export interface HeatMapProps {
  /** What is counted, for a screen reader. */
  label: string;
  rows: readonly string[];
  columns: readonly string[];
  /** By row and column; null: not known. */
  values: readonly (readonly (number | null)[])[];
  /** A token: `miss`, `accent`, `warn`. */
  colour?: string;
  format?: (value: number) => string;
  onOpen?: (row: number, column: number) => void;
  current?: readonly [number, number] | null;
}

/** 0 to 5: how dark a square is. */
export function level(value: number | null | undefined, highest: number): number {
  if (!value || highest <= 0) return 0;
  return Math.min(5, Math.max(1, Math.ceil((value / highest) * 5)));
}

export function HeatMap({ label, rows, columns, values, colour = "miss", format = String, onOpen, current }: HeatMapProps) {
  const highest = Math.max(0, ...values.flat().map((value) => value ?? 0));
  return (
    <table className={styles["map"]} aria-label={label} style={{ "--heat": `var(--${colour})` } as React.CSSProperties}>
      <thead>
        <tr>
          <td />
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, y) => (
          <tr key={row}>
            <th scope="row">{row}</th>
            {columns.map((column, x) => {
              const value = values[y]?.[x];
              const text = value ? format(value) : "·";
              const isCurrent = current?.[0] === y && current[1] === x;
              return (
                <td key={column} data-level={level(value, highest)} data-current={isCurrent || undefined}>
                  {onOpen && value ? (
                    <button type="button" onClick={() => onOpen(y, x)} aria-label={`${row} ${column}: ${text}`} aria-pressed={isCurrent}>
                      {text}
                    </button>
                  ) : (
                    text
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
