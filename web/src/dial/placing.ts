/* Placing a call: one key per act, so that a repetition never dials twice; what stands in its way, in words. */

import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { api, asProblem, body, once, useOrder, useQueryClient } from "../api";
import { useSession } from "../app/session";
import { withCommand, type Command } from "../band/phone";
import { offerDialling, type DialWish } from "../parts/dialling";
import { notPlaced, type NotPlaced } from "./refusals";

let refused: NotPlaced | null = null;
const listeners = new Set<() => void>();

function tell(next: NotPlaced | null): void {
  refused = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The last call that was not placed; null: none, or somebody has read it. */
export function useNotPlaced(): NotPlaced | null {
  return useSyncExternalStore(subscribe, () => refused);
}

export const forgetNotPlaced = (): void => tell(null);

/** Whether this person may place calls and has a phone that rings for them. */
export function useCanCall(): boolean {
  const { who, may } = useSession();
  return may("calls.originate") && who.phones.length > 0;
}

/** Place a call: `place({number, contact})`; resolves to whether it was sent. */
export function usePlacing(): (wish: DialWish, anyway?: boolean) => Promise<boolean> {
  const order = useOrder();
  const client = useQueryClient();
  const me = useSession().userId;
  return useCallback(
    async (wish, anyway = false) => {
      tell(null);
      const send = { number: wish.number, ...(anyway ? { anyway } : {}) };
      try {
        const command = await order("call", send, (key) => body(api.POST("/api/v1/calls", { params: { header: once(key) }, body: send })));
        client.setQueryData<readonly Command[]>(["band", "commands", me], (old) => withCommand(old ?? [], command));
        return true;
      } catch (fault) {
        const problem = asProblem(fault);
        if (!problem) throw fault;
        tell(notPlaced(wish, problem));
        return false;
      }
    },
    [order, client, me],
  );
}

/** Offers dialling to every number on every page; the band alone calls it. */
export function useDialEverywhere(): void {
  const place = usePlacing();
  const can = useCanCall();
  const dialler = useMemo(() => (can ? (wish: DialWish) => void place(wish) : null), [can, place]);
  useEffect(() => {
    offerDialling(dialler);
    return () => offerDialling(null);
  }, [dialler]);
}
