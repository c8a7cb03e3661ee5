/* The axis of a chart: round steps, from nothing to above the highest value. */

/** Values at which lines are drawn, from 0: at most `count` whole steps of 1, 2, 2.5 or 5 times a power of ten. */
export function steps(highest: number, count = 4): number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((part) => part * power >= rough) ?? 10) * power;
  // What is counted has no halves: 2.5 calls would stand there as 3.
  const whole = highest < count ? 1 : Math.ceil(step);
  const last = Math.ceil(highest / whole);
  return Array.from({ length: last + 1 }, (_, at) => at * whole);
}

/** Every how many labels are shown, so that they have `each` px. */
export function every(points: number, width: number, each: number): number {
  return Math.max(1, Math.ceil((points * each) / Math.max(1, width)));
}
