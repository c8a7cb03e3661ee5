/* The next step with a client among open tasks and planned calls. */

export interface Step {
  readonly kind: "task" | "planned";
  readonly id: number;
  /** ISO moment; null: it has no time. */
  readonly at: string | null;
  readonly what: string;
  readonly owner: number | null;
  readonly ownerName: string;
}

/** The earliest one; those without a time come last. */
export function nearest(steps: readonly Step[]): Step | null {
  const at = (step: Step) => (step.at === null ? Infinity : Date.parse(step.at));
  return steps.reduce<Step | null>((best, step) => (best === null || at(step) < at(best) ? step : best), null);
}
