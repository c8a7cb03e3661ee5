/* Bars side by side, or upon each other, with the value above the highest. Drawn as plain SVG in the size of its place. */

import { count } from "../../formats";
import type { ChartProps } from ".";
import styles from "./charts.module.css";
import { every, steps } from "./scale";
import { useWidth } from "./useWidth";

const LEFT = 44;
const TOP = 18;
const BOTTOM = 22;

export default function BarDrawing({ label, points, series, height = 200, format, onOpen, current }: ChartProps) {
  const [place, width] = useWidth();
  const write = format ?? ((value: number) => count(value, "en"));
  const stacks = [...new Set(series.map((one) => one.stack ?? one.name))];
  const total = (at: number, stack: string) =>
    series.filter((one) => (one.stack ?? one.name) === stack).reduce((sum, one) => sum + (points[at]?.values[one.name] ?? 0), 0);
  const highest = Math.max(0, ...points.flatMap((_, at) => stacks.map((stack) => total(at, stack))));
  const lines = steps(highest);
  const top = lines.at(-1) ?? 1;
  const inner = height - TOP - BOTTOM;
  const y = (value: number) => TOP + inner * (1 - value / top);
  const slot = (width - LEFT) / Math.max(1, points.length);
  const bar = Math.max(3, Math.min(14, (slot * 0.62) / stacks.length));
  const labels = every(points.length, width - LEFT, 56);
  const isAtEdge = (middle: number) => points.length > 7 && middle + 28 > width;
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
        {points.map((point, at) => {
          const middle = LEFT + slot * (at + 0.5);
          const left = middle - (bar * stacks.length + 2 * (stacks.length - 1)) / 2;
          return (
            <g key={point.label} data-current={current === at || undefined}>
              {current === at && <rect className={styles["frame"]} x={middle - slot / 2 + 2} y={TOP - 4} width={slot - 4} height={inner + 4} rx={4} />}
              {stacks.map((stack, place) => {
                let base = 0;
                return series
                  .filter((one) => (one.stack ?? one.name) === stack)
                  .map((one) => {
                    const value = point.values[one.name] ?? 0;
                    const [from, to] = [y(base), y(base + value)];
                    base += value;
                    return (
                      <rect
                        key={one.name}
                        x={left + place * (bar + 2)}
                        y={to}
                        width={bar}
                        height={Math.max(0, from - to)}
                        rx={1.5}
                        fill={`var(--${one.colour})`}
                        onClick={onOpen && (() => onOpen(at, one.name))}
                        data-opens={onOpen ? true : undefined}
                      >
                        <title>{`${point.label}, ${one.label}: ${write(point.whole?.[one.name] ?? value)}`}</title>
                      </rect>
                    );
                  });
              })}
              {slot > 34 && stacks[0] && total(at, stacks[0]) > 0 && (
                <text className={styles["value"]} x={left + bar / 2} y={y(total(at, stacks[0])) - 5} textAnchor="middle">
                  {write(total(at, stacks[0]))}
                </text>
              )}
              {at % labels === 0 && (
                <text x={isAtEdge(middle) ? width : middle} y={height - 6} textAnchor={isAtEdge(middle) ? "end" : "middle"} data-current={current === at || undefined}>
                  {point.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
