/* The filters of the list of tasks as they stand in the address. */

export const FILTERS = ["show", "owner", "team", "kind", "state", "contact", "period"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

export const SHOWN = ["open", "overdue", "today", "ended"] as const;
export type ShownTasks = (typeof SHOWN)[number];
export const KINDS = ["call_back", "call", "letter", "meeting", "own"] as const;
export const STATES = ["new", "in_progress", "done", "failed"] as const;
export const ENDED = ["done", "failed"] as const;
/** Days in which ended tasks ended. */
export const PERIODS = ["today", "week", "month", "quarter"] as const;
export type Period = (typeof PERIODS)[number];

const one = <T extends string>(values: readonly T[], value: string | undefined): T | undefined => values.find((some) => some === value);
const id = (value: string | undefined): number | undefined => (value && /^\d{1,15}$/.test(value) ? Number(value) : undefined);

/** What the list shows first: open ones. */
export function shownOf(filters: Filters): ShownTasks {
  return one(SHOWN, filters.show) ?? "open";
}

/** The days in which ended tasks ended; undefined: any. */
export function periodOf(filters: Filters): Period | undefined {
  return one(PERIODS, filters.period);
}

/** The moments that divide a reader's tasks. */
export interface Bounds {
  /** When the reader's day ends. */
  readonly endOfToday: string;
  /** When each period of ended tasks begins. */
  readonly begins: Readonly<Record<Period, string>>;
}

/** The query of the API for the filters of an address; what the address has wrong is left out. */
export function queryOf(filters: Filters, { endOfToday, begins }: Bounds) {
  const shown = shownOf(filters);
  const asked = one(STATES, filters.state);
  const hasEnded = shown === "ended";
  const state = asked ?? (hasEnded ? ("done" as const) : undefined);
  const owner = id(filters.owner);
  const team = id(filters.team);
  const kind = one(KINDS, filters.kind);
  const contact = id(filters.contact);
  const period = periodOf(filters);
  return {
    ...(state ? { state } : {}),
    ...(shown === "open" && !state ? { open: true } : {}),
    ...(shown === "overdue" ? { overdue: true } : {}),
    ...(shown === "today" ? { open: true, until: endOfToday } : {}),
    ...(filters.owner === "none" ? { free: true } : owner === undefined ? {} : { owner }),
    ...(team === undefined ? {} : { team }),
    ...(kind ? { kind } : {}),
    ...(contact === undefined ? {} : { contact }),
    ...(period && (state === "done" || state === "failed") ? { ended_since: begins[period] } : {}),
  };
}
export type TasksQuery = ReturnType<typeof queryOf>;

export const FIGURES = ["open", "in_progress", "overdue", "due", "done", "failed"] as const;
export type Figure = (typeof FIGURES)[number];

/** The address of the tasks that a figure counts.
 * @param whose such as `{owner: "17"}` or `{team: "3"}`
 */
export function addressOf(figure: Figure, whose: Readonly<Record<string, string>>, period: Period): string {
  const shown: Readonly<Record<Figure, Readonly<Record<string, string>>>> = {
    open: {},
    in_progress: { state: "in_progress" },
    overdue: { show: "overdue" },
    due: { show: "today" },
    done: { show: "ended", state: "done", period },
    failed: { show: "ended", state: "failed", period },
  };
  const params = new URLSearchParams({ ...shown[figure], ...whose }).toString();
  return `/tasks${params && `?${params}`}`;
}
