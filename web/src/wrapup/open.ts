/* For which calls the panel stands on the screen, so that the band knows whether it has to lead there. */

import { useEffect, useSyncExternalStore } from "react";

const shown = new Map<string, number>();
const listeners = new Set<() => void>();

function count(call: string, by: number): void {
  shown.set(call, (shown.get(call) ?? 0) + by);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The panel itself: it is there while it stands. */
export function usePanelStands(call: string): void {
  useEffect(() => {
    count(call, 1);
    return () => count(call, -1);
  }, [call]);
}

export function useIsPanelShown(call: string | null): boolean {
  return useSyncExternalStore(subscribe, () => call !== null && (shown.get(call) ?? 0) > 0);
}
