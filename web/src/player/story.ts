/* What stands above and below the picture of a call: who of us talked when, and what happened. */

import type { Schemas } from "../api";

type Call = Schemas["CallView"];

export interface Part {
  readonly name: string;
  /** Seconds from the beginning of the talk. */
  readonly from: number;
  readonly seconds: number;
}

export type MarkKind = "transfer" | "hold" | "resume";

export interface Mark {
  readonly kind: MarkKind;
  readonly second: number;
  /** To whom a transfer went; null: not a transfer, or not known. */
  readonly to: string | null;
}

/** Seconds of a moment since the client and the first manager talked; null: they never did. */
export function secondOf(call: Call, at: string): number | null {
  if (!call.answered_at) return null;
  return (Date.parse(at) - Date.parse(call.answered_at)) / 1000;
}

/** How the client is named: by his card, else as the line named him, else by his number. */
export function nameOfClient(call: Call, formats: { phone: (number: string | null) => string }): string {
  const named = [call.contact_name, call.client.name].find((name) => name !== null && name !== "");
  return named ?? formats.phone(call.client.number);
}

/** How an extension is named: by its person, else as it is. */
export function nameOf(call: Call, extension: string | null): string {
  const found = call.managers.find((manager) => manager.extension === extension);
  return found?.name ?? extension ?? "";
}

/** The managers who talked, in their order, each from the moment he took over. */
export function partsOf(call: Call): Part[] {
  const taken = call.transfers.filter((transfer) => transfer.taken_by !== null);
  let from = 0;
  return call.answered_by.map((extension, at) => {
    const seconds = call.managers.find((manager) => manager.extension === extension)?.talk_seconds ?? 0;
    const over = taken[at - 1];
    const begun = over ? secondOf(call, over.at) : null;
    const part = { name: nameOf(call, extension), from: Math.max(0, at === 0 ? 0 : (begun ?? from)), seconds };
    from = part.from + seconds;
    return part;
  });
}

/** Transfers, and holds as the call's events tell them, in the order of their moments. */
export function marksOf(call: Call, events: readonly Schemas["CallEvent"][]): Mark[] {
  const transfers = call.transfers.map((transfer) => ({
    kind: "transfer" as const,
    at: transfer.at,
    to: nameOf(call, transfer.taken_by ?? transfer.to),
  }));
  const holds = events
    .filter((event) => event.kind === "held" || event.kind === "resumed")
    .map((event) => ({ kind: event.kind === "held" ? ("hold" as const) : ("resume" as const), at: event.at, to: null }));
  return [...transfers, ...holds]
    .flatMap(({ kind, at, to }) => {
      const second = secondOf(call, at);
      return second !== null && second >= 0 ? [{ kind, second, to }] : [];
    })
    .sort((one, other) => one.second - other.second);
}

/** The first name of who speaks at a second; null: nobody knows more than the side. */
export function speakerAt(call: Call, parts: readonly Part[], side: string | null, second: number): string | null {
  const named = side === "client" ? (call.contact_name || call.client.name) : side === "manager" ? parts.findLast((part) => part.from <= second + 0.05)?.name : null;
  const first = named?.trim().split(/\s+/)[0] ?? "";
  return /\p{L}/u.test(first) ? first : null;
}

/** The sentence that is heard at a second: the last that has begun; -1: none has. */
export function lineAt(starts: readonly number[], second: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= second + 0.05) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const STEPS_S = [5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const TICKS = 7;

/** Seconds at which the time is written under the picture: even ones, and the end. */
export function ticksOf(seconds: number): number[] {
  if (!(seconds > 0)) return [0];
  const step = STEPS_S.find((some) => seconds / some <= TICKS) ?? 3600 * Math.ceil(seconds / 3600 / TICKS);
  const even = Array.from({ length: Math.ceil(seconds / step) }, (_, at) => at * step);
  // An even one too near to the end would be written over it.
  return [...even.filter((tick) => tick === 0 || seconds - tick > step * 0.4), seconds];
}
