/* Who dials when a number is clicked: the phone (web/src/softphone) offers itself here, so that parts know nothing of it. */

import { useSyncExternalStore } from "react";

export interface DialWish {
  /** E.164, or as typed. */
  readonly number: string;
  /** The card that is called, where it is known. */
  readonly contact?: number | undefined;
  /** What the call is for: a missed client, a planned call, a task. */
  readonly why?: { readonly kind: "missed" | "scheduled" | "task"; readonly id: string | number } | undefined;
}

type Dialler = (wish: DialWish) => void;

let dialler: Dialler | null = null;
const listeners = new Set<() => void>();

/** Be the one who dials; null: nobody does any more. */
export function offerDialling(next: Dialler | null): void {
  dialler = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Dials a number; null: this person has no phone or may not call. */
export function useDial(): Dialler | null {
  return useSyncExternalStore(subscribe, () => dialler);
}
