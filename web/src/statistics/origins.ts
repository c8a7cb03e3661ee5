/* Reports of where calls come from, how quickly missed clients were reached, and by which kinds one spoke. */

import { api, body, keys, useQuery, type Schemas } from "../api";
import type { ChannelBy, Days, ReachedBy } from "./choice";
import type { Report } from "./reading";

export type Returned = Schemas["ReturnedReport"];

export function useChannels(days: Days, by: ChannelBy) {
  const query = { ...days, by };
  return useQuery({
    queryKey: keys.view("statistics", "channels", query),
    queryFn: async () => (await body(api.GET("/api/v1/reports/channels", { params: { query } }))) as Report,
  });
}

export function useReached(days: Days, by: ReachedBy, team: number | null) {
  const query = { ...days, by, ...(team === null ? {} : { team }) };
  return useQuery({
    queryKey: keys.view("statistics", "returned-by", query),
    queryFn: () => body(api.GET("/api/v1/reports/returned", { params: { query } })),
  });
}

export function useKinds(days: Days, team: number | null) {
  const query = { ...days, ...(team === null ? {} : { team }) };
  return useQuery({
    queryKey: keys.view("statistics", "communication", query),
    queryFn: async () => (await body(api.GET("/api/v1/reports/communication", { params: { query } }))) as Report,
  });
}
