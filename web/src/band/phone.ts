/* What the phone of one person is doing, out of what the page knows: the open calls, his own state, his orders, and the
   phone in this page. Pure; moments are milliseconds by the gateway's clock. One line is shown in the band, others wait
   as chips. */

import type { LiveCall, Schemas } from "../api";

export type Command = Schemas["CommandView"];
export type OwnState = Schemas["StateView"];

export interface Known {
  /** The person; null: a key that belongs to nobody. */
  readonly me: number | null;
  readonly calls: ReadonlyMap<string, LiveCall>;
  /** When this page heard of a call's last change, by its own clock. */
  readonly heardAt: ReadonlyMap<string, number>;
  readonly own: OwnState | null;
  /** When the question was sent that `own` answers: it knows of everything heard before. */
  readonly ownAt: number;
  readonly commands: readonly Command[];
}

export type LineKind = "ringing" | "dialling" | "talking" | "listening";

/** One call of his. */
export interface Line {
  readonly kind: LineKind;
  /** The call's id; of an order that made none yet, the command's. */
  readonly id: string;
  readonly call: LiveCall | null;
  /** The order that made it: a placed call, or listening. */
  readonly command: Command | null;
  /** When this began; null: nobody said. */
  readonly since: number | null;
  readonly controls: Controls;
}

export type RestKind = "free" | "after" | "break" | "off";

/** How he is beside his calls. */
export interface Rest {
  readonly kind: RestKind;
  readonly since: number | null;
  /** When the time after a call ends by itself; null: it does not. */
  readonly endsAt: number | null;
  /** Key of a break's reason. */
  readonly reason: string;
  /** The call the time after which it is. */
  readonly call: string | null;
}

export interface Phone {
  readonly shown: Line | null;
  readonly others: readonly Line[];
  readonly rest: Rest;
}

const ORDER: Readonly<Record<LineKind, number>> = { talking: 0, listening: 1, dialling: 2, ringing: 3 };
const OPEN_STATES: ReadonlySet<string> = new Set(["stored", "sent", "accepted", "dialled", "talking"]);
const SPYING: ReadonlySet<string> = new Set(["listen", "whisper", "barge"]);

/** What the band shows.
 * @param chosen id of the line somebody looks at; null: the most important one
 */
export function phoneOf(known: Known, chosen: string | null = null): Phone {
  const lines = linesOf(known).sort((one, other) => ORDER[one.kind] - ORDER[other.kind] || (one.since ?? 0) - (other.since ?? 0));
  const shown = lines.find((line) => line.id === chosen) ?? lines[0] ?? null;
  return { shown, others: lines.filter((line) => line !== shown), rest: restOf(known) };
}

function linesOf(known: Known): Line[] {
  const lines: Line[] = [];
  const placed = new Set<string>();
  for (const command of known.commands) {
    if (!isOwn(command, known.me) || !OPEN_STATES.has(command.state)) continue;
    if (SPYING.has(command.kind)) lines.push(listening(command, known));
    if (command.kind !== "call") continue;
    const call = command.call_id ? (known.calls.get(command.call_id) ?? null) : null;
    if (command.call_id) placed.add(command.call_id);
    lines.push(placedLine(command, call, known));
  }
  for (const call of known.calls.values()) {
    if (placed.has(call.id)) continue;
    const kind = kindOf(call, known);
    if (kind) lines.push({ kind, id: call.id, call, command: null, since: sinceOf(call, kind, known), controls: controlsIn(known, call) });
  }
  return lines;
}

function isOwn(command: Command, me: number | null): boolean {
  return me !== null && command.user_id === me;
}

function placedLine(command: Command, call: LiveCall | null, known: Known): Line {
  const talks = command.state === "talking" || (call !== null && kindOf(call, known) === "talking" && call.state === "talking");
  const kind = talks ? "talking" : "dialling";
  const since = talks ? (at(command.began_at) ?? at(call?.answered_at)) : at(command.ordered_at);
  return { kind, id: command.call_id ?? command.id, call, command, since, controls: call ? controlsIn(known, call) : NO_CONTROLS };
}

function listening(command: Command, known: Known): Line {
  const call = command.call_id ? (known.calls.get(command.call_id) ?? null) : null;
  return { kind: "listening", id: command.id, call, command, since: at(command.began_at) ?? at(command.ordered_at), controls: NO_CONTROLS };
}

/** How a person stands in an open call; null: he has no part in it now. */
export function kindOf(call: LiveCall, known: Known): "ringing" | "dialling" | "talking" | null {
  const part = call.managers.find((manager) => manager.user_id === known.me);
  if (known.me === null || !part || call.kind === "service") return null;
  const own = known.own;
  if (own?.state === "talking" && own.call === call.id) return "talking";
  if (call.state === "talking" && call.transfers.length === 0 && call.answered_by.join() === part.extension && isBefore(own, call)) return "talking";
  const isTold = own !== null && known.ownAt >= (known.heardAt.get(call.id) ?? 0);
  if (isTold) return own.ringing.includes(call.id) ? waitingKind(call) : null;
  // A change that his state does not tell of yet: go by the call alone, so that nothing waits for a second answer.
  if (call.state === "ringing") return passedOn(call, known) ? null : waitingKind(call);
  const tookIt = call.answered_by.includes(part.extension) && call.transfers.length === 0;
  return tookIt ? "talking" : null;
}

