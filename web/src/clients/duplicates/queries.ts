/* Pairs of cards that may be one person: merged or told apart, each with Undo. */

import { api, body, keys, once, useAct, usePages, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";
import { useMergeCards } from "../merging";

export type Pair = Schemas["DuplicateView"];
export type Card = Pair["one"];

export function usePairs() {
  return usePages(keys.list("duplicates"), (cursor) =>
    body(api.GET("/api/v1/duplicates", { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })),
  );
}

/** Forget what was read of the pairs and of cards. */
function useAgain() {
  const cache = useQueryClient();
  return () => Promise.all([cache.invalidateQueries({ queryKey: keys.all("duplicates") }), cache.invalidateQueries({ queryKey: keys.all("contacts") })]);
}

/** Put one card of a pair into the other, with Undo. */
export function useMergePair() {
  const t = useWords("duplicates");
  return useMergeCards({ said: (name) => t("merged", { name }), again: useAgain() });
}

/** Say that two cards are two persons, with Undo. */
export function useDismiss() {
  const t = useWords("duplicates");
  const toast = useToast();
  const again = useAgain();
  return useAct(
    (pair: Pair, key) =>
      body(api.POST("/api/v1/duplicates/{duplicate_id}/dismiss", { params: { path: { duplicate_id: pair.id }, header: once(key) } })),
    {
      onDone: (_, pair) => {
        void again();
        const undo = async () => {
          const params = { path: { duplicate_id: pair.id }, header: once(crypto.randomUUID()) };
          await body(api.POST("/api/v1/duplicates/{duplicate_id}/reopen", { params }));
          await again();
        };
        toast({ text: t("dismissed"), icon: "done", undo });
      },
      onFault: useTellFault(),
    },
  );
}
