import { describe, expect, it } from "vitest";
import { afterEvent, answersItself, byCallId, ringing, talking, type CallEvent, type PhoneCall } from "./calls";

const begun = (id: string, more: Partial<PhoneCall> = {}): CallEvent => ({
  kind: "begun",
  call: {
    id,
    callId: null,
    legId: null,
    direction: "in",
    state: "ringing",
    number: "79161234567",
    name: "",
    since: 1000,
    ...more,
  },
});

function told(...events: CallEvent[]): readonly PhoneCall[] {
  return events.reduce<readonly PhoneCall[]>(afterEvent, []);
}

describe("the calls of the phone", () => {
  it("a call rings, is answered and ends", () => {
    const rings = told(begun("a"));
    expect(ringing(rings)?.id).toBe("a");
    const talks = afterEvent(rings, { kind: "answered", id: "a", at: 5000 });
    expect(talking(talks)).toMatchObject({ state: "talking", answeredAt: 5000 });
    expect(ringing(talks)).toBeNull();
    expect(afterEvent(talks, { kind: "ended", id: "a" })).toEqual([]);
  });

  it("what is told twice, or of a call that is over, changes nothing", () => {
    const calls = told(begun("a"), { kind: "muted", id: "a", isMuted: true });
    expect(afterEvent(calls, begun("a"))).toBe(calls);
    expect(afterEvent(calls, { kind: "muted", id: "a", isMuted: true })).toBe(calls);
    expect(afterEvent(calls, { kind: "answered", id: "b", at: 1 })).toBe(calls);
    expect(afterEvent(calls, { kind: "ended", id: "b" })).toBe(calls);
  });

  it("keys mean the newest that rings, and of those that talk the one that is heard", () => {
    const calls = told(
      begun("a"),
      { kind: "answered", id: "a", at: 1 },
      begun("b"),
      { kind: "answered", id: "b", at: 2 },
      { kind: "held", id: "b", isHeld: true },
      begun("c"),
      begun("d"),
    );
    expect(ringing(calls)?.id).toBe("d");
    expect(talking(calls)?.id).toBe("a");
  });

  it("a call is found by the gateway's id, told at once or later", () => {
    const calls = told(begun("a", { direction: "out", state: "dialling" }), {
      kind: "named",
      id: "a",
      callId: "6787a29e",
      legId: "pbx1-1.2",
    });
    expect(byCallId(calls, "6787a29e")?.id).toBe("a");
    expect(byCallId(calls, "other")).toBeNull();
    expect(talking(calls)?.id).toBe("a");
  });
});

describe("what is answered without a person", () => {
  it("a call that was ordered here, or that brings him back; nothing else", () => {
    expect(answersItself("tl-6921a0f0-0011223344556677", false)).toBe(true);
    expect(answersItself("pbx1-1795347033.1", true)).toBe(true);
    expect(answersItself("pbx1-1795347033.1", false)).toBe(false);
    expect(answersItself(null, false)).toBe(false);
  });
});
