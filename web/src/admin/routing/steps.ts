/* Steps of a route as they are sent, and what can be added. */

import type { Schemas } from "../../api";
import type { Step } from "./queries";

export type StepBody = Schemas["StepBody"];

/** A step without what it does not have. */
export function bodyOf(step: Step): StepBody {
  const some = Object.entries(step).filter(([, value]) => value !== null);
  return Object.fromEntries(some) as unknown as StepBody;
}

/** The step that a choice stands for: `group:3`, `manager:7`, `announcement:custom/closed`, `owner`. */
export function stepOf(choice: string): StepBody {
  const at = choice.indexOf(":");
  const kind = at < 0 ? choice : choice.slice(0, at);
  const value = at < 0 ? "" : choice.slice(at + 1);
  if (kind === "owner") return { kind, whose: "owner_or_last", seconds: 15 };
  if (kind === "group") return { kind, group: Number(value), seconds: 20 };
  if (kind === "manager") return { kind, user: Number(value), seconds: 20 };
  if (kind === "announcement") return { kind, sound: value };
  if (kind === "route") return { kind, route: Number(value) };
  return { kind: kind === "hang_up" ? "hang_up" : "site" };
}

const ENDS = new Set(["site", "hang_up", "route"]);

/** The steps with another one: before the one that ends the route, or in its place. */
export function added(steps: readonly StepBody[], step: StepBody): StepBody[] {
  const last = steps.at(-1);
  if (!last || !ENDS.has(last.kind)) return [...steps, step];
  return ENDS.has(step.kind) ? steps.with(-1, step) : [...steps.slice(0, -1), step, last];
}

/** Whether a step can be moved: the one that ends the route stays the last. */
export function isFixed(step: Pick<StepBody, "kind">): boolean {
  return ENDS.has(step.kind);
}

/** The steps with one of them a place earlier. */
export function raised<T>(steps: readonly T[], at: number): T[] {
  const [before, step] = [steps[at - 1], steps[at]];
  if (before === undefined || step === undefined) return [...steps];
  return steps.with(at - 1, step).with(at, before);
}

/** The longest that steps ring, in seconds. */
export function longest(steps: readonly Pick<Step, "seconds" | "wait_seconds">[]): number {
  return steps.reduce((sum, step) => sum + (step.seconds ?? 0) + (step.wait_seconds ?? 0), 0);
}

/** How long after the call's begin each decision comes, in seconds. */
export function begins(decisions: readonly { readonly seconds: number }[]): number[] {
  let sum = 0;
  return decisions.map(({ seconds }) => {
    const begin = sum;
    sum += seconds;
    return begin;
  });
}

interface Reasoned {
  readonly user: number | null;
  readonly why: string;
}

/** Why each decision did not ring others, without what an earlier one has said of the same person already. */
export function toldOnce<R extends Reasoned>(decisions: readonly { readonly reasons: readonly R[] }[]): R[][] {
  const told = new Set<string>();
  return decisions.map(({ reasons }) =>
    reasons.filter(({ user, why }) => {
      const name = `${user} ${why}`;
      if (user === null || why === "chosen" || told.has(name)) return false;
      told.add(name);
      return true;
    }),
  );
}
