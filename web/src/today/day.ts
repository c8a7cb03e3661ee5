/* The day of a manager as the page shows it: what stands in which part, how long until, what is worth a colour. */

import type { Schemas } from "../api";

export type Day = Schemas["DayView"];
export type TaskRow = Schemas["TaskRow"];
export type AgreedRow = Schemas["AgreedRow"];

export const SHOWN = ["all", "missed", "scheduled", "tasks"] as const;
export type ShownPart = (typeof SHOWN)[number];

export interface Client {
  readonly id: number | null;
  readonly name: string | null;
  readonly number: string | null;
}

/** Whom a row is about. */
export function clientOf(row: TaskRow | AgreedRow): Client {
  if ("call" in row.entry) {
    const { contact, number } = row.entry.call;
    return { id: contact?.id ?? null, name: contact?.name ?? null, number };
  }
  const { contact, number } = row.entry.task;
  return { id: contact?.id ?? null, name: contact?.name ?? null, number };
}

/** A name by which a row is told apart from all others, also in the address. */
export function keyOf(row: TaskRow | AgreedRow): string {
  return "call" in row.entry ? `agreed-${row.entry.call.id}` : `task-${row.entry.task.id}`;
}

export interface Counts {
  readonly all: number;
  readonly missed: number;
  readonly scheduled: number;
  readonly tasks: number;
}

/** How many stand in each part, also those that are not shown. */
export function countsOf(day: Day): Counts {
  const missed = Math.max(day.counts["missed"] ?? 0, day.return_now.length);
  const all = Object.values(day.counts).reduce((sum, n) => sum + n, 0);
  const tasks = Math.max(all - missed, day.tasks.length);
  return { all: missed + day.scheduled_total + tasks, missed, scheduled: day.scheduled_total, tasks };
}

/** Seconds until a deadline; below zero: it is over. */
export function secondsLeft(due: string, now: number): number {
  return Math.round((Date.parse(due) - now) / 1000);
}

/** How much of the time to return a client is left, 0 to 1; for the ring of the clock. */
export function shareLeft(left: number, minutes: number | null): number {
  return Math.min(1, Math.max(0, left / ((minutes ?? 5) * 60)));
}

export type Urgency = "over" | "soon" | "calm";

/** Half of the time gone is worth a colour. */
export function urgencyOf(left: number, minutes: number | null): Urgency {
  if (left < 0) return "over";
  return shareLeft(left, minutes) < 0.5 ? "soon" : "calm";
}

/** Rows in the places they had when the list was shown last; what came since is counted and waits.
 * @param places keys of the rows as they were shown; where none of them is left, everything is shown
 */
export function settle<Row extends TaskRow | AgreedRow>(rows: readonly Row[], places: readonly string[]): { rows: readonly Row[]; waiting: number } {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const kept = places.flatMap((key) => byKey.get(key) ?? []);
  if (kept.length === 0) return { rows, waiting: 0 };
  return { rows: kept, waiting: rows.length - kept.length };
}

/** How far the day is from its usual pace: above zero ahead. */
export function aheadBy(goal: { done: number; expected: number }): number {
  return Math.round(goal.done - goal.expected);
}
