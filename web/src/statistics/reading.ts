/* The reports of the page, each for the chosen days and beside the days before. */

import { api, body, keys, useQuery, type Schemas } from "../api";
import type { Days, Rating } from "./choice";

export type Report = Schemas["ReportView"];
export type Line = Report["lines"][number];

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
