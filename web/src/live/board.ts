/* The live board as facts change it: one pure reducer over what `GET /board` gave, and what is read off it. */

import type { Fact, LiveCall, Schemas } from "../api";
import type { PhoneState } from "../parts/StateWord";

export type Board = Schemas["LiveBoardView"];
export type Manager = Board["managers"][number];
export type BoardCall = Schemas["BoardCall"];
export type Late = Board["late"][number];
export type Ask = Board["help"][number];

export interface Told {
  readonly board: Board;
  /** The fact moves what only the gateway counts (talk, missed, totals): read the board again, not more often than every ten seconds. */
  readonly isStale: boolean;
}

/** The board after a fact; the same board where it is not concerned. */
export function told(board: Board, fact: Fact): Told {
  const family = fact.kind.split(".", 1)[0];
  switch (family) {
    case "call":
      return callTold(board, fact);
    case "manager":
      return { board: stateTold(board, fact), isStale: false };
    case "missed":
      return { board: missedTold(board, fact), isStale: false };
    case "help":
      return { board: helpTold(board, fact), isStale: false };
    case "goal":
      return { board: goalTold(board, fact), isStale: false };
    case "absence":
    case "team":
    case "routing_group":
      return { board, isStale: true };
    default:
      return { board, isStale: false };
  }
}

function callTold(board: Board, fact: Fact): Told {
  if (!("managers" in fact.body) || !("state" in fact.body)) return { board, isStale: false };
  const call = fact.body as unknown as LiveCall;
  if (call.kind === "internal") return { board, isStale: false };
  if (call.state === "ended") return { board: ended(board, call.id), isStale: true };
  const shown = boardCall(board, call);
  const waits = call.state === "ringing" && call.direction === "inbound";
  const others = board.waiting.filter((one) => one.call !== call.id);
  const known = board.waiting.find((one) => one.call === call.id);
  const rings = call.managers.flatMap((part) => (part.user_id === null ? [] : [part.user_id]));
  const waiting = waits ? inOrder([...others, { ...shown, group: known?.group ?? null, rings_for: rings }]) : others;
  const managers = board.managers.map((manager) => withCall(manager, call, shown));
  // Whose group a new client waits in is known to the gateway alone.
  return { board: { ...board, managers, waiting }, isStale: waits && !known };
}

function withCall(manager: Manager, call: LiveCall, shown: BoardCall): Manager {
  const part = call.managers.find((one) => one.user_id === manager.user);
  const isHis = manager.call?.call === call.id;
  if (!part) return isHis ? { ...manager, call: shown } : manager;
  if (call.state === "ringing") {
    const isBusy = manager.state === "talking" && manager.call !== null && !isHis;
    return isBusy ? manager : { ...manager, call: shown, rings: true };
  }
  const answered = call.answered_by.includes(part.extension);
  if (answered || (isHis && !manager.rings)) {
    const isElse = manager.call !== null && !isHis && !manager.rings && manager.state === "talking";
    return isElse ? manager : { ...manager, call: shown, rings: false };
  }
  return isHis ? { ...manager, call: null, rings: false } : manager;
}

function ended(board: Board, id: string): Board {
  const managers = board.managers.map((manager) => {
    if (manager.call?.call !== id) return manager;
    // Whoever writes down what came of it still has it in front of him.
    return manager.rings || manager.state !== "after_call" ? { ...manager, rings: false, call: null } : manager;
  });
  return {
    ...board,
    managers,
    waiting: board.waiting.filter((one) => one.call !== id),
    help: board.help.filter((ask) => ask.call !== id),
  };
}

function boardCall(board: Board, call: LiveCall): BoardCall {
  const before = [...board.managers.map((manager) => manager.call), ...board.waiting].find((one) => one?.call === call.id);
  return {
    call: call.id,
    direction: call.direction,
    state: call.state,
    started_at: call.started_at,
    answered_at: call.answered_at,
    held_since: call.held_since,
    contact: call.contact_id,
    contact_name: call.contact_name,
    organisation: before?.organisation ?? null,
    heat: before?.heat ?? null,
    number: call.client.number,
    called_himself: call.client.name,
    did: call.did,
    line: before?.line ?? "",
  };
}

function inOrder<T extends { started_at: string }>(waiting: readonly T[]): T[] {
  return [...waiting].sort((one, other) => one.started_at.localeCompare(other.started_at));
}

function stateTold(board: Board, fact: Fact): Board {
  if (fact.kind !== "manager.state_changed") return board;
  const { user, state, reason, since, call_id: callId, ends_at: endsAt } = fact.body as Record<string, string | number | null | undefined>;
  const managers = board.managers.map((manager): Manager => {
    if (manager.user !== user) return manager;
    const call = manager.rings || typeof callId !== "string" || manager.call?.call === callId ? manager.call : null;
    const keeps = manager.rings || state === "talking" || state === "after_call";
    return {
      ...manager,
      known: true,
      state: state as Manager["state"],
      reason: String(reason ?? ""),
      since: typeof since === "string" ? since : null,
      ends_at: typeof endsAt === "string" ? endsAt : null,
      takes_calls: state === "available",
      call: keeps ? call : null,
    };
  });
  return { ...board, managers };
}

