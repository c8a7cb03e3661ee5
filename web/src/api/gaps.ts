/* What a list on the screen makes of the time in which the live line was away: rows that are shown get their new values
   where they stand, and rows that came are counted. Nothing moves. */

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The id of a row; undefined: it has none. */
export function rowId(row: unknown): string | number | undefined {
  if (row === null || typeof row !== "object" || !("id" in row)) return undefined;
  return typeof row.id === "string" || typeof row.id === "number" ? row.id : undefined;
}

/** A page whose rows have the values of fresh ones, each in its place. */
export function caughtUp<T>(page: Page<T>, fresh: readonly T[]): Page<T> {
  const byId = new Map(fresh.map((row) => [rowId(row), row]));
  byId.delete(undefined);
  return { ...page, items: page.items.map((row) => byId.get(rowId(row)) ?? row) };
}

/** How many of the rows that are there now are not shown. */
export function missedOf(shown: readonly unknown[], present: readonly (string | number)[]): number {
  const known = new Set(shown.map(rowId));
  return present.filter((id) => !known.has(id)).length;
}
