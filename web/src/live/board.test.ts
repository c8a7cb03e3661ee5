import { describe, expect, it } from "vitest";
import { inFixedOrder, lateAt, lateCount, ordered, sinceOf, stateOf, tilesOf, told, type Board, type Manager } from "./board";

const AT = "2026-03-02T09:00:00Z";

function manager(user: number, some: Partial<Manager> = {}): Manager {
  return {
    user, name: `M${user}`, teams: [1], extensions: [`10${user}`], state: "available", known: true, reason: "", since: AT,
    ends_at: null, takes_calls: true, last_talk_at: null, call: null, rings: false, calls: 0, talk_seconds: 0, missed: 0, away: null,
    goal: { goal: 0, name: "50", measure: "numbers", done: 3, target: 50, expected: 5, pace: "behind" },
    ...some,
  }; // prettier-ignore
}

const BOARD = {
  at: AT, day: "2026-03-02", zone: "UTC", teams: [], managers: [manager(1), manager(2)], groups: [], waiting: [], late_total: 0, late: [],
  help: [], today: { goal_done: 6, goal_target: 100 },
} as unknown as Board; // prettier-ignore

function call(state: string, some: object = {}) {
  return {
    kind: `call.${state}`,
    body: {
      id: "c1", kind: "client", state, direction: "inbound", started_at: AT, answered_at: null, held_since: null, contact_id: 7,
      contact_name: "Ольга", client: { number: "+79161234567", name: "" }, did: null, answered_by: [],
      managers: [{ extension: "101", user_id: 1 }, { extension: "102", user_id: 2 }], ...some,
    },
  }; // prettier-ignore
}

const of = (board: Board, user: number) => board.managers.find((one) => one.user === user) ?? manager(0);
const state = (user: number, name: string, some: object = {}) => ({
  kind: "manager.state_changed",
  body: { user, state: name, reason: "", since: AT, call_id: "c1", ends_at: null, ...some },
});

describe("a call on the board", () => {
  const ringing = told(BOARD, call("ringing"));
  it("rings at everybody it is offered to, and its client waits", () => {
    expect(ringing.board.managers.map(stateOf)).toEqual(["ringing", "ringing"]);
    expect(ringing.board.waiting.map((one) => [one.call, one.rings_for])).toEqual([["c1", [1, 2]]]);
    expect(ringing.isStale).toBe(true);
    expect(sinceOf(of(ringing.board, 1))).toBe(AT);
  });
  it("is with whoever took it, and no longer with the others", () => {
    const { board } = told(ringing.board, call("talking", { answered_by: ["101"], answered_at: AT }));
    const talking = told(board, state(1, "talking")).board;
    expect(talking.managers.map(stateOf)).toEqual(["talking", "free"]);
    expect(of(talking, 1).call?.contact_name).toBe("Ольга");
    expect(talking.waiting).toEqual([]);
    const held = told(talking, call("changed", { state: "talking", answered_by: ["101"], held_since: AT })).board;
    expect(stateOf(of(held, 1))).toBe("hold");
  });
  it("leaves when it ends, and what is counted is read anew", () => {
    const over = told(ringing.board, call("ended"));
    expect(over.board.managers.map(stateOf)).toEqual(["free", "free"]);
    expect([over.board.waiting.length, over.isStale]).toEqual([0, true]);
  });
  it("is shown after it to whoever writes it down", () => {
    const talking = told(told(ringing.board, call("talking", { answered_by: ["101"] })).board, state(1, "talking")).board;
    const after = told(told(talking, state(1, "after_call")).board, call("ended")).board;
    expect([stateOf(of(after, 1)), of(after, 1).call?.call]).toEqual(["after", "c1"]);
    expect(of(told(after, state(1, "available", { call_id: null })).board, 1).call).toBeNull();
  });
  it("does not take the place of the call that somebody is in", () => {
    const busy = { ...BOARD, managers: [manager(1, { state: "talking", call: { call: "c0" } as Manager["call"] })] };
    expect(of(told(busy, call("ringing")).board, 1).call?.call).toBe("c0");
  });
});

describe("clients who were not returned", () => {
  const missed = (some: object) => ({ kind: "missed.changed", body: { id: 9, state: "open", due_at: AT, hidden: false, version: 1, ...some } });
  it("are late from their moment on, and gone when they are closed", () => {
    const { board } = told(BOARD, missed({ owner: 2 }));
    const due = Date.parse(AT);
    expect([lateAt(board, due - 1).length, lateCount(board, due - 1)]).toEqual([0, 0]);
    expect(lateAt(board, due).map((one) => one.owner_name)).toEqual(["M2"]);
    expect(told(board, missed({ state: "called_back", version: 2 })).board.late).toEqual([]);
    expect(told(told(board, missed({ version: 5 })).board, missed({ state: "late", version: 4 })).board.late.length).toBe(1);
  });
});

it("asks for help come and go", () => {
  const ask = (name: string) => ({ kind: "help.asked", body: { id: 3, user: 1, state: name, asked_at: AT, call: "c1" } });
  const { board } = told(BOARD, ask("open"));
  expect(board.help.length).toBe(1);
  expect(told(board, ask("taken")).board.help.map((one) => one.state)).toEqual(["taken"]);
  expect(told(board, ask("closed")).board.help).toEqual([]);
  expect(told(board, call("ended")).board.help).toEqual([]);
});

it("a goal moves alone and in the sum", () => {
  const { board } = told(BOARD, { kind: "goal.progress", body: { goal: 0, user: 2, done: 5, expected: 6, pace: "on" } });
  expect([of(board, 2).goal?.done, of(board, 2).goal?.pace, board.today.goal_done]).toEqual([5, "on", 8]);
  expect(told(BOARD, { kind: "goal.progress", body: { goal: 4, user: 2, done: 5 } }).board).toBe(BOARD);
});

it("counts who dials among those whose phone rings", () => {
  const dialling = told(BOARD, call("ringing", { direction: "outbound", managers: [{ extension: "101", user_id: 1 }] })).board;
  expect(stateOf(of(dialling, 1))).toBe("dialling");
  expect(tilesOf(dialling.managers).map(({ n }) => n)).toEqual([0, 1, 0, 0, 1, 0]);
});

it("keeps an order once it was chosen", () => {
  const byName = (one: string, other: string) => one.localeCompare(other);
  const managers = [manager(1), manager(2, { state: "talking" }), manager(3, { goal: null })];
  expect(ordered(managers, "state", byName)).toEqual([2, 1, 3]);
  expect(ordered(managers, "goal", byName)).toEqual([1, 2, 3]);
  expect(inFixedOrder([manager(4), ...managers], [2, 1, 3]).map(({ user }) => user)).toEqual([2, 1, 3, 4]);
});
