/* The filters of the list of calls: their names are those of the API, and they stand in the address. */

import { isoDay, type Reader } from "../formats/moments";

export const FILTERS = [
  "period", "first", "last", "since", "until", "direction", "result", "reason", "manager", "team", "contact", "organisation",
  "client", "number", "did", "route", "step", "source", "talk_since", "talk_until", "recorded", "transcript", "outcome", "q", "figure", "kind",
  "state", "seconds", "weekday", "hour", "channel_by", "channel_kind", "channel", "sort",
] as const; // prettier-ignore
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

export const DIRECTIONS = ["inbound", "outbound"] as const;
export const RESULTS = ["answered", "missed", "busy", "no_answer", "cancelled", "failed", "lost_in_transfer"] as const;
export const REASONS = [
  "abandoned", "no_answer", "busy", "refused", "failed", "ivr", "voicemail", "no_phone", "client_busy", "client_refused",
  "client_no_answer", "client_no_response", "no_such_number", "number_changed", "line_overloaded", "trunk_unreachable",
  "client_failed", "manager_hung_up",
] as const; // prettier-ignore
export const PERIODS = ["today", "yesterday", "last_7_days", "week", "month", "quarter", "year"] as const;
export type Period = (typeof PERIODS)[number];
export const FIGURES = [
  "calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds", "numbers", "numbers_long", "calls_long", "outcomes",
] as const; // prettier-ignore
export const CHANNELS_BY = ["did", "source"] as const;
export const WEEKDAYS = ["1", "2", "3", "4", "5", "6", "7"] as const;
export const KINDS = ["internal", "through", "service", "all"] as const;
export const STATES = ["open", "ringing", "talking", "ended"] as const;
export const SORTS = ["newest", "oldest", "longest", "waited"] as const;
export type Sort = (typeof SORTS)[number];
export const STEPS = ["owner", "announcement", "site", "hang_up"] as const;
export const YES_NO = ["true", "false"] as const;

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
const STEP = /^(owner|announcement|site|hang_up|(group|manager):\d{1,18})$/;
const SECONDS_MOST = 604_800;

/** The order of a list; the newest first where nothing is said. */
export function sortOf(filters: Filters): Sort {
  return one(SORTS, filters.sort) ?? "newest";
}

/** The query of the API for the filters of an address, without the order; what the address has wrong is left out. */
export function queryOf(filters: Filters, reader: Reader) {
  return {
    ...daysQuery(filters, reader),
    ...given("direction", one(DIRECTIONS, filters.direction)),
    ...given("result", one(RESULTS, filters.result)),
    ...given("reason", one(REASONS, filters.reason)),
    ...given("manager", id(filters.manager)),
    ...given("team", id(filters.team)),
    ...given("contact", id(filters.contact)),
    ...given("organisation", id(filters.organisation)),
    ...given("client", words(filters.client, 2, 100)),
    ...given("number", words(filters.number, 1, 64)),
    ...given("did", words(filters.did, 1, 64)),
    ...given("route", id(filters.route)),
    ...given("step", filters.step && STEP.test(filters.step) ? filters.step : undefined),
    ...given("source", words(filters.source, 1, 120)),
    ...given("talk_since", seconds(filters.talk_since)),
    ...given("talk_until", seconds(filters.talk_until)),
    ...given("recorded", yesNo(filters.recorded)),
    ...given("transcript", yesNo(filters.transcript)),
    ...given("outcome", filters.outcome && /^[a-z][a-z0-9_]{0,39}$/.test(filters.outcome) ? filters.outcome : undefined),
    ...given("q", words(filters.q, 1, 200)),
    ...given("figure", one(FIGURES, filters.figure)),
    ...given("kind", one(KINDS, filters.kind)),
    ...given("state", one(STATES, filters.state)),
    ...given("seconds", seconds(filters.seconds)),
    ...given("weekday", id(one(WEEKDAYS, filters.weekday))),
    ...given("hour", hourOf(filters.hour)),
    ...channelQuery(filters),
  };
}
export type CallsQuery = ReturnType<typeof queryOf>;

/** A channel as the statistics tell it: of our number or the source; without a name: not known. */
function channelQuery(filters: Filters) {
  const by = one(CHANNELS_BY, filters.channel_by);
  if (!by) return {};
  return { channel_by: by, ...given("channel_kind", words(filters.channel_kind, 1, 60)), ...given("channel", words(filters.channel, 1, 200)) };
}

/** Days by name and chosen days are counted by the gateway; `since` and `until` are days of older links. */
function daysQuery(filters: Filters, reader: Reader) {
  const period = one(PERIODS, filters.period);
  if (period) return { period };
  const { first, last } = datesOf(filters);
  if (first && last) return { period: "dates" as const, first, last };
  const [since, until] = [first ?? day(filters.since), last ? dayBehind(last) : day(filters.until)];
  return { ...given("since", since && beginOf(since, reader)), ...given("until", until && beginOf(until, reader)) };
}

/** The first and the last day that are chosen, the last one itself included. */
export function datesOf(filters: Filters): { first: string | undefined; last: string | undefined } {
  if (one(PERIODS, filters.period)) return { first: undefined, last: undefined };
  const until = day(filters.until);
  const [first, last] = [day(filters.first) ?? day(filters.since), day(filters.last) ?? (until && dayBefore(until))];
  return first && last && last < first ? { first, last: first } : { first, last };
}

const shifted = (some: string, days: number) => new Date(Date.parse(`${some}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
const dayBehind = (some: string) => shifted(some, 1);
const dayBefore = (some: string) => shifted(some, -1);

function words(value: string | undefined, least: number, most: number): string | undefined {
  const wanted = value?.trim().slice(0, most);
  return wanted && wanted.length >= least ? wanted : undefined;
}

function seconds(value: string | undefined): number | undefined {
  return value && /^\d{1,6}$/.test(value) && Number(value) <= SECONDS_MOST ? Number(value) : undefined;
}

/** An hour of the clock: `0` to `23`. */
export function hourOf(value: string | undefined): number | undefined {
  return value && /^\d{1,2}$/.test(value) && Number(value) < 24 ? Number(value) : undefined;
}

function yesNo(value: string | undefined): boolean | undefined {
  return value === "true" ? true : value === "false" ? false : undefined;
}

/** How a length of talk is typed: `2:00` or `120`; null: it is none. */
export function secondsOf(typed: string): number | null {
  const found = /^(?:(\d{1,3}):)?(\d{1,6})$/.exec(typed.trim());
  if (!found) return null;
  const length = Number(found[1] ?? 0) * 60 + Number(found[2]);
  return length <= SECONDS_MOST ? length : null;
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
