/* The arithmetic of the time after a call. */

/** Seconds since the call ended, and until one is free again by itself; null: it does not end by itself.
 * @param since when the time after the call began
 * @param endsAt when it ends by itself
 */
export function afterClock(since: number, endsAt: number | null, now: number): { passed: number; left: number | null } {
  const left = endsAt === null ? null : Math.max(0, Math.ceil((endsAt - now) / 1000));
  return { passed: Math.max(0, Math.floor((now - since) / 1000)), left };
}

const LONGEST = 3600;

/** Seconds to ask for, from now on, so that there is one more minute than there was. */
export function oneMoreMinute(endsAt: number | null, now: number): number {
  const left = endsAt === null ? 0 : Math.max(0, Math.ceil((endsAt - now) / 1000));
  return Math.min(LONGEST, left + 60);
}
