/* The open calls as the live socket tells of them: one pure reducer. */

import type { Schemas } from "./client";

/** An open call as the socket and the facts tell it. */
export type LiveCall = Omit<Schemas["CallView"], "recording">;

export interface LiveMessage {
  readonly kind: string;
  readonly replay: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface OpenCalls {
  readonly calls: ReadonlyMap<string, LiveCall>;
  /** Calls that this connection has shown; what it has not when the replay ends is over. */
  readonly seen: ReadonlySet<string>;
}

export const NO_CALLS: OpenCalls = { calls: new Map(), seen: new Set() };

/** A new connection begins: what is shown stays until the replay has said what is still open. */
export function reconnected(state: OpenCalls): OpenCalls {
  return { calls: state.calls, seen: new Set() };
}

/** What is open after a message. */
export function told(state: OpenCalls, message: LiveMessage): OpenCalls {
  if (message.kind === "live") return replayed(state);
  if (message.kind === "call.merged") return without(state, message.body["id"]);
  if (message.kind === "call.identified") return state;
  if (!isCall(message)) return state;
  const call = message.body as unknown as LiveCall;
  const seen = message.replay ? new Set(state.seen).add(call.id) : state.seen;
  const known = state.calls.get(call.id);
  if (known && known.revision > call.revision) return { calls: state.calls, seen };
  if (call.state === "ended") return without({ calls: state.calls, seen }, call.id);
  return { calls: new Map(state.calls).set(call.id, call), seen };
}

function isCall(message: LiveMessage): boolean {
  return message.kind.startsWith("call.") && "managers" in message.body && "state" in message.body;
}

function without(state: OpenCalls, id: unknown): OpenCalls {
  if (typeof id !== "string" || !state.calls.has(id)) return state;
  const calls = new Map(state.calls);
  calls.delete(id);
  return { calls, seen: state.seen };
}

function replayed(state: OpenCalls): OpenCalls {
  return { calls: new Map([...state.calls].filter(([id]) => state.seen.has(id))), seen: state.seen };
}
