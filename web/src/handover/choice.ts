/* What is chosen on the page, as it stands in the address, and as the API takes it. */

import type { Schemas } from "../api";

export const FILTERS = ["from", "heat", "stage", "line", "open", "way", "to", "tasks", "planned", "until", "why", "leaving", "one"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

export const HEATS = ["hot", "warm", "cold", "none"] as const;
export const STAGES = ["unsorted", "lead", "client", "refused"] as const;
export const OPEN = ["task", "planned"] as const;
export const WAYS = ["one", "shared", "rules"] as const;
export type Way = (typeof WAYS)[number];

/** What stands for clients of no line of business. */
const NO_LINE = "-";
const DAY = /^\d{4}-\d{2}-\d{2}$/;

const id = (value: string | undefined): number | null => (value && /^\d{1,15}$/.test(value) ? Number(value) : null);
const some = <T extends string>(known: readonly T[], text: string | undefined): T[] => known.filter((one) => (text ?? "").split(",").includes(one));

/** Which of his clients. */
export function whichOf(filters: Filters) {
  const [heats, stages, open] = [some(HEATS, filters.heat), some(STAGES, filters.stage), some(OPEN, filters.open)];
  const lines = filters.line ? filters.line.split("\n").slice(0, 50) : [];
  return {
    ...(heats.length ? { heats } : {}),
    ...(stages.length ? { stages } : {}),
    ...(lines.length ? { lines_of_business: lines.map((line) => (line === NO_LINE ? "" : line)) } : {}),
    ...(open.includes("task") ? { has_task: true } : {}),
    ...(open.includes("planned") ? { has_scheduled: true } : {}),
  };
}
export type WhichCards = ReturnType<typeof whichOf>;

/** Lines of business as they stand in the address. */
export const lineText = (line: string): string => line || NO_LINE;

/** The list with or without one of its values, as it stands in the address; null: empty. */
export function toggled(text: string | undefined, value: string): string | null {
  const values = text ? text.split(",") : [];
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  return next.join(",") || null;
}

export const wayOf = (filters: Filters): Way => WAYS.find((way) => way === filters.way) ?? "one";
export const oneOf = (filters: Filters): number | null => id(filters.one);
export const fromOf = (filters: Filters): number | null => id(filters.from);
export const daysEnd = (filters: Filters): string | null => (filters.until && DAY.test(filters.until) ? filters.until : null);

/** Whom the clients go to; empty: nobody is chosen yet, or the rules say. */
export function receivers(filters: Filters): number[] {
  const ids = (filters.to ?? "").split(",").flatMap((text) => id(text) ?? []);
  return wayOf(filters) === "one" ? ids.slice(0, 1) : ids;
}

/** Whether the page knows enough to begin. */
export function isWhole(filters: Filters): boolean {
  return fromOf(filters) !== null && (wayOf(filters) === "rules" || receivers(filters).length > 0);
}

/** The order; null: something is missing.
 * @param until the moment at which it comes back; null: it does not
 */
export function orderOf(filters: Filters, until: string | null): Schemas["NewHandover"] | null {
  const from = fromOf(filters);
  if (from === null || !isWhole(filters)) return null;
  const [first] = receivers(filters);
  const way = wayOf(filters);
  return {
    from,
    ...(way === "one" && first !== undefined ? { to: first } : {}),
    ...(way === "shared" ? { among: receivers(filters) } : {}),
    ...whichOf(filters),
    tasks: filters.tasks !== "stay",
    scheduled: filters.planned !== "stay",
    ...(until === null ? {} : { until }),
    ...(filters.why?.trim() ? { reason: filters.why.trim().slice(0, 200) } : {}),
  };
}

/** How many each of several gets, when so many are shared out evenly. */
export function shares(cards: number, among: number): number[] {
  return Array.from({ length: among }, (_, at) => Math.floor(cards / among) + (at < cards % among ? 1 : 0));
}
