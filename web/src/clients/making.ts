/* What a new card sends of the company's own fields, and which of the gateway's reasons stand at no field. */

import type { ApiProblem } from "../api";

/** What is typed into a field of the company's own as the API takes it; null: nothing. */
export function valueOfField(kind: string, typed: string): string | number | boolean | null {
  const value = typed.trim();
  if (value === "") return null;
  if (kind === "yes_no") return value === "true";
  if (kind !== "number") return value;
  const number = Number(value.replace(",", "."));
  return Number.isFinite(number) ? number : value;
}

/** Sentences of a problem that no shown field says: of fields that are not shown, else the whole. */
export function faultsElsewhere(problem: Pick<ApiProblem, "errors" | "detail">, shown: readonly string[]): string[] {
  const known = new Set(shown.map((name) => `#/${name}`));
  const others = problem.errors.filter((fault) => !known.has(fault.pointer)).map((fault) => fault.detail);
  return problem.errors.length === 0 ? [problem.detail] : [...new Set(others)];
}
