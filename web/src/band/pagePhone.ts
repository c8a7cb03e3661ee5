/* The phone in this page, as the band uses it. The softphone (web/src/softphone) offers itself here; without one a desk
   phone rings, which the page cannot answer or mute. */

import { useSyncExternalStore } from "react";

export interface PagePhone {
  /** Whether it is registered, so that calls ring here. */
  readonly isReady: boolean;
  /** A call that rings in this page and waits to be answered. */
  readonly isRinging: boolean;
  /** Whether it talks now. */
  readonly isTalking: boolean;
  readonly isMuted: boolean;
  answer(): void;
  /** Refuse what rings, or end what talks. */
  hangUp(): void;
  mute(isMuted: boolean): void;
}

let present: PagePhone | null = null;
const listeners = new Set<() => void>();

/** Be the phone of this page, with each change anew; null: there is none. */
export function offerPagePhone(phone: PagePhone | null): void {
  present = phone;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The phone in this page; null: his phone stands on the desk, or he has none. */
export function usePagePhone(): PagePhone | null {
  return useSyncExternalStore(subscribe, () => present);
}
