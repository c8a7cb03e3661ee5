/* How many clients each has, what a handover would take along, and the handovers there were. */

import { api, body, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../api";
import { useFormats } from "../formats";
import { useTellFault, useToast } from "../parts";
import { useWords } from "../words";
import type { WhichCards } from "./choice";

export type Clientele = Schemas["ClienteleRow"];
export type Counted = Schemas["ClienteleView"];
export type Handover = Schemas["HandoverRow"];
export type HandoverView = Schemas["HandoverView"];

const AGAIN_MS = 1000;

export function useClienteles() {
  return useQuery({ queryKey: keys.view("distribution", "clienteles"), queryFn: () => body(api.GET("/api/v1/distribution/clienteles")) });
}

export function useCounted(user: number, which: WhichCards) {
  return useQuery({
    queryKey: keys.view("distribution", "clientele", user, which),
    queryFn: () => body(api.GET("/api/v1/distribution/clienteles/{user_id}", { params: { path: { user_id: user }, query: which } })),
    placeholderData: (old) => (old?.user === user ? old : undefined),
  });
}

/** Who would get how many by the rules: the first step, tried and rolled back. */
export function useByRules(order: Schemas["NewHandover"] | null) {
  return useQuery({
    queryKey: keys.view("distribution", "by rules", order ?? {}),
    enabled: order !== null,
    retry: false,
    queryFn: () =>
      body(
        api.POST("/api/v1/distribution/handovers", {
          params: { header: once(crypto.randomUUID()) },
          body: { ...order, tasks: true, scheduled: true, reason: "by_hand", dry_run: true },
        }),
      ),
  });
}

/** Everybody by id, also who left. */
export function useNames(): (id: number | null | undefined) => string {
  const t = useWords("handover");
  const people = useQuery({ queryKey: keys.view("users", "all"), queryFn: () => body(api.GET("/api/v1/users")) }).data?.items ?? [];
  return (id) => people.find((one) => one.id === id)?.name ?? t("somebody");
}

export function useHandovers() {
  return usePages(keys.view("distribution", "handovers"), (cursor) =>
    body(api.GET("/api/v1/distribution/handovers", { params: { query: { limit: 20, ...(cursor ? { cursor } : {}) } } })),
  );
}

/** One handover, read anew while it goes on. */
export function useHandover(id: number | null) {
  return useQuery({
    queryKey: keys.view("distribution", "handover", id),
    enabled: id !== null,
    queryFn: () => readOne(id ?? 0),
    refetchInterval: ({ state }) => (state.data?.state === "going" ? AGAIN_MS : false),
  });
}

const readOne = (id: number) => body(api.GET("/api/v1/distribution/handovers/{handover_id}", { params: { path: { handover_id: id } } }));

/** The handover of this person's clients that goes on at this moment, whoever began it; null: none does. */
export function useGoing(from: number): number | null {
  const going = useQuery({
    queryKey: keys.view("distribution", "handovers", "going"),
    queryFn: () => body(api.GET("/api/v1/distribution/handovers", { params: { query: { state: "going", limit: 100 } } })),
  });
  return going.data?.items.find((one) => one.from === from)?.id ?? null;
}

/** Order a handover; the gateway goes on with what is more than one step. */
export function useBegin(onDone: (begun: HandoverView) => void) {
  const cache = useQueryClient();
  const again = useReadAgain();
  return useAct((order: Schemas["NewHandover"], key) => body(api.POST("/api/v1/distribution/handovers", { params: { header: once(key) }, body: order })), {
    onDone: (begun) => {
      cache.setQueryData(keys.view("distribution", "handover", begun.id), begun);
      onDone(begun);
      void again();
    },
  });
}

/** Let a handover go on no more, or go on again. */
export function useTurn(id: number) {
  const cache = useQueryClient();
  return useAct(
    (word: "stop" | "resume", key) => {
      const params = { path: { handover_id: id }, header: once(key) };
      return body(
        word === "stop"
          ? api.POST("/api/v1/distribution/handovers/{handover_id}/stop", { params })
          : api.POST("/api/v1/distribution/handovers/{handover_id}/resume", { params }),
      );
    },
    {
      onDone: (turned) => {
        cache.setQueryData(keys.view("distribution", "handover", id), turned);
        void cache.invalidateQueries({ queryKey: keys.view("distribution", "handovers") });
      },
      onFault: useTellFault(),
    },
  );
}

export function useHandedCards(id: number) {
  return usePages(keys.view("distribution", "handover", id, "cards"), (cursor) =>
    body(
      api.GET("/api/v1/distribution/handovers/{handover_id}/cards", {
        params: { path: { handover_id: id }, query: { limit: 100, ...(cursor ? { cursor } : {}) } },
      }),
    ),
  );
}

/** Undo a handover; of many the gateway goes on by itself, and its end is waited for. */
export async function undoWhole(id: number, key: string): Promise<HandoverView> {
  const params = { path: { handover_id: id }, header: once(key) };
  let undone = await body(api.POST("/api/v1/distribution/handovers/{handover_id}/undo", { params }));
  while (undone.undone_at === null) {
    await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    undone = await readOne(id);
  }
  return undone;
}

export function useReadAgain() {
  const cache = useQueryClient();
  return () =>
    Promise.all((["distribution", "contacts", "tasks", "scheduled", "queue"] as const).map((family) => cache.invalidateQueries({ queryKey: keys.all(family) })));
}

export function useUndo() {
  const t = useWords("handover");
  const f = useFormats();
  const toast = useToast();
  const again = useReadAgain();
  return useAct(undoWhole, {
    onDone: (undone) => {
      void again();
      toast({ text: t("undone", { count: undone.returned, n: f.count(undone.returned) }), icon: "undo" });
    },
    onFault: useTellFault(),
  });
}

/** Close the account of who leaves. */
export function useCloseAccount(onDone: () => void) {
  const cache = useQueryClient();
  return useAct(
    (id: number) => body(api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, body: { active: false } })),
    { onDone: () => { void cache.invalidateQueries({ queryKey: keys.all("users") }); onDone(); }, onFault: useTellFault() },
  );
}
