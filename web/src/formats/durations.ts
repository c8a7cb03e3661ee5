/* Lengths of time as a person reads them. */

const NBSP = "\u00a0";

export interface Units {
  readonly s: string;
  readonly min: string;
  readonly h: string;
}

/** Seconds as `0:07`, `12:48`, `1:02:10`; what is not known as a dash. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Seconds of work as `14:52` in hours and minutes. */
export function hoursAndMinutes(seconds: number): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}`;
}

/** A sum of seconds as `2 h 14 min`, `14 min`, `40 s`.
 * @param unit writes a number with its unit in the reader's language
 */
export function sum(seconds: number, unit: (unit: keyof Units, n: number) => string): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 1) return unit("s", Math.floor(Math.max(0, seconds)));
  if (minutes < 60) return unit("min", minutes);
  const hours = unit("h", Math.floor(minutes / 60));
  return minutes % 60 ? hours + NBSP + unit("min", minutes % 60) : hours;
}

/** The distance to a moment in one unit, as rows say it: `40 s`, `19 min`, `2 h 04`, `3 d`. */
export function distance(seconds: number, unit: (unit: keyof Units | "d", n: number) => string): string {
  const length = Math.abs(seconds);
  if (length < 60) return unit("s", Math.floor(length));
  const minutes = Math.floor(length / 60);
  if (minutes < 60) return unit("min", minutes);
  if (minutes < 24 * 60) return `${unit("h", Math.floor(minutes / 60))}${NBSP}${two(minutes % 60)}`;
  return unit("d", Math.floor(minutes / 1440));
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
