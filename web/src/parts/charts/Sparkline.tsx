/** A line as high as a word, for a row of figures; its name says what it shows. */
export function Sparkline({ values, label, width = 80, height = 20 }: { values: readonly number[]; label: string; width?: number; height?: number }) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (at: number) => 1 + (at * (width - 2)) / Math.max(1, values.length - 1);
  const y = (value: number) => (high === low ? height / 2 : 2 + (height - 4) * (1 - (value - low) / (high - low)));
  return (
    <svg width={width} height={height} role="img" aria-label={label} fill="none" stroke="var(--accent)" strokeWidth={1.5}>
      <polyline points={values.map((value, at) => `${x(at)},${y(value)}`).join(" ")} strokeLinejoin="round" />
    </svg>
  );
}
