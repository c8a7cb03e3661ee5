/* What is chosen on the page of statistics, as it stands in the address. */

import type { Schemas } from "../api";

export const PERIODS = ["today", "last_7_days", "month", "quarter", "dates"] as const;
export type Period = (typeof PERIODS)[number];

export interface Days {
  readonly period: Period;
  readonly since?: string;
  readonly until?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const isDay = (text: string | undefined): text is string => text !== undefined && DAY.test(text) && !Number.isNaN(Date.parse(text));

/** The days of an address; what it has wrong becomes the last seven days. */
export function daysOf(chosen: { period?: string; since?: string; until?: string }): Days {
  const period = PERIODS.find((name) => name === chosen.period) ?? "last_7_days";
  if (period !== "dates") return { period };
  const { since, until } = chosen;
  if (!isDay(since) || !isDay(until) || until < since) return { period: "last_7_days" };
  return { period, since, until };
}

export const TABS = ["goal", "minutes", "channels", "tasks"] as const;
export type Tab = (typeof TABS)[number];

export interface Rating {
  readonly query: { readonly by: string; readonly direction?: Schemas["Direction"] };
  /** Figures of the table; the first orders it and shows its change. */
  readonly columns: readonly string[];
}

export const RATINGS: Readonly<Record<Tab, Rating>> = {
  goal: { query: { by: "numbers_long", direction: "outbound" }, columns: ["numbers_long", "calls", "talk_seconds", "goals_reached"] },
  minutes: { query: { by: "talk_seconds" }, columns: ["talk_seconds", "average_talk_seconds", "talk_share", "answered", "missed"] },
  channels: { query: { by: "calls" }, columns: ["calls", "calls_in", "calls_out", "touches"] },
  tasks: { query: { by: "tasks_done" }, columns: ["tasks_done", "tasks_in_time", "tasks_overdue", "tasks_failed"] },
};

/** By what the channels are told, and by what the missed clients. */
export const CHANNELS = ["did", "source"] as const;
export type ChannelBy = (typeof CHANNELS)[number];
export const REACHED = ["manager", "did"] as const;
export type ReachedBy = (typeof REACHED)[number];
