/* How what is kept of the server is read, kept and read anew. */

import {
  hashKey,
  keepPreviousData,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryKey,
  type UseMutationResult,
} from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { newKey } from "./client";
import { caughtUp, missedOf, rowId, type Page } from "./gaps";
import { ApiProblem, asProblem } from "./problem";
import { useAfterGap } from "./useLive";

const FRESH_MS = 30_000;
const LONGEST_PAUSE_MS = 30_000;
const TRIES_OF_AN_ACT = 6;

/** Milliseconds before the next try: what the gateway asked for, else 1, 2, 4, ... 10 s. */
export function pauseBefore(failures: number, fault: unknown): number {
  if (fault instanceof ApiProblem && fault.retryAfter !== null) return fault.retryAfter * 1000;
  return Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures);
}

/** Whether a request is worth repeating: only what may pass by itself. */
export function isPassing(fault: unknown): boolean {
  return fault instanceof ApiProblem && fault.isPassing;
}

/** The page's one cache of the server. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      gcTime: 10 * 60_000,
      networkMode: "always",
      refetchOnWindowFocus: false,
      // The live socket tells of changes; after a gap of it everything on the screen is read anew (live.ts).
      refetchOnReconnect: false,
      retry: (_failures, fault) => isPassing(fault),
      retryDelay: pauseBefore,
    },
    mutations: {
      networkMode: "always",
      retry: (failures, fault) => failures < TRIES_OF_AN_ACT && isPassing(fault),
      retryDelay: pauseBefore,
    },
  },
});

/** One act of a person: `run(input)` sends it with a key of its own, and every repetition of it with the same key.
 * @param send does it; `key` is the Idempotency-Key, for `once(key)`
 */
export function useAct<Input, Output = void>(
  send: (input: Input, key: string) => Promise<Output>,
  options: { onDone?: (output: Output, input: Input) => void; onFault?: (fault: unknown, input: Input) => void } = {},
): UseMutationResult<Output, unknown, { input: Input; key: string }> & { run: (input: Input) => void } {
  const mutation = useMutation<Output, unknown, { input: Input; key: string }>({
    mutationFn: ({ input, key }) => send(input, key),
    onSuccess: (output, { input }) => options.onDone?.(output, input),
    onError: (fault, { input }) => options.onFault?.(fault, input),
  });
  return { ...mutation, run: (input) => mutation.mutate({ input, key: newKey() }) };
}

export type { Page };

/** A list by pages of 100, the next one on demand (`more`). While filters change, the old rows stay, marked `isOld`.
 *
 * After a gap of the live line its first page is read beside it: rows that are shown are brought up to date in their
 * places, and what came meanwhile is counted (`missed`) until the list is read anew.
 */
export function usePages<T>(queryKey: QueryKey, read: (cursor: string | undefined) => Promise<Page<T>>) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  const cache = useQueryClient();
  const name = hashKey(queryKey);
  const [come, setCome] = useState<{ readonly name: string; readonly ids: readonly (string | number)[] }>({ name, ids: [] });
  useAfterGap(async () => {
    // What is no list is read anew as a whole (useLive.tsx).
    if (queryKey[1] !== "list" || rows === undefined) return;
    const fresh = await read(undefined).catch((fault: unknown) => {
      if (asProblem(fault)) return null; // the next gap or the next reading shows it
      throw fault;
    });
    if (fresh === null) return;
    setCome({ name, ids: fresh.items.flatMap((row) => rowId(row) ?? []) });
    cache.setQueryData(queryKey, (old: typeof query.data) => old && { ...old, pages: old.pages.map((page) => caughtUp(page, fresh.items)) });
  });
  const missed = useMemo(() => (rows && come.name === name ? missedOf(rows, come.ids) : 0), [rows, come, name]);
  return {
    query,
    rows,
    /** Rows that came while the live line was away. */
    missed,
    isOld: query.isPlaceholderData,
    hasMore: query.hasNextPage,
    more: () => void query.fetchNextPage(),
  };
}
export type Pages<T> = ReturnType<typeof usePages<T>>;

export { useQuery, useQueryClient };
