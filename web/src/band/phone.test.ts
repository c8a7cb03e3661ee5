import { describe, expect, it } from "vitest";
import type { LiveCall } from "../api";
import { controlsOf, phoneOf, withCommand, type Command, type Known, type OwnState } from "./phone";

const ME = 7;
const part = (user_id: number, extension = String(user_id)) => ({ extension, user_id, name: `u${user_id}`, rang_seconds: 0, talk_seconds: 0 });
const call = (change: Partial<LiveCall> = {}): LiveCall => ({
  id: "a", pbx: "main", kind: "client", direction: "inbound", state: "ringing", client: { number: "+79161234567", kind: "mobile", name: "" },
  contact_id: 1, contact_name: "Anna", choices: [], did: null, trunk: null, result: "", missed_reason: null, reason: null, answered_by: [],
  responsible_id: null, responsible_name: null, managers: [part(ME)], wait_seconds: null, talk_seconds: 0, hold_seconds: null, ring_seconds: 0,
  outside_seconds: 0, held_since: null, transfers: [], hung_up_by: null, complete: true, started_at: "2026-11-24T14:00:00Z", answered_at: null, ended_at: null,
  unmapped: [], command_id: null, merged_into: null, revision: 1, ...change,
}); // prettier-ignore
const own = (change: Partial<OwnState> = {}): OwnState => ({
  user: ME, name: "Maria", state: "available", known: true, reason: "", since: "2026-11-24T13:00:00Z", call: null, ends_at: null, by: "",
  ringing: [], takes_calls: true, last_talk_at: null, queues: [], ...change,
}); // prettier-ignore
let told = 0;
const command = (kind: Command["kind"], state: Command["state"], change: Partial<Command> = {}): Command => ({
  id: `o${++told}`, kind, state, reason: null, detail: "", pbx: "main", user_id: ME, ordered_by: ME, extension: "7", number: null,
  contact_id: null, caller_id: null, target: null, about: null, source: "click", call_id: "a",
  ordered_at: `2026-11-24T14:00:${String(10 + told).padStart(2, "0")}Z`, began_at: null, ended_at: null, ...change,
}); // prettier-ignore
const known = (calls: LiveCall[], change: Partial<Known> = {}): Known => ({
  me: ME, calls: new Map(calls.map((one) => [one.id, one])), heardAt: new Map(calls.map((one) => [one.id, 100])), own: own(), ownAt: 0,
  commands: [], ...change,
}); // prettier-ignore
const kinds = (state: Known) => {
  const { shown, others } = phoneOf(state);
  return [shown?.kind ?? null, ...others.map((line) => line.kind)];
};

describe("a call that rings", () => {
  it("is shown at once, before anybody asked how he is", () => expect(kinds(known([call()]))).toEqual(["ringing"]));
  it("is shown before his state was ever read", () => expect(kinds(known([call()], { own: null }))).toEqual(["ringing"]));
  it("is gone when his phone rings no more", () => expect(kinds(known([call()], { ownAt: 200 }))).toEqual([null]));
  it("stays while his phone rings", () => {
    expect(kinds(known([call()], { ownAt: 200, own: own({ ringing: ["a"] }) }))).toEqual(["ringing"]);
  });
  it("of a colleague is none of his", () => expect(kinds(known([call({ managers: [part(8)] })]))).toEqual([null]));
  it("is seen also where it is sent to him out of a talk", () => {
    const sent = call({ state: "talking", answered_by: ["8"], managers: [part(8), part(ME)] });
    expect(kinds(known([sent], { ownAt: 200, own: own({ ringing: ["a"] }) }))).toEqual(["ringing"]);
  });
  it("is a chip beside a talk", () => {
    const talk = call({ id: "b", state: "talking", answered_by: ["7"] });
    expect(kinds(known([call(), talk], { own: own({ state: "talking", call: "b" }) }))).toEqual(["talking", "ringing"]);
  });
  it("can be looked at instead of the talk", () => {
    const talk = call({ id: "b", state: "talking", answered_by: ["7"] });
    expect(phoneOf(known([call(), talk], { own: own({ state: "talking", call: "b" }) }), "a").shown?.id).toBe("a");
  });
  it("that he has passed on rings elsewhere, whatever is told of it next", () => {
    const given = command("transfer", "done");
    expect(kinds(known([call({ managers: [part(ME), part(8)] })], { commands: [given] }))).toEqual([null]);
    expect(kinds(known([call()], { commands: [given], ownAt: 200, own: own({ ringing: ["a"] }) }))).toEqual(["ringing"]); // and came back
    expect(kinds(known([call()], { commands: [command("transfer", "refused")] }))).toEqual(["ringing"]);
  });
  it("beside a supervisor's listening is a chip", () => {
    const state = known([call()], { commands: [command("listen", "talking", { call_id: "z" })] });
    expect(kinds(state)).toEqual(["listening", "ringing"]);
  });
});

describe("a talk", () => {
  it("is seen from the call before his state tells of it", () => {
    expect(kinds(known([call({ state: "talking", answered_by: ["7"] })]))).toEqual(["talking"]);
  });
  it("of whoever else took it is none of his", () => {
    expect(kinds(known([call({ state: "talking", answered_by: ["8"], managers: [part(ME), part(8)] })]))).toEqual([null]);
  });
  it("counts from his own part of it", () => {
    const state = known([call({ state: "talking", answered_by: ["7"], answered_at: "2026-11-24T14:00:05Z" })], {
      own: own({ state: "talking", call: "a", since: "2026-11-24T14:02:00Z" }),
    });
    expect(phoneOf(state).shown?.since).toBe(Date.parse("2026-11-24T14:02:00Z"));
  });
  it("that only he took is one while his state is still that from before, and over once he was free again", () => {
    const talk = call({ state: "talking", answered_by: ["7"], answered_at: "2026-11-24T14:00:05Z" });
    expect(kinds(known([talk], { ownAt: 200 }))).toEqual(["talking"]);
    expect(kinds(known([talk], { ownAt: 200, own: own({ ringing: ["a"] }) }))).toEqual(["talking"]);
    expect(kinds(known([talk], { ownAt: 200, own: own({ since: "2026-11-24T14:03:00Z" }) }))).toEqual([null]);
  });
  it("is over for him after a transfer", () => {
    const gone = call({ state: "talking", answered_by: ["7", "8"], managers: [part(ME), part(8)] });
    expect(kinds(known([gone], { ownAt: 200 }))).toEqual([null]);
  });
});

