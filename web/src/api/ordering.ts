/* An order whose answer was lost is given once more with the same key, so that nothing is done twice: by itself for some
   seconds, and for a minute when the person gives the same order again. Pure but for the clock that is passed in. */

import { newKey } from "./client";
import { ApiProblem } from "./problem";

/** Milliseconds before each repetition by itself. */
export const PAUSES_MS: readonly number[] = [500, 1500, 4000];
/** So long the same order of a person is taken for a repetition of the one that nobody knows about. */
export const SAME_MS = 60_000;

const isLost = (fault: unknown): boolean => fault instanceof ApiProblem && fault.status === 0;

/** Send, and while no answer comes send again. */
export async function repeated<T>(send: () => Promise<T>, pause: (ms: number) => Promise<void>): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await send();
    } catch (fault) {
      if (!isLost(fault)) throw fault;
    }
    await pause(ms);
  }
  return send();
}

/** Keys of orders, kept while nobody knows what became of them. */
export class OrderKeys {
  readonly #unknown = new Map<string, { readonly key: string; readonly at: number }>();

  /** Give an order with its key; one that was lost a moment ago keeps its key. */
  async give<T>(name: string, now: () => number, send: (key: string) => Promise<T>): Promise<T> {
    const lost = this.#unknown.get(name);
    const key = lost && now() - lost.at < SAME_MS ? lost.key : newKey();
    this.#unknown.delete(name);
    try {
      return await send(key);
    } catch (fault) {
      if (isLost(fault)) this.#unknown.set(name, { key, at: now() });
      throw fault;
    }
  }
}
