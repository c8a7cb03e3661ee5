/* What a person chose of the screen: columns, keys, ring. It is kept with the person (`/me/preferences/{area}`), so it is
   the same at every machine, and in this browser, so that it is there at once and without a connection. */

import { useCallback, useMemo, useSyncExternalStore } from "react";
import { api, body } from "../api/client";
import { asProblem } from "../api/problem";
import { useMaybeSession } from "./session";

const PREFIX = "trunkline.choice.";
const SEND_MS = 800;

const listeners = new Set<() => void>();
const sending = new Map<string, ReturnType<typeof setTimeout>>();

function tell(): void {
  for (const listener of listeners) listener();
}

if (typeof addEventListener === "function") addEventListener("storage", tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

interface Kept {
  readonly value: unknown;
  /** Chosen here and not with the gateway yet. */
  readonly isNew?: boolean;
}

function read(place: string): Kept | null {
  const raw = localStorage.getItem(place);
  if (raw === null) return null;
  try {
    return JSON.parse(raw) as Kept;
  } catch {
    return null;
  }
}

function write(place: string, kept: Kept): void {
  localStorage.setItem(place, JSON.stringify(kept));
  tell();
}

async function send(who: string, area: string): Promise<void> {
  const place = PREFIX + who + "." + area;
  const kept = read(place);
  if (!kept?.isNew) return;
  try {
    const value = { is: kept.value };
    await body(api.PUT("/api/v1/me/preferences/{area}", { params: { path: { area } }, body: { value } }));
    if (JSON.stringify(read(place)?.value) === JSON.stringify(kept.value)) write(place, { value: kept.value });
  } catch (fault) {
    if (!asProblem(fault)) throw fault; // it stays marked as new, and goes with the next sign-in
  }
}

/** Take over what the gateway keeps of a person; what was chosen here meanwhile is sent. */
export function takePreferences(who: string, areas: readonly { area: string; value: Readonly<Record<string, unknown>> }[]): void {
  for (const { area, value } of areas) {
    const place = PREFIX + who + "." + area;
    if (!read(place)?.isNew && "is" in value) localStorage.setItem(place, JSON.stringify({ value: value["is"] }));
  }
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(`${PREFIX}${who}.`) && read(key)?.isNew) void send(who, key.slice(PREFIX.length + who.length + 1));
  }
  tell();
}

/** A choice, and how to change it.
 * @param area of the screen: small letters, digits and `_`, at most one point, such as `columns.calls`
 * @param first what holds where nothing was chosen; a constant
 */
export function usePreference<T>(area: string, first: T): [T, (value: T) => void] {
  const who = useMaybeSession()?.id ?? "nobody";
  const place = PREFIX + who + "." + area;
  const raw = useSyncExternalStore(subscribe, () => localStorage.getItem(place));
  const value = useMemo(() => {
    const kept = raw === null ? null : read(place);
    return kept === null ? first : (kept.value as T);
  }, [raw, place, first]);
  const choose = useCallback(
    (chosen: T) => {
      write(place, { value: chosen, isNew: true });
      clearTimeout(sending.get(place));
      sending.set(place, setTimeout(() => void send(who, area), SEND_MS));
    },
    [place, who, area],
  );
  return [value, choose];
}