function missedTold(board: Board, fact: Fact): Board {
  const one = fact.body as unknown as Schemas["MissedView"];
  if (typeof one.id !== "number") return board;
  const known = board.late.find((late) => late.missed === one.id);
  if (known && known.version > one.version) return board;
  const others = board.late.filter((late) => late.missed !== one.id);
  const late = one.state === "open" && !one.hidden ? [...others, lateOf(board, one, known)] : others;
  late.sort((first, second) => first.due_at.localeCompare(second.due_at));
  return { ...board, late, late_total: board.late_total + late.length - board.late.length };
}

function lateOf(board: Board, one: Schemas["MissedView"], known: Late | undefined): Late {
  const name = (user: number | null) => board.managers.find((manager) => manager.user === user)?.name ?? null;
  return {
    missed: one.id,
    contact: one.contact,
    contact_name: one.contact_name ?? known?.contact_name ?? null,
    number: one.number,
    did: one.did,
    line: known?.line ?? "",
    due_at: one.due_at,
    last_at: one.last_at,
    calls: one.calls,
    new_client: one.new_client,
    owner: one.owner,
    owner_name: one.owner_name ?? name(one.owner),
    rang_name: known?.rang_name ?? null,
    claimed_by: one.claimed_by,
    claimed_name: name(one.claimed_by),
    version: one.version,
  };
}

function helpTold(board: Board, fact: Fact): Board {
  const ask = fact.body as unknown as Ask;
  if (typeof ask.id !== "number") return board;
  const others = board.help.filter((one) => one.id !== ask.id);
  if (ask.state === "closed") return { ...board, help: others };
  const help = [...others, ask].sort((one, other) => one.asked_at.localeCompare(other.asked_at));
  return { ...board, help };
}

function goalTold(board: Board, fact: Fact): Board {
  const { goal, user, done, expected, pace } = fact.body as Record<string, unknown>;
  if (typeof user !== "number" || typeof done !== "number") return board;
  const before = board.managers.find((manager) => manager.user === user)?.goal;
  if (!before || before.goal !== goal) return board;
  const now = {
    ...before,
    done,
    expected: typeof expected === "number" ? expected : before.expected,
    pace: typeof pace === "string" ? pace : before.pace,
  };
  const managers = board.managers.map((manager) => (manager.user === user ? { ...manager, goal: now } : manager));
  return { ...board, managers, today: { ...board.today, goal_done: board.today.goal_done + done - before.done } };
}

/** How a manager is, as one word. */
export function stateOf(manager: Manager): PhoneState {
  if (manager.rings && manager.state !== "talking") return manager.call?.direction === "outbound" ? "dialling" : "ringing";
  switch (manager.state) {
    case "talking":
      return manager.call?.held_since ? "hold" : "talking";
    case "after_call":
      return "after";
    case "break":
      return "break";
    case "off":
      return "off";
    default:
      return "free";
  }
}

/** Since when he is so; null: nobody knows. */
export function sinceOf(manager: Manager): string | null {
  const state = stateOf(manager);
  if (state === "ringing" || state === "dialling") return manager.call?.started_at ?? null;
  if (state === "hold") return manager.call?.held_since ?? null;
  return manager.since;
}

/** Missed clients whose time is over at a moment. */
export function lateAt(board: Board, now: number): Late[] {
  return board.late.filter((late) => Date.parse(late.due_at) <= now);
}

/** How many there are, also those beyond what was read. */
export function lateCount(board: Board, now: number): number {
  return board.late_total - (board.late.length - lateAt(board, now).length);
}

export const TILES = ["talking", "ringing", "hold", "after", "free", "break"] as const;
export type TileName = (typeof TILES)[number];

export interface Tile {
  readonly name: TileName;
  readonly n: number;
  /** Since when the one of longest is so. */
  readonly since: string | null;
}

/** How many are in each state, and since when the longest. Who dials is among those whose phone rings. */
export function tilesOf(managers: readonly Manager[]): Tile[] {
  return TILES.map((name) => {
    const those = managers.filter((manager) => {
      const state = stateOf(manager);
      return state === name || (name === "ringing" && state === "dialling");
    });
    const begins = those.flatMap((manager) => sinceOf(manager) ?? []).sort();
    return { name, n: those.length, since: begins[0] ?? null };
  });
}

export const ORDERS = ["name", "state", "goal"] as const;
export type Order = (typeof ORDERS)[number];
const STATE_ORDER: readonly PhoneState[] = ["talking", "hold", "ringing", "dialling", "after", "free", "break", "off"];

/** The managers' ids in an order, as it is at this moment. */
export function ordered(managers: readonly Manager[], order: Order, byName: (one: string, other: string) => number): number[] {
  const share = (manager: Manager) => (manager.goal && manager.goal.target > 0 ? manager.goal.done / manager.goal.target : -1);
  const ranks: Record<Order, (manager: Manager) => number> = {
    name: () => 0,
    state: (manager) => STATE_ORDER.indexOf(stateOf(manager)),
    goal: (manager) => -share(manager),
  };
  const rank = ranks[order];
  return [...managers].sort((one, other) => rank(one) - rank(other) || byName(one.name, other.name)).map(({ user }) => user);
}

/** Managers in an order that was fixed before; who is new stands last. */
export function inFixedOrder(managers: readonly Manager[], ids: readonly number[]): Manager[] {
  const places = new Map(ids.map((id, at) => [id, at]));
  return [...managers].sort((one, other) => (places.get(one.user) ?? ids.length) - (places.get(other.user) ?? ids.length));
}
