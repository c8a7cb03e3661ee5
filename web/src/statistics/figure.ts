/* A figure that is opened: the address of what it counts, as the API gives it and as it stands in ours. */

import type { Schemas } from "../api";

export type RowFigure = Schemas["RowFigure"];

export interface RowsQuery {
  readonly figure: RowFigure;
  readonly since: string;
  readonly until: string;
  readonly user?: number;
  readonly team?: number;
  readonly direction?: Schemas["Direction"];
  readonly seconds?: number;
  readonly kind?: string;
  readonly weekday?: number;
  readonly hour?: number;
  /** Of a channel: told by our number or by source, the source's kind, and its name. */
  readonly by?: "did" | "source";
  readonly channel_kind?: string;
  readonly channel?: string;
}

const FIGURES: readonly RowFigure[] = [
  "calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds", "numbers", "numbers_long", "calls_long",
  "outcomes", "leads", "tasks_done", "tasks_in_time", "tasks_failed", "tasks_due", "tasks_overdue", "touches",
  "returned", "returned_in_time", "returned_later", "returned_never",
]; // prettier-ignore
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The query of an address like `/api/v1/reports/rows?figure=missed&since=...`, or of what follows its question mark; null: it is none. */
export function rowsQuery(address: string | null | undefined): RowsQuery | null {
  if (!address) return null;
  const params = new URLSearchParams(address.includes("?") ? address.slice(address.indexOf("?") + 1) : address);
  const figure = FIGURES.find((name) => name === params.get("figure"));
  const [since, until] = [params.get("since") ?? "", params.get("until") ?? ""];
  if (!figure || !DAY.test(since) || !DAY.test(until)) return null;
  const number = (name: string) => (/^\d{1,15}$/.test(params.get(name) ?? "") ? { [name]: Number(params.get(name)) } : {});
  const direction = params.get("direction");
  const kind = params.get("kind");
  const [by, channelKind, channel] = [params.get("by"), params.get("channel_kind"), params.get("channel")];
  return {
    figure,
    since,
    until,
    ...number("user"),
    ...number("team"),
    ...(direction === "inbound" || direction === "outbound" ? { direction } : {}),
    ...number("seconds"),
    ...(kind ? { kind: kind.slice(0, 60) } : {}),
    ...number("weekday"),
    ...number("hour"),
    ...(by === "did" || by === "source" ? { by } : {}),
    ...(channelKind ? { channel_kind: channelKind.slice(0, 60) } : {}),
    ...(channel !== null ? { channel: channel.slice(0, 200) } : {}),
  };
}

/** A query as it stands in our address. */
export function writeRows(query: RowsQuery): string {
  return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
}

/** Figures that count missed clients, not calls. */
export const OF_CLIENTS: readonly RowFigure[] = ["returned", "returned_in_time", "returned_later", "returned_never"];

/** Figures that count calls of the company, and those that only people have. */
const OF_COMPANY: readonly RowFigure[] = ["calls", "answered", "missed", "lost", "talk_seconds", "wait_seconds"];
const OF_PEOPLE: readonly RowFigure[] = [...OF_COMPANY, "not_taken", "numbers", "numbers_long", "calls_long", "outcomes"];

/** The same calls in the list of calls; null: it counts no calls. */
export function callsLink(query: RowsQuery): string | null {
  const { figure, since: first, until: last, user, team, kind, by, ...rest } = query;
  const isWhole = user === undefined && team === undefined;
  if (!(isWhole ? OF_COMPANY : OF_PEOPLE).includes(figure) || (figure === "outcomes" && !kind)) return null;
  const asked = { period: "dates", first, last, figure, manager: user, team, outcome: figure === "outcomes" ? kind : undefined, channel_by: by, ...rest };
  const set = Object.entries(asked).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]));
  return `/calls?${new URLSearchParams(set).toString()}`;
}

/** `2026-03-02` after `2026-03-01`. */
export function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** A week of hours as rows of days: the hours in which anything happened, with one beside. */
export function shownHours(busy: readonly number[]): number[] {
  if (busy.length === 0) return [];
  const [first, last] = [Math.min(...busy, 9), Math.max(...busy, 17)];
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** A moment in which this day is in every zone, for its name. */
export const noon = (day: string): string => `${day}T12:00:00`;
