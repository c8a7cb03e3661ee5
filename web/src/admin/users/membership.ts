/* Who belongs to a team from which day to which: figures count each on the days of his membership, so nobody's past is
   taken away when he goes, and nobody's old calls are given to a team when he comes. */

import type { Schemas } from "../../api";

export type Members = Schemas["TeamView"]["members"];

const DAY_MS = 86_400_000;
const dayBefore = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) - DAY_MS).toISOString().slice(0, 10);

/** Whether somebody belongs to a team on a day, or will. */
export function isIn(members: Members, user: number, today: string): boolean {
  return members.some((member) => member.user === user && isNow(member, today));
}

/** Whether a membership goes on, or is to come. */
export function isNow(member: Members[number], today: string): boolean {
  return member.until === null || member.until >= today;
}

/** The memberships with somebody from today on; where he left only yesterday, as if he had stayed. */
export function joined(members: Members, user: number, today: string): Members {
  if (isIn(members, user, today)) return members;
  const left = members.findIndex((member) => member.user === user && member.until === dayBefore(today));
  const old = members[left];
  if (old) return members.with(left, { ...old, until: null });
  return [...members, { user, since: today, until: null }];
}

/** The memberships without somebody from today on; who came today was never in. */
export function left(members: Members, user: number, today: string): Members {
  return members.flatMap((member) => {
    if (member.user !== user || !isNow(member, today)) return [member];
    return member.since !== null && member.since >= today ? [] : [{ ...member, until: dayBefore(today) }];
  });
}