/** Whether his state is still the one from before a talk that only he took: it follows the call, a moment later. */
function isBefore(own: OwnState | null, call: LiveCall): boolean {
  return (at(own?.since) ?? 0) < (at(call.answered_at) ?? 0);
}

/** Whether he has sent the call on while it rang: at his phone it is over, though his part in it stays. */
function passedOn(call: LiveCall, { commands, me }: Known): boolean {
  return commands.some((one) => one.kind === "transfer" && one.call_id === call.id && one.user_id === me && one.state === "done");
}

function waitingKind(call: LiveCall): "ringing" | "dialling" {
  return call.direction === "outbound" ? "dialling" : "ringing";
}

function sinceOf(call: LiveCall, kind: LineKind, { own }: Known): number | null {
  if (kind !== "talking") return at(call.started_at);
  if (own?.state === "talking" && own.call === call.id) return at(own.since);
  return at(call.answered_at) ?? at(call.started_at);
}

function restOf({ own, calls }: Known): Rest {
  const reason = own?.reason ?? "";
  const none = { endsAt: null, reason, call: null };
  if (!own) return { ...none, kind: "free", since: null };
  const since = at(own.since);
  switch (own.state) {
    case "break":
    case "off":
      return { ...none, kind: own.state, since };
    case "after_call":
      return { kind: "after", since, endsAt: at(own.ends_at), reason, call: own.call };
    case "talking":
      // The call is over and the gateway has not said what comes next: it is the time after it.
      if (own.call && !calls.has(own.call)) return { kind: "after", since: null, endsAt: null, reason, call: own.call };
      return { ...none, kind: "free", since };
    default:
      return { ...none, kind: "free", since };
  }
}

/** What was ordered of a call, as far as the orders tell. */
export interface Controls {
  readonly held: boolean;
  readonly paused: boolean;
  /** Whom he asks while the client waits: what was dialled; null: nobody. */
  readonly asking: string | null;
  /** The kind of an order that has no answer yet. */
  readonly waits: Command["kind"] | null;
}

export const NO_CONTROLS: Controls = { held: false, paused: false, asking: null, waits: null };
/** The engine says so of an order that does not fit the call: what the page thought was wrong. */
const UNFIT: ReadonlySet<string> = new Set(["not_possible", "leg_gone"]);

/** So long after an order the call itself must have told what came of it, in ms. */
const TOLD_MS = 1500;

/** What was ordered of an open call, put right by what the journal tells of it: a phone has keys of its own, and whom he
 * asks may have hung up. */
function controlsIn({ commands, heardAt }: Known, call: LiveCall): Controls {
  const ordered = controlsOf(commands, call.id);
  const changed = commands.filter((command) => command.call_id === call.id && MOVES.has(command.kind));
  const last = Math.max(0, ...changed.map((command) => Date.parse(command.ordered_at)));
  if (call.held_since !== null && Date.parse(call.held_since) > last) return { ...ordered, held: true };
  const isTold = (heardAt.get(call.id) ?? 0) > last + TOLD_MS;
  if (call.held_since === null && isTold) return { ...ordered, held: false, asking: null };
  return ordered;
}

const MOVES: ReadonlySet<string> = new Set(["hold", "resume", "consult", "consult_complete", "consult_abandon"]);

/** Where a call's orders have led, in the order in which they were given. */
export function controlsOf(commands: readonly Command[], call: string | null | undefined): Controls {
  if (!call) return NO_CONTROLS;
  const own = commands.filter((command) => command.call_id === call);
  return own.sort((one, other) => one.ordered_at.localeCompare(other.ordered_at)).reduce(afterOrder, NO_CONTROLS);
}

function afterOrder(before: Controls, command: Command): Controls {
  const isOver = command.state === "done" || (command.state === "refused" && UNFIT.has(command.reason ?? ""));
  if (!isOver) return OPEN_STATES.has(command.state) && WAITED_FOR.has(command.kind) ? { ...before, waits: command.kind } : before;
  const done = command.state === "done";
  switch (command.kind) {
    case "hold":
      return { ...before, held: done };
    case "resume":
      return { ...before, held: false };
    case "consult":
      return done ? { ...before, asking: command.target ?? command.number ?? "" } : before;
    case "consult_complete":
    case "consult_abandon":
      return { ...before, asking: null, held: false };
    case "recording_pause":
      return { ...before, paused: done || before.paused };
    case "recording_resume":
      return { ...before, paused: false };
    default:
      return before;
  }
}

const WAITED_FOR: ReadonlySet<string> = new Set([
  "hold", "resume", "consult", "consult_complete", "consult_abandon", "transfer", "recording_pause", "recording_resume", "hang_up",
]); // prettier-ignore

/** The kept orders after one was told; at most 200, the oldest are forgotten. */
export function withCommand(commands: readonly Command[], told: Command): readonly Command[] {
  const known = commands.find((command) => command.id === told.id);
  if (known && isFurther(known, told)) return commands;
  return [told, ...commands.filter((command) => command.id !== told.id)].slice(0, 200);
}

const FAR: Readonly<Record<string, number>> = { stored: 0, sent: 1, accepted: 2, dialled: 3, talking: 4 };

/** Whether what is known of an order is later than what was told. */
function isFurther(known: Command, told: Command): boolean {
  return (FAR[known.state] ?? 9) > (FAR[told.state] ?? 9);
}

/** A moment of the API in milliseconds. */
export function at(moment: string | null | undefined): number | null {
  return moment ? Date.parse(moment) : null;
}
