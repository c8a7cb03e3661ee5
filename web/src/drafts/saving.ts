/* What a field that is saved as typed has to do next: pure rules, time as an argument. */

import type { ApiProblem } from "../api";
import type { Draft } from "./store";

/** How long after the last key a field is sent, and at the latest after the first. */
export const PAUSE_MS = 600;

export type Saving =
  | { readonly kind: "quiet" }
  /** Typed and not sent yet. */
  | { readonly kind: "typed" }
  | { readonly kind: "saving" }
  | { readonly kind: "saved" }
  /** Sent in vain for want of a connection; kept here and sent again by itself. */
  | { readonly kind: "kept" }
  /** The server does not want it; why, in its words. */
  | { readonly kind: "refused"; readonly why: string }
  /** Somebody else wrote something else meanwhile. */
  | { readonly kind: "conflict"; readonly theirs: unknown };

/** What a refusal of a try means.
 * @param field its name in the body, such as `name` or `fields/size`
 */
export function outcomeOf(problem: ApiProblem, field: string): Saving {
  if (problem.isPassing) return { kind: "kept" };
  return { kind: "refused", why: problem.field(field) ?? problem.errors[0]?.detail ?? problem.detail };
}

/** Whether two values are the same to a person: nothing and an empty text are. */
export function same(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) => value ?? "";
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}

/** Milliseconds until a field that could not be sent is tried again: 2, 4, 8, ... 30 s. */
export function againAfter(failures: number): number {
  return Math.min(30_000, 1000 * 2 ** failures);
}

/** Whether somebody else changed this very field since the draft was begun: then both texts are offered. */
export function isOvertaken(draft: Draft, present: { readonly value: unknown; readonly version: number }): boolean {
  const isNewer = draft.version !== null && present.version > draft.version;
  return isNewer && !same(present.value, draft.base) && !same(present.value, draft.value);
}

/** The draft after an older text of it was stored: what is typed on stands upon that text. */
export function rebased(draft: Draft, stored: unknown, answer: unknown): Draft {
  const version = answer !== null && typeof answer === "object" && "version" in answer ? answer.version : null;
  return { ...draft, base: stored, version: typeof version === "number" ? version : draft.version };
}
