/* The figures in the rail: `useCount("live", n, {isUrgent: true})` by whoever knows them. */

import { useEffect, useSyncExternalStore } from "react";
import type { NavName } from "./nav";

export interface Count {
  readonly n: number;
  /** Red: somebody waits. */
  readonly isUrgent: boolean;
}

type Counts = Readonly<Partial<Record<NavName, Count>>>;

let counts: Counts = {};
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(name: NavName, count: Count): void {
  const known = counts[name];
  if (known?.n === count.n && known.isUrgent === count.isUrgent) return;
  counts = { ...counts, [name]: count };
  for (const listener of listeners) listener();
}

/** The figures that are known. */
export function useCounts(): Counts {
  return useSyncExternalStore(subscribe, () => counts);
}

/** Show a figure beside a page in the rail; undefined leaves what was last known. */
export function useCount(name: NavName, n: number | undefined, { isUrgent = false } = {}): void {
  useEffect(() => {
    if (n !== undefined) set(name, { n, isUrgent });
  }, [name, n, isUrgent]);
}
