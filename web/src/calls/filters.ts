/* The filters of the list of calls: their names are those of the API, and they stand in the address. */

import { isoDay, type Reader } from "../formats/moments";

export const FILTERS = ["period", "since", "until", "direction", "result", "manager", "number", "contact", "q"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

export const DIRECTIONS = ["inbound", "outbound"] as const;
export const RESULTS = ["answered", "missed", "busy", "no_answer", "cancelled", "failed", "lost_in_transfer"] as const;
export const PERIODS = ["today", "yesterday", "last_7_days", "week", "month", "quarter", "year"] as const;
export type Period = (typeof PERIODS)[number];

const DAY_MS = 86_400_000;

/** First day, and the day after the last, of a named period; days as `2026-11-24` in the reader's zone. */
export function daysOf(period: Period, now: number, reader: Reader): { from: string; until: string } {
  const today = isoDay(now, reader);
  const day = new Date(`${today}T00:00:00Z`);
  const at = (offset: number) => new Date(day.getTime() + offset * DAY_MS).toISOString().slice(0, 10);
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
  const first = (some: number) => new Date(Date.UTC(year, some, 1)).toISOString().slice(0, 10);
  const until = at(1);
  switch (period) {
    case "today":
      return { from: today, until };
    case "yesterday":
      return { from: at(-1), until: today };
    case "last_7_days":
      return { from: at(-7), until: today };
    case "week":
      return { from: at(-((day.getUTCDay() + 6) % 7)), until };
    case "month":
      return { from: first(month), until };
    case "quarter":
      return { from: first(month - (month % 3)), until };
    case "year":
      return { from: first(0), until };
  }
}

/** The moment at which a day begins in a zone, as the API takes it. */
export function beginOf(day: string, reader: Reader): string {
  const guess = Date.parse(`${day}T00:00:00Z`);
  // What a clock there shows at the guess says how far the zone is off; a second look serves days on which it changes.
  const once = guess - offset(guess, reader);
  return new Date(guess - offset(once, reader)).toISOString();
}

function offset(at: number, reader: Reader): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    ...(reader.zone ? { timeZone: reader.zone } : {}),
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(at));
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

const one = <T extends string>(values: readonly T[], value: string | undefined): T | undefined => values.find((some) => some === value);
const id = (value: string | undefined): number | undefined => (value && /^\d{1,15}$/.test(value) ? Number(value) : undefined);

/** The query of the API for the filters of an address; what the address has wrong is left out. */
export function queryOf(filters: Filters, now: number, reader: Reader) {
  const period = one(PERIODS, filters.period);
  const days = period ? daysOf(period, now, reader) : { from: day(filters.since), until: day(filters.until) };
  return {
    ...given("since", days.from && beginOf(days.from, reader)),
    ...given("until", days.until && beginOf(days.until, reader)),
    ...given("direction", one(DIRECTIONS, filters.direction)),
    ...given("result", one(RESULTS, filters.result)),
    ...given("manager", id(filters.manager)),
    ...given("contact", id(filters.contact)),
    ...given("number", filters.number?.slice(0, 64)),
    ...given("q", filters.q?.slice(0, 200)),
  };
}

function day(value: string | undefined): string | undefined {
  return value && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;
}

function given<Name extends string, T>(name: Name, value: T | undefined | ""): Partial<Record<Name, T>> {
  return value === undefined || value === "" ? {} : ({ [name]: value } as Record<Name, T>);
}

/** Whether a search field holds a telephone number rather than words. */
export function isNumber(text: string): boolean {
  return /^[+\d][\d\s()./-]*$/.test(text.trim()) && (text.match(/\d/g)?.length ?? 0) >= 3;
}
