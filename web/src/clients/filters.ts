/* The filters of the list of clients as they stand in the address. */

export const FILTERS = ["q", "owner", "heat", "stage", "city", "organisation", "next", "sort"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;
export const HEATS = ["hot", "warm", "cold"] as const;
export const STAGES = ["unsorted", "lead", "client", "refused"] as const;

const id = (value: string | undefined) => (value && /^\d{1,15}$/.test(value) ? Number(value) : undefined);

/** The query of the API for the filters of an address; what is wrong in it is left out. */
export function queryOf(filters: Filters) {
  const heat = HEATS.find((some) => some === filters.heat);
  const stage = STAGES.find((some) => some === filters.stage);
  const [owner, organisation] = [id(filters.owner), id(filters.organisation)];
  return {
    ...(filters.q ? { q: filters.q.slice(0, 100) } : {}),
    ...(filters.owner === "none" ? { has_owner: false } : owner === undefined ? {} : { owner }),
    ...(heat ? { heat } : {}),
    ...(stage ? { stage } : {}),
    ...(filters.city ? { city: filters.city.slice(0, 200) } : {}),
    ...(organisation === undefined ? {} : { organisation }),
    ...(filters.next === "true" || filters.next === "false" ? { next_step: filters.next === "true" } : {}),
    ...(filters.sort === "last_touch" ? { sort: "last_touch" as const } : {}),
  };
}
