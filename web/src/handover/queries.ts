/* How many clients each has, what a handover would take along, and the handovers there were. */

import { api, body, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../api";
import { useTellFault, useToast } from "../parts";
import { useWords } from "../words";
import type { WhichCards } from "./choice";

export type Clientele = Schemas["ClienteleRow"];
export type Counted = Schemas["ClienteleView"];
export type Handover = Schemas["HandoverRow"];

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

export function useHandover(id: number) {
  return useQuery({
    queryKey: keys.view("distribution", "handover", id),
    queryFn: () => body(api.GET("/api/v1/distribution/handovers/{handover_id}", { params: { path: { handover_id: id } } })),
  });
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

/** Undo a handover to its end, step by step. */
export async function undoWhole(id: number): Promise<Schemas["HandoverView"]> {
  for (;;) {
    const params = { path: { handover_id: id }, header: once(crypto.randomUUID()) };
    const undone = await body(api.POST("/api/v1/distribution/handovers/{handover_id}/undo", { params }));
    if (undone.undone_at !== null) return undone;
  }
}

export function useReadAgain() {
  const cache = useQueryClient();
  return () =>
    Promise.all((["distribution", "contacts", "tasks", "scheduled", "queue"] as const).map((family) => cache.invalidateQueries({ queryKey: keys.all(family) })));
}

export function useUndo() {
  const t = useWords("handover");
  const toast = useToast();
  const again = useReadAgain();
  return useAct((id: number) => undoWhole(id), {
    onDone: (undone) => {
      void again();
      toast({ text: t("undone", { count: undone.returned }), icon: "undo" });
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
