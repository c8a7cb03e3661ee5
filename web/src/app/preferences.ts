/* What a person chose of the screen: columns, keys, theme. Kept in this browser by person, and the same in all its tabs. */

import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useMaybeSession } from "./session";

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

if (typeof addEventListener === "function") addEventListener("storage", tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A choice, and how to change it.
 * @param name such as `columns.calls`
 * @param first what holds where nothing was chosen
 */
export function usePreference<T>(name: string, first: T): [T, (value: T) => void] {
  const who = useMaybeSession()?.id ?? "nobody";
  const place = `trunkline.choice.${who}.${name}`;
  const kept = useSyncExternalStore(subscribe, () => localStorage.getItem(place));
  const value = useMemo(() => (kept === null ? first : (JSON.parse(kept) as T)), [kept, first]);
  const choose = useCallback(
    (chosen: T) => {
      localStorage.setItem(place, JSON.stringify(chosen));
      tell();
    },
    [place],
  );
  return [value, choose];
}
