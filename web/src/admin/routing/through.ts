/* The parts of the bar under a route, and the list of calls that each one opens. */

import type { Schemas } from "../../api";

export interface Part {
  /** As the API names it: `owner`, `group:3`, `manager:7`, `site`; empty: not known. */
  readonly step: string;
  readonly result: "answered" | "missed" | "lost_in_transfer";
  readonly calls: number;
}

/** Answered calls by the step that took them, the most first; then those that were lost, and those that nobody took. */
export function parts(figures: Pick<Schemas["RouteFiguresView"], "missed" | "lost" | "steps">): Part[] {
  const answered = figures.steps
    .filter((one) => one.answered > 0)
    .map((one) => ({ step: one.step, result: "answered" as const, calls: one.answered }))
    .sort((one, other) => other.calls - one.calls);
  const rest = [
    { step: "", result: "lost_in_transfer" as const, calls: figures.lost },
    { step: "", result: "missed" as const, calls: figures.missed },
  ];
  return [...answered, ...rest.filter(({ calls }) => calls > 0)];
}

/** The address of the list of calls that a part counts; of all without one. */
export function callsAddress(route: number, days: { since: string; until: string }, part?: Part): string {
  const params = new URLSearchParams({ route: String(route), first: days.since, last: days.until, state: "ended" });
  if (part) params.set("result", part.result);
  if (part?.step) params.set("step", part.step);
  return `/calls?${params.toString()}`;
}
