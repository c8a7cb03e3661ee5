/* The filters of the list of tasks as they stand in the address. */

export const FILTERS = ["show", "owner", "kind", "state", "contact"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

export const SHOWN = ["open", "overdue", "today", "ended"] as const;
export type ShownTasks = (typeof SHOWN)[number];
export const KINDS = ["call_back", "call", "letter", "meeting", "own"] as const;
export const STATES = ["new", "in_progress", "done", "failed"] as const;

const one = <T extends string>(values: readonly T[], value: string | undefined): T | undefined => values.find((some) => some === value);
const id = (value: string | undefined): number | undefined => (value && /^\d{1,15}$/.test(value) ? Number(value) : undefined);

/** What the list shows first: open ones. */
export function shownOf(filters: Filters): ShownTasks {
  return one(SHOWN, filters.show) ?? "open";
}

/** The query of the API for the filters of an address; what the address has wrong is left out.
 * @param endOfToday the moment at which the reader's day ends
 */
export function queryOf(filters: Filters, endOfToday: string) {
  const shown = shownOf(filters);
  const state = one(STATES, filters.state) ?? (shown === "ended" ? ("done" as const) : undefined);
  const owner = id(filters.owner);
  const kind = one(KINDS, filters.kind);
  const contact = id(filters.contact);
  return {
    ...(state ? { state } : {}),
    ...(shown === "open" && !state ? { open: true } : {}),
    ...(shown === "overdue" ? { overdue: true } : {}),
    ...(shown === "today" ? { open: true, until: endOfToday } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(kind ? { kind } : {}),
    ...(contact === undefined ? {} : { contact }),
  };
}
