/* Lines over the same days; a point opens its day. */

import { count } from "../../formats";
import type { ChartProps } from ".";
import styles from "./charts.module.css";
import { every, steps } from "./scale";
import { useWidth } from "./useWidth";

const LEFT = 44;
const TOP = 12;
const BOTTOM = 22;

export default function LineDrawing({ label, points, series, height = 200, format, onOpen, current }: ChartProps) {
  const [place, width] = useWidth();
  const write = format ?? ((value: number) => count(value, "en"));
  const all = points.flatMap((point) => series.map((one) => point.values[one.name] ?? 0));
  const lines = steps(Math.max(0, ...all));
  const top = lines.at(-1) ?? 1;
  const inner = height - TOP - BOTTOM;
  const y = (value: number) => TOP + inner * (1 - value / top);
  const x = (at: number) => LEFT + ((width - LEFT) / Math.max(1, points.length)) * (at + 0.5);
  const labels = every(points.length, width - LEFT, 56);
  return (
    <div ref={place}>
      <svg width="100%" height={height} viewBox={`0 0 ${width} ${height}`} className={styles["drawing"]} role="img" aria-label={label}>
        {lines.map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={width} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 8} y={y(value) + 4} textAnchor="end">
              {write(value)}
            </text>
          </g>
        ))}
        {points.map((point, at) =>
          at % labels === 0 ? (
            <text key={point.label} x={x(at)} y={height - 6} textAnchor="middle" data-current={current === at || undefined}>
              {point.label}
            </text>
          ) : null,
        )}
        {series.map((one) => (
          <g key={one.name} style={{ color: `var(--${one.colour})` }}>
            <path className={styles["line"]} d={path(points.map((point, at) => [x(at), value(point.values[one.name], y)]))} />
            {points.map((point, at) => {
              const known = point.values[one.name];
              if (known === null || known === undefined) return null;
              return (
                <circle
                  key={point.label}
                  cx={x(at)}
                  cy={y(known)}
                  r={current === at ? 5 : 3}
                  onClick={onOpen && (() => onOpen(at, one.name))}
                  data-opens={onOpen ? true : undefined}
                >
                  <title>{`${point.label}, ${one.label}: ${write(known)}`}</title>
                </circle>
              );
            })}
          </g>
        ))}
      </svg>
    </div>
  );
}

function value(known: number | null | undefined, y: (value: number) => number): number | null {
  return known === null || known === undefined ? null : y(known);
}

/** A line with a gap where a value is not known. */
function path(points: [number, number | null][]): string {
  let isBegun = false;
  return points
    .map(([x, y]) => {
      if (y === null) {
        isBegun = false;
        return "";
      }
      const step = `${isBegun ? "L" : "M"}${x} ${y}`;
      isBegun = true;
      return step;
    })
    .join("");
}
