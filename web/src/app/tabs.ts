/* What the tabs of one browser tell each other, and which of them leads. */

import { useEffect, useRef, useSyncExternalStore } from "react";

export type TabNews =
  | { readonly kind: "signed-in"; readonly who: string }
  | { readonly kind: "signed-out" }
  | { readonly kind: "preferences" };

const CHANNEL = "trunkline";
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);

/** Tell the other tabs. */
export function tellTabs(news: TabNews): void {
  channel?.postMessage(news);
}

/** Hear what other tabs tell. */
export function onTabNews(hear: (news: TabNews) => void): () => void {
  const heard = (event: MessageEvent<TabNews>) => hear(event.data);
  channel?.addEventListener("message", heard);
  return () => channel?.removeEventListener("message", heard);
}

export function useTabNews(hear: (news: TabNews) => void): void {
  const now = useRef(hear);
  useEffect(() => {
    now.current = hear;
  });
  useEffect(() => onTabNews((news) => now.current(news)), []);
}

class Leadership {
  leads = false;
  readonly #listeners = new Set<() => void>();
  #begun = false;

  constructor(private readonly name: string) {}

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#begin();
    return () => this.#listeners.delete(listener);
  };

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const hold = () => {
      this.leads = true;
      for (const listener of this.#listeners) listener();
      return new Promise<void>(() => undefined); // held until this tab closes; then the browser gives it to the next
    };
    // Locks are there on https and on this machine; elsewhere every tab leads itself.
    if ("locks" in navigator) void navigator.locks.request(`trunkline.${this.name}`, hold);
    else void hold();
  }
}

const leaderships = new Map<string, Leadership>();

/** Whether this tab leads for something only one tab may do, such as being the phone. Another takes over when it closes. */
export function useLeadingTab(name: string): boolean {
  let found = leaderships.get(name);
  if (!found) leaderships.set(name, (found = new Leadership(name)));
  const leadership = found;
  return useSyncExternalStore(leadership.subscribe, () => leadership.leads);
}
