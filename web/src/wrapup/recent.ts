/* Calls that one has talked in and not said the outcome of: kept in this browser, so that the panel is there on the
   client's card after the time for it has run out, after a reload and in another tab. */

import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { useOpenCalls, type LiveCall } from "../api";
import { useSession } from "../app/session";
import type { Line } from "../band/phone";
import { keepDraft, parseDraft, rawDraft, subscribe } from "../drafts/store";

export interface Recent {
  readonly call: string;
  readonly contact: number;
  /** Date.now() of its last moment. */
  readonly at: number;
}

const MOST = 20;
const LONGEST_MS = 12 * 3_600_000;
const PLACE = "wrapups";

/** The list with a call noted, the newest first. */
export function noted(list: readonly Recent[], next: Recent): readonly Recent[] {
  const rest = list.filter((one) => one.call !== next.call && next.at - one.at < LONGEST_MS);
  return [next, ...rest].slice(0, MOST);
}

/** The call of a client whose outcome is given now: the open one, else the last that was not settled; null: none. */
export function callToWrapUp(contact: number, me: number | null, open: Iterable<LiveCall>, list: readonly Recent[], now: number): string | null {
  for (const call of open) {
    if (call.contact_id === contact && call.managers.some((manager) => manager.user_id === me)) return call.id;
  }
  return list.find((one) => one.contact === contact && now - one.at < LONGEST_MS)?.call ?? null;
}

function read(who: string): readonly Recent[] {
  const value = parseDraft(rawDraft(who, PLACE))?.value;
  return Array.isArray(value) ? (value as Recent[]) : [];
}

function keep(who: string, list: readonly Recent[]): void {
  keepDraft(who, PLACE, { value: list, base: null, version: null, at: Date.now() });
}

/** The band alone: remembers the call that is talked in. */
export function useRememberCalls(shown: Line | null): void {
  const call = shown?.kind === "talking" ? shown.call : null;
  useRemembered(call?.id ?? null, call?.contact_id ?? null);
}

/** The time after a call, also of one that this page never saw talking: short ones, another browser, a page opened late.
 * @param isSettled whether the gateway has its whole outcome: then it is remembered no more
 */
export function useRememberEnded(call: string | null, contact: number | null, isSettled: boolean): void {
  const forget = useForgetCall();
  useRemembered(isSettled ? null : call, contact);
  useEffect(() => {
    if (isSettled && call !== null) forget(call);
  }, [isSettled, call, forget]);
}

function useRemembered(call: string | null, contact: number | null): void {
  const who = useSession().id;
  useEffect(() => {
    if (call !== null && contact !== null) keep(who, noted(read(who), { call, contact, at: Date.now() }));
  }, [who, call, contact]);
}

/** Forget a call: its outcome is saved. */
export function useForgetCall(): (call: string) => void {
  const who = useSession().id;
  return useCallback((call) => keep(who, read(who).filter((one) => one.call !== call)), [who]);
}

/** The call of a client for which the panel is to be shown; null: none. */
export function useCallToWrapUp(contact: number): string | null {
  const { id: who, userId } = useSession();
  const calls = useOpenCalls();
  const raw = useSyncExternalStore(subscribe, () => rawDraft(who, PLACE));
  return useMemo(() => {
    const value = parseDraft(raw)?.value;
    return callToWrapUp(contact, userId, calls.values(), Array.isArray(value) ? (value as Recent[]) : [], Date.now());
  }, [contact, userId, calls, raw]);
}
