/* The list from which a call was opened: where in it the call stands, and which come next. */

/** Handed over with the navigation (`state`), so that it is there again after a reload. */
export interface FromList {
  readonly ids: readonly string[];
}

export interface Neighbours {
  /** Counted from 1; 0: opened from no list. */
  readonly place: number;
  readonly of: number;
  readonly next: string | null;
  readonly previous: string | null;
}

export function neighbours(from: FromList | null, id: string): Neighbours {
  const ids = from?.ids ?? [];
  const at = ids.indexOf(id);
  if (at < 0) return { place: 0, of: 0, next: null, previous: null };
  return { place: at + 1, of: ids.length, next: ids[at + 1] ?? null, previous: ids[at - 1] ?? null };
}
