/* The one phone of this page as every part sees it: the band writes it, cards, Today and the board read it. */

import { useSyncExternalStore } from "react";
import type { Phone } from "./phone";

export interface PhoneView extends Phone {
  /** How far the gateway's clock is ahead of this machine's, in ms. */
  readonly skew: number;
  /** What came of the last order, in words; null: nothing to say. */
  readonly word: { readonly text: string; readonly isFault: boolean } | null;
  /** The call that he passed on last, and to whom, until it is told what became of it. */
  readonly passed: { readonly call: string; readonly to: string } | null;
}

const REST = { kind: "free", since: null, endsAt: null, reason: "", call: null } as const;
let view: PhoneView = { shown: null, others: [], rest: REST, skew: 0, word: null, passed: null };
let chosen: string | null = null;
let fading: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const WORD_MS = 10_000;

function set(change: Partial<PhoneView>): void {
  view = { ...view, ...change };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The band alone: what the phone does now. */
export function publish(phone: Phone, skew: number): void {
  set({ ...phone, skew });
}

/** Say in the band what came of an order, for ten seconds; null: nothing any more. */
export function say(text: string | null, isFault = true): void {
  clearTimeout(fading);
  if (text !== null) fading = setTimeout(() => say(null), WORD_MS);
  set({ word: text === null ? null : { text, isFault } });
}

/** A call was passed on: what becomes of it is told. */
export function followPassed(call: string, to: string): void {
  set({ passed: { call, to } });
}

/** It was told. */
export function forgetPassed(call: string): void {
  if (view.passed?.call === call) set({ passed: null });
}

/** Look at another of his calls; null: at the most important one. */
export function look(id: string | null): void {
  chosen = id;
  set({});
}

export function useChosen(): string | null {
  return useSyncExternalStore(subscribe, () => chosen);
}

/** The phone of who is signed in. */
export function usePhone(): PhoneView {
  return useSyncExternalStore(subscribe, () => view);
}

/** A part of it; drawn anew when that part is another one. */
export function usePhonePart<T>(part: (view: PhoneView) => T): T {
  return useSyncExternalStore(subscribe, () => part(view));
}

/** Whether a card is on the line now, for "On the line". */
export function useIsOnTheLine(contact: number | null | undefined): boolean {
  return usePhonePart(({ shown, others }) =>
    [shown, ...others].some((line) => line?.kind === "talking" && !!contact && line.call?.contact_id === contact),
  );
}
