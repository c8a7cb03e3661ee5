/* The number pad of a small screen: opened from the bottom bar, shown by the band. */

import { useSyncExternalStore } from "react";

let isOpen = false;
const listeners = new Set<() => void>();

function set(next: boolean): void {
  isOpen = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const openDial = (): void => set(!isOpen);
export const closeDial = (): void => set(false);
export const useIsDialOpen = (): boolean => useSyncExternalStore(subscribe, () => isOpen);
