import { describe, expect, it } from "vitest";
import { NO_CALLS, reconnected, told, type LiveMessage, type OpenCalls } from "./openCalls";

function call(id: string, revision: number, state = "talking", replay = false): LiveMessage {
  return { kind: `call.${state}`, replay, body: { id, revision, state, managers: [] } };
}
const live: LiveMessage = { kind: "live", replay: false, body: {} };
const ids = (state: OpenCalls) => [...state.calls.keys()];
const after = (...messages: LiveMessage[]) => messages.reduce(told, NO_CALLS);

describe("open calls", () => {
  it("are those of the replay and what came after it", () => {
    expect(ids(after(call("a", 1, "talking", true), live, call("b", 1, "ringing")))).toEqual(["a", "b"]);
  });
  it("end", () => expect(ids(after(live, call("a", 1), call("a", 2, "ended")))).toEqual([]));
  it("do not go back to an older revision", () => {
    const state = after(live, call("a", 3, "talking"), call("a", 2, "ringing"));
    expect(state.calls.get("a")?.state).toBe("talking");
  });
  it("that ended in a gap are gone with the end of the next replay, and not before", () => {
    const begun = reconnected(after(call("a", 1, "talking", true), call("b", 1, "talking", true), live));
    expect(ids(begun)).toEqual(["a", "b"]);
    expect(ids([call("b", 1, "talking", true), live].reduce(told, begun))).toEqual(["b"]);
  });
  it("that are one with another are dropped", () => {
    expect(ids(after(live, call("a", 1), { kind: "call.merged", replay: false, body: { id: "a", merged_into: "b" } }))).toEqual([]);
  });
  it("are not changed by facts that are no calls", () => {
    const state = after(live, call("a", 1));
    expect(told(state, { kind: "call.listened", replay: false, body: { call_id: "a" } })).toBe(state);
    expect(told(state, { kind: "task.done", replay: false, body: { id: 7 } })).toBe(state);
  });
});
