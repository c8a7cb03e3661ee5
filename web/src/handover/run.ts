/* A handover that goes on step by step, also while another page is looked at. One at a time. */

import { useSyncExternalStore } from "react";
import { api, asProblem, body, once, type Schemas } from "../api";

type Order = Schemas["NewHandover"];
type Done = Schemas["HandoverView"];

export interface Run {
  readonly order: Order;
  /** How many clients were meant when it began. */
  readonly whole: number;
  readonly cards: number;
  /** The handover; null: the first step is not done yet. */
  readonly last: Done | null;
  readonly state: "running" | "done" | "stopped" | "failed";
  /** What a step failed of, in the gateway's words. */
  readonly fault: string | null;
}

let present: Run | null = null;
let ends: () => void = () => undefined;
const listeners = new Set<() => void>();

function set(next: Run | null): void {
  present = next;
  for (const told of listeners) told();
}

export function useRun(): Run | null {
  return useSyncExternalStore(
    (told) => {
      listeners.add(told);
      return () => listeners.delete(told);
    },
    () => present,
  );
}

/** Let what is finished be forgotten. */
export function forget(): void {
  if (present?.state !== "running") set(null);
}

/** Stop behind the step that goes on. */
export function stop(): void {
  if (present?.state === "running") set({ ...present, state: "stopped" });
}

/** Call when a run has come to its end; the last caller counts. */
export function whenDone(told: () => void): void {
  ends = told;
}

const isStopped = (): boolean => present?.state === "stopped";

/** Hand over, step by step, until nothing is left, nothing moves any more, or somebody stops it. */
export async function begin(order: Order, whole: number): Promise<void> {
  if (present?.state === "running") return;
  let run: Run = { order, whole, cards: 0, last: null, state: "running", fault: null };
  set(run);
  while (run.state === "running") {
    try {
      const onto: number | null = run.last?.id ?? null;
      const step = await patiently(onto === null ? order : { ...order, onto });
      const isOver = !step.left || step.cards === run.cards;
      run = { ...run, cards: step.cards, last: step, state: isOver ? "done" : isStopped() ? "stopped" : "running" };
      set(run);
    } catch (fault) {
      const problem = asProblem(fault);
      run = { ...run, state: "failed", fault: problem ? (problem.errors[0]?.detail ?? problem.detail) : null };
      set(run);
      if (!problem) throw fault;
    }
  }
  ends();
}

/** One step; the same one once more where the answer did not come. */
async function patiently(order: Order): Promise<Done> {
  const key = crypto.randomUUID();
  for (let tries = 0; ; tries++) {
    try {
      return await body(api.POST("/api/v1/distribution/handovers", { params: { header: once(key) }, body: order }));
    } catch (fault) {
      if (tries === 5 || !asProblem(fault)?.isPassing) throw fault;
      await new Promise((wake) => setTimeout(wake, 1000 * 2 ** tries));
    }
  }
}
