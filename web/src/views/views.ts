/* What a kept list holds: the filters of its address. Read with care: another version of the page may have written it. */

export type ListName = "calls" | "contacts" | "tasks";
type Filters = Readonly<Record<string, string>>;

export const PLACES: Readonly<Record<ListName, string>> = { calls: "/calls", contacts: "/clients", tasks: "/tasks" };

/** The filters that a view holds; what is none is left out. */
export function filtersOf(query: Readonly<Record<string, unknown>>): Record<string, string> {
  const { filters } = query;
  if (filters === null || typeof filters !== "object" || Array.isArray(filters)) return {};
  const texts = Object.entries(filters as Record<string, unknown>).filter((pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== "");
  return Object.fromEntries(texts);
}

/** Whether two sets of filters ask for the same. */
export function areSame(one: Filters, other: Filters): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/** The address of a view, with its number, so that the page knows which it is. */
export function addressOf(view: { readonly id: number; readonly list: string; readonly query: Readonly<Record<string, unknown>> }): string | null {
  const place = view.list in PLACES ? PLACES[view.list as ListName] : null;
  if (place === null) return null;
  return `${place}?${new URLSearchParams({ ...filtersOf(view.query), view: String(view.id) }).toString()}`;
}
