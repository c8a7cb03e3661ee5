/* The figures of one's own day in the rail, on every page from the start; the same as on Today. */

import { api, body, keys, useQuery } from "../api";
import { useCount } from "./counts";
import { useSession } from "./session";

export function useOwnCounts(): void {
  const { may, userId } = useSession();
  const counts = useQuery({
    queryKey: keys.view("queue", "counts"),
    enabled: may("tasks.read_own") && userId !== null,
    queryFn: () => body(api.GET("/api/v1/me/day/counts", { params: { query: { days: 1 } } })),
  }).data;
  useCount("today", counts?.missed, { isUrgent: true });
  useCount("tasks", counts?.tasks);
}
