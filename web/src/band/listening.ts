/* A supervisor beside a call: `const {start, leave, current} = useListening()`; the band shows the rest. */

import { useCallback, useMemo } from "react";
import type { Command } from "./phone";
import { useCallOrders } from "./orders";
import { usePhonePart } from "./store";

export type SpyMode = "listen" | "whisper" | "barge";

export interface Listening {
  readonly command: string;
  readonly call: string;
  readonly mode: SpyMode;
  /** Whether he is in the call; else his phone still rings. */
  readonly isIn: boolean;
}

/** What an order to listen says. */
export function listeningOf(command: Command | null): Listening | null {
  if (!command?.call_id) return null;
  return { command: command.id, call: command.call_id, mode: command.kind as SpyMode, isIn: command.state === "talking" };
}

/** Beside which call this supervisor is, and how to begin, change and end it. */
export function useListening() {
  const orders = useCallOrders();
  const command = usePhonePart((view) => [view.shown, ...view.others].find((line) => line?.kind === "listening")?.command ?? null);
  const current = useMemo(() => listeningOf(command), [command]);
  const leave = useCallback(async () => (current ? orders.cancel(current.command) : true), [orders, current]);
  /** Begin beside a call, or go on otherwise: the one before ends, for one phone hears one call. */
  const start = useCallback(
    async (call: string, mode: SpyMode) => {
      if (current?.call === call && current.mode === mode) return true;
      if (current && !(await orders.cancel(current.command))) return false;
      return orders[mode](call);
    },
    [orders, current],
  );
  return { current, start, leave };
}
