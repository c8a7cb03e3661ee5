/* Who calls: one answer of the gateway for everything that is shown while the telephone rings. */

import { api, body, keys, useQuery, type Schemas } from "../api";

export type Caller = Schemas["CallerView"];
export type KnownPerson = Schemas["KnownPerson"];

/** The caller of a call; asked at once when it begins to ring, and anew whenever the call changes. */
export function useCaller(call: string | null | undefined) {
  return useQuery({
    queryKey: keys.one("calls", call ?? "", "caller"),
    queryFn: () => body(api.GET("/api/v1/calls/{call_id}/caller", { params: { path: { call_id: call ?? "" } } })),
    enabled: !!call,
    staleTime: 5000,
  });
}
