/* What a goal may ask for, and which version of it holds. */

import type { Schemas } from "../../api";

export type Measure = Schemas["Measure"];
export const MEASURES = ["numbers", "calls", "answered", "talk_minutes", "outcomes", "tasks", "touches"] as const satisfies readonly Measure[];
export const PERIODS = ["day", "week", "month"] as const;
export const WAYS = ["outbound", "inbound", "both"] as const;
export const TASKS = ["call_back", "call", "letter", "meeting", "own"] as const;

export const hasSeconds = (measure: Measure) => measure === "numbers" || measure === "calls";
export const hasWay = (measure: Measure) => measure !== "tasks";
export const hasKind = (measure: Measure) => measure === "outcomes" || measure === "tasks";

/** What is sent of a form: what the measure cannot have is left out. */
export interface Wanted {
  readonly measure: Measure;
  readonly direction: (typeof WAYS)[number];
  readonly seconds: number | null;
  readonly kind: string | null;
  readonly target: number | null;
}

export function ruleOf({ measure, direction, seconds, kind, target }: Wanted) {
  return {
    direction: hasWay(measure) ? direction : ("both" as const),
    seconds: hasSeconds(measure) ? seconds : null,
    kind: hasKind(measure) || measure === "touches" ? kind : null,
    target: target ?? 0,
  };
}

/** Whether a form can be sent. */
export function isWhole({ measure, kind, target }: Wanted): boolean {
  return target !== null && target > 0 && (measure !== "outcomes" || kind !== null);
}

/** How a version stands to a day: it holds, it comes, or it is over. Days as `2026-11-22`, which compare as texts. */
export function standOf(version: { since: string | null; until: string | null }, today: string): "now" | "comes" | "over" {
  if (version.since !== null && version.since > today) return "comes";
  return version.until !== null && version.until < today ? "over" : "now";
}