describe("a placed call", () => {
  it("dials from the order on, talks with the client, and is over with its end", () => {
    expect(kinds(known([], { commands: [command("call", "sent", { call_id: null })] }))).toEqual(["dialling"]);
    expect(kinds(known([call({ direction: "outbound" })], { commands: [command("call", "dialled")] }))).toEqual(["dialling"]);
    expect(kinds(known([call({ direction: "outbound", state: "talking" })], { commands: [command("call", "talking")] }))).toEqual(["talking"]);
    expect(kinds(known([], { commands: [command("call", "ended")] }))).toEqual([null]);
  });
  it("of a colleague is none of his", () => {
    expect(kinds(known([], { commands: [command("call", "sent", { user_id: 8 })] }))).toEqual([null]);
  });
  it("by the phone itself dials too", () => expect(kinds(known([call({ direction: "outbound" })]))).toEqual(["dialling"]));
});

describe("between calls", () => {
  const rest = (change: Partial<OwnState>) => phoneOf(known([], { own: own(change) })).rest;
  it("he is free, on a break with its reason, off, or after a call", () => {
    expect(rest({}).kind).toBe("free");
    expect(rest({ state: "break", reason: "lunch" })).toMatchObject({ kind: "break", reason: "lunch" });
    expect(rest({ state: "off" }).kind).toBe("off");
    expect(rest({ state: "after_call", call: "a", ends_at: "2026-11-24T14:10:00Z" })).toMatchObject({ kind: "after", call: "a", endsAt: Date.parse("2026-11-24T14:10:00Z") }); // prettier-ignore
  });
  it("the time after a call begins with its end, before the gateway says so", () => {
    expect(rest({ state: "talking", call: "a" })).toMatchObject({ kind: "after", call: "a" });
  });
});

describe("orders to a call", () => {
  it("tell whether the client is held and the recording paused", () => {
    const orders = [command("hold", "done"), command("recording_pause", "done")];
    expect(controlsOf(orders, "a")).toMatchObject({ held: true, paused: true, waits: null });
    expect(controlsOf([...orders, command("resume", "done")], "a")).toMatchObject({ held: false, paused: true });
    expect(controlsOf(orders, "b")).toMatchObject({ held: false, paused: false });
  });
  it("wait for their answer", () => expect(controlsOf([command("hold", "sent")], "a")).toMatchObject({ held: false, waits: "hold" }));
  it("that were refused change nothing, but where the call stood otherwise than the page thought", () => {
    expect(controlsOf([command("hold", "refused", { reason: "not_allowed" })], "a").held).toBe(false);
    expect(controlsOf([command("hold", "done"), command("resume", "refused", { reason: "not_possible" })], "a").held).toBe(false);
  });
  it("tell whom he asks", () => {
    const asks = [command("consult", "done", { target: "102" })];
    expect(controlsOf(asks, "a").asking).toBe("102");
    expect(controlsOf([...asks, command("consult_abandon", "done")], "a").asking).toBeNull();
  });
});

describe("a hold", () => {
  const held = (change: Partial<LiveCall>, commands: Command[], heard: number) =>
    phoneOf(known([call({ state: "talking", answered_by: ["7"], ...change })], { own: own({ state: "talking", call: "a" }), commands, heardAt: new Map([["a", heard]]) })).shown?.controls;
  const at = (text: string) => Date.parse(text);
  it("by the phone's own key is seen, and its end", () => {
    expect(held({ held_since: "2026-11-24T14:05:00Z" }, [], at("2026-11-24T14:05:00Z"))?.held).toBe(true);
    expect(held({}, [command("hold", "done")], at("2026-11-24T14:05:00Z"))?.held).toBe(false);
  });
  it("by order is seen before the journal tells of it", () => {
    const order = command("hold", "done", { ordered_at: "2026-11-24T14:06:00Z" });
    expect(held({}, [order], at("2026-11-24T14:05:59Z"))?.held).toBe(true);
    const back = command("resume", "done", { ordered_at: "2026-11-24T14:07:00Z" });
    expect(held({ held_since: "2026-11-24T14:06:00Z" }, [order, back], at("2026-11-24T14:06:01Z"))?.held).toBe(false);
  });
  it("ends a question whose colleague has gone", () => {
    const asks = command("consult", "done", { target: "102", ordered_at: "2026-11-24T14:06:00Z" });
    expect(held({ held_since: "2026-11-24T14:06:00Z" }, [asks], at("2026-11-24T14:06:01Z"))?.asking).toBe("102");
    expect(held({}, [asks], at("2026-11-24T14:06:30Z"))?.asking).toBeNull();
  });
});

describe("what is told of an order", () => {
  it("replaces what was known, but never by something earlier", () => {
    const first = command("call", "sent");
    const later = withCommand([first], { ...first, state: "dialled" });
    expect(later).toHaveLength(1);
    expect(withCommand(later, { ...first, state: "accepted" })[0]?.state).toBe("dialled");
    expect(withCommand(later, { ...first, state: "ended" })[0]?.state).toBe("ended");
  });
});
