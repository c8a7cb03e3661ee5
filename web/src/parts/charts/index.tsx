/* Charts with a table twin. The drawing is loaded when the first chart is shown; colours are tokens, and every bar or
   point opens what it is made of. */

import { Suspense, useState, type ReactNode } from "react";
import { useWords } from "../../words";
import { Icon } from "../Icon";
import { SkeletonBlock } from "../Skeleton";
import styles from "./charts.module.css";
import { late } from "../late";

export interface Series {
  readonly name: string;
  readonly label: string;
  /** A token: `accent`, `miss`, `talk`, `prev`, `after`, `hold`, `warn`. */
  readonly colour: string;
  /** Bars with the same stack stand upon each other. */
  readonly stack?: string;
}

export interface ChartPoint {
  /** What stands below it. */
  readonly label: string;
  /** By the name of the series; null: not known. */
  readonly values: Readonly<Record<string, number | null>>;
  /** The whole figure, where only its rest is drawn upon another one. */
  readonly whole?: Readonly<Record<string, number>>;
}

export interface ChartProps {
  /** What is shown, for a screen reader and the table. */
  label: string;
  points: readonly ChartPoint[];
  series: readonly Series[];
  height?: number;
  /** Writes a value; else a whole number. */
  format?: (value: number) => string;
  /** Opens what a point is made of. */
  onOpen?: (index: number, series: string) => void;
  /** The point that is opened. */
  current?: number | null;
}

const BarDrawing = late(() => import("./BarDrawing"));
const LineDrawing = late(() => import("./LineDrawing"));

export function Bars(props: ChartProps) {
  return (
    <Twin {...props}>
      <BarDrawing {...props} />
    </Twin>
  );
}

export function Lines(props: ChartProps) {
  return (
    <Twin {...props}>
      <LineDrawing {...props} />
    </Twin>
  );
}

/** The names of the series with their colours, for the head of a panel. */
export function Legend({ series }: { series: readonly Series[] }) {
  return (
    <ul className={styles["legend"]}>
      {series.map(({ name, label, colour }) => (
        <li key={name}>
          <i style={{ background: `var(--${colour})` }} />
          {label}
        </li>
      ))}
    </ul>
  );
}

function Twin({ children, ...props }: ChartProps & { children: ReactNode }) {
  const t = useWords("parts");
  const [isTable, setTable] = useState(false);
  return (
    <div className={styles["chart"]}>
      {isTable ? <ChartTable {...props} /> : <Suspense fallback={<SkeletonBlock height={props.height ?? 200} />}>{children}</Suspense>}
      <button type="button" className={styles["turn"]} onClick={() => setTable(!isTable)} aria-pressed={isTable}>
        <Icon name={isTable ? "figures" : "grid"} size={14} /> {t(isTable ? "chart.picture" : "chart.table")}
      </button>
    </div>
  );
}

function ChartTable({ label, points, series, format = String, onOpen }: ChartProps) {
  return (
    <table className={styles["twin"]} aria-label={label}>
      <thead>
        <tr>
          <td />
          {series.map(({ name, label: head }) => (
            <th key={name} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {points.map((point, at) => (
          <tr key={point.label}>
            <th scope="row">{point.label}</th>
            {series.map(({ name }) => {
              const value = point.whole?.[name] ?? point.values[name];
              const text = value === null || value === undefined ? "–" : format(value);
              return (
                <td key={name}>
                  {onOpen ? (
                    <button type="button" onClick={() => onOpen(at, name)}>
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

export { HeatMap, type HeatMapProps } from "./HeatMap";
export { Sparkline } from "./Sparkline";
