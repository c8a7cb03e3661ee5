/* The page's one clock: everything that ticks is written in the same moment of each second. Hidden tabs rest. */

import { useSyncExternalStore } from "react";

type Tick = (now: number) => void;

const ticks = new Set<Tick>();
let timer: ReturnType<typeof setTimeout> | undefined;

function beat(): void {
  const now = Date.now();
  for (const tick of ticks) tick(now);
  timer = setTimeout(beat, 1000 - (Date.now() % 1000));
}

/** Be called at each full second; gives the way to end it. */
export function everySecond(tick: Tick): () => void {
  ticks.add(tick);
  timer ??= setTimeout(beat, 1000 - (Date.now() % 1000));
  return () => {
    ticks.delete(tick);
    if (ticks.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  };
}

const MINUTE_MS = 60_000;
let minute = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;

function subscribeMinute(listener: () => void): () => void {
  return everySecond((now) => {
    const next = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    if (next === minute) return;
    minute = next;
    listener();
  });
}

/** The present minute (Date.now() of its begin): for "in 19 min" and "18:26 there"; drawn anew once a minute. */
export function useMinute(): number {
  return useSyncExternalStore(subscribeMinute, () => minute);
}

let second = Math.floor(Date.now() / 1000) * 1000;

function subscribeSecond(listener: () => void): () => void {
  return everySecond((now) => {
    second = Math.floor(now / 1000) * 1000;
    listener();
  });
}

/** The present second: only for small parts, for they are drawn anew each second; a `Timer` is not. */
export function useSecond(): number {
  return useSyncExternalStore(subscribeSecond, () => second);
}
