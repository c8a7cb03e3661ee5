/* The board read once, and kept current by what the live line tells. */

import { useEffect, useRef } from "react";
import { api, body, keys, once, useAct, useFacts, useQuery, useQueryClient, type Fact } from "../api";
import { useTellFault, useToast } from "../parts";
import { useWords } from "../words";
import { told, type Ask, type Board, type Late } from "./board";

/** What only the gateway counts is read again at most so often. */
const AGAIN_MS = 10_000;
const SOON_MS = 1000;

/** The board of a team, or of all. */
export function useBoard(team: number | null) {
  const cache = useQueryClient();
  // A single thing to the cache: facts change it here, and do not let it be read anew each time.
  const key = keys.one("states", "board", team);
  const since = useRef<Fact[]>([]);
  const readAt = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const query = useQuery({
    queryKey: key,
    queryFn: async (): Promise<Board> => {
      since.current = [];
      readAt.current = Date.now();
      const read = await body(api.GET("/api/v1/board", { params: { query: team === null ? {} : { team } } }));
      // What was told while it was read may be missing in it.
      return since.current.reduce<Board>((board, fact) => told(board, fact).board, read);
    },
  });
  useFacts((fact) => {
    if (since.current.length < 1000) since.current.push(fact);
    const before = cache.getQueryData<Board>(key);
    if (!before) return;
    const { board, isStale } = told(before, fact);
    if (board !== before) cache.setQueryData(key, board);
    if (!isStale || timer.current !== undefined) return;
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        void query.refetch();
      },
      Math.max(SOON_MS, readAt.current + AGAIN_MS - Date.now()),
    );
  });
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [team],
  );
  return query;
}

/** Give a missed client to somebody, with Undo. */
export function useGive() {
  const t = useWords("live");
  const toast = useToast();
  const assign = (late: Late, user: number | null, key?: string) =>
    body(
      api.POST("/api/v1/missed/{missed_id}/assign", {
        params: { path: { missed_id: late.missed }, header: once(key ?? crypto.randomUUID()) },
        body: { user },
      }),
    );
  return useAct(({ late, user }: { late: Late; user: number; name: string }, key) => assign(late, user, key), {
    onDone: (_, { late, name }) => toast({ text: t("given", { name }), icon: "person", undo: () => assign(late, late.owner) }),
    onFault: useTellFault(),
  });
}

/** Tell the others that one comes to help. */
export function useTakeAsk() {
  return useAct(
    (ask: Ask, key) => body(api.POST("/api/v1/help/{help_id}/take", { params: { path: { help_id: ask.id }, header: once(key) } })),
    { onFault: useTellFault() },
  );
}

/** The address of what a person's goal of the day counts. */
export function useGoalRows(user: number | null, goal: number | null | undefined) {
  return useQuery({
    queryKey: keys.view("goals", "rows", user, goal),
    enabled: user !== null,
    queryFn: async () => {
      const { items } = await body(api.GET("/api/v1/goals/progress", { params: { query: { user: user ?? 0 } } }));
      return items.find((item) => item.goal === goal && item.period === "day")?.rows ?? null;
    },
  });
}
