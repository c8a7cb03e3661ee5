/* Putting one card into another, with Undo: from a card, and from the list of pairs. */

import { api, body, once, useAct } from "../api";
import { useTellFault, useToast } from "../parts";

export interface MergeWords {
  /** What is said of it, by the name of the card that is gone. */
  said: (name: string) => string;
  /** Reads anew what has changed; also after Undo. */
  again: () => Promise<unknown>;
  onDone?: () => void;
}

export function useMergeCards({ said, again, onDone }: MergeWords) {
  const toast = useToast();
  return useAct(
    ({ kept, gone }: { kept: number; gone: number }, key) =>
      body(api.POST("/api/v1/contacts/{contact_id}/merge", { params: { path: { contact_id: kept }, header: once(key) }, body: { gone: [gone] } })),
    {
      onDone: (merged) => {
        onDone?.();
        void again();
        const [first] = merged.merges;
        if (first === undefined) return;
        const undo = async () => {
          const params = { path: { merge_id: first.id }, header: once(crypto.randomUUID()) };
          await body(api.POST("/api/v1/merges/{merge_id}/undo", { params }));
          await again();
        };
        toast({ text: said(first.gone_name), icon: "merge", undo });
      },
      onFault: useTellFault(),
    },
  );
}
