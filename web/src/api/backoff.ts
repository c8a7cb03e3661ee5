/* How long to wait before a connection is tried again: 1, 2, 4, 8, 10 s, each up to a quarter less, so that a
   company's browsers do not all come back at one moment. */

const LONGEST_MS = 10_000;

/** Milliseconds before the next try.
 * @param failures how many tries in a row have failed, from 1
 * @param random between 0 and 1
 */
export function backoff(failures: number, random: number): number {
  const full = Math.min(LONGEST_MS, 1000 * 2 ** (failures - 1));
  return Math.round(full * (1 - 0.25 * random));
}
