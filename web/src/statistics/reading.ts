/* The reports of the page, each for the chosen days and beside the days before. */

import { api, body, keys, useQuery, type Schemas } from "../api";
import { useReader } from "../app/reader";
import { beginOf } from "../calls/filters";
import { dayAfter } from "./figure";
import type { Days, Rating } from "./choice";

export type Report = Schemas["ReportView"];
export type Line = Report["lines"][number];
export type Missed = Schemas["MissedView"];

/** As many missed clients as are looked at for one figure. */
const MOST_PAGES = 30;

/** The answer is a report, for no file was asked for. */
async function report(answer: Promise<unknown>): Promise<Report> {
  return (await answer) as Report;
}

/** A team's figures, or of everybody. */
const ofTeam = (team: number | null) => (team === null ? {} : { team });

export function useCompany(days: Days, team: number | null) {
  const query = { ...days, ...ofTeam(team) };
  return useQuery({
    queryKey: keys.view("statistics", "company", query),
    queryFn: () => report(body(api.GET("/api/v1/reports/company", { params: { query } }))),
  });
}

export function useRating(days: Days, by: Rating, team: number | null) {
  const query = { ...days, ...by.query, ...ofTeam(team) };
  return useQuery({
    queryKey: keys.view("statistics", "ratings", query),
    queryFn: () => report(body(api.GET("/api/v1/reports/ratings", { params: { query } }))),
  });
}

export function useSeries(days: Days | null, step: Schemas["Step"], whose: { user?: number; team?: number; direction?: Schemas["Direction"] } = {}) {
  const query = { ...days, step, ...whose };
  return useQuery({
    queryKey: keys.view("statistics", "series", query),
    enabled: days !== null,
    queryFn: () => report(body(api.GET("/api/v1/reports/series", { params: { query } }))),
  });
}

export function useHours(days: Days, team: number | null) {
  const query = { ...days, ...ofTeam(team), direction: "inbound" } as const;
  return useQuery({
    queryKey: keys.view("statistics", "hours", query),
    queryFn: () => report(body(api.GET("/api/v1/reports/hours", { params: { query } }))),
  });
}

/** Missed clients who called last in these days, and how they came out (docs/metrics.md, returned in time). */
export function useReturned(since: string | null | undefined, until: string | null | undefined) {
  const reader = useReader();
  return useQuery({
    queryKey: keys.view("statistics", "returned", since, until),
    enabled: Boolean(since && until),
    queryFn: async () => {
      const span = { since: beginOf(since ?? "", reader), until: beginOf(dayAfter(until ?? ""), reader) };
      const found: Missed[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < MOST_PAGES; page++) {
        const query: typeof span & { limit: number; cursor?: string } = { ...span, limit: 100, ...(cursor ? { cursor } : {}) };
        const read: { items: Missed[]; next: string | null } = await body(api.GET("/api/v1/missed", { params: { query } }));
        found.push(...read.items);
        cursor = read.next;
        if (!cursor) break;
      }
      return found;
    },
  });
}
