/* The people of the company by name, as every page offers them: whose, to whom, by whom. */

import { api, body, keys, useQuery } from "../api";
import { useFormats } from "../formats";

export interface ColleagueChoice {
  readonly value: string;
  readonly label: string;
}

/** Everybody at work here.
 * @param enabled false: nobody is asked for, for who may not choose anyway
 */
export function useColleagues(enabled = true) {
  return useQuery({ queryKey: keys.view("users", "names"), enabled, queryFn: () => body(api.GET("/api/v1/colleagues")) });
}

/** Everybody to choose from, by name in the reader's order; empty until they are read. */
export function useColleagueChoices(enabled = true): ColleagueChoice[] {
  const f = useFormats();
  const items = useColleagues(enabled).data?.items ?? [];
  return [...items].sort((one, other) => f.byName(one.name, other.name)).map(({ id, name }) => ({ value: String(id), label: name }));
}

/** Who did something, by name: `user:17` is a person; a program, or who is here no more, stays as it is written. */
export function useDoerName(): (by: string) => string {
  const items = useColleagues().data?.items ?? [];
  return (by) => items.find(({ id }) => `user:${id}` === by)?.name ?? by;
}
