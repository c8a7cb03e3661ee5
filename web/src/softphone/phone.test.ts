import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Account, Engine, EngineEvents, MakeEngine } from "./engine";
import { Phone, type Gateway } from "./phone";
import { SESSION_ENDED, TAKEN_OVER } from "./sipSocket";

vi.mock("./ring", () => ({ startRinging: () => () => {} }));

const ACCOUNT: Account = {
  pbx: "main",
  extension: "101",
  user: "101-web",
  password: "first",
  domain: "pbx.invalid",
  name: "Anna",
  socket: "/api/v1/softphone/ws",
  registerSeconds: 60,
  iceServers: [],
};

const NONE = { available: false, elsewhere: false } as const;

class Recorded implements Engine {
  readonly done: string[] = [];
  constructor(readonly events: EngineEvents) {}
  start = () => void this.done.push("start");
  stop = () => void this.done.push("stop");
  drop = () => void this.done.push("drop");
  renew = (password: string) => void this.done.push(`renew ${password}`);
  dial = (number: string) => void this.done.push(`dial ${number}`);
  answer = (id: string) => void this.done.push(`answer ${id}`);
  hangUp = (id: string) => void this.done.push(`hang up ${id}`);
  hold = (id: string, isHeld: boolean) => void this.done.push(`hold ${id} ${isHeld}`);
  mute = (id: string, isMuted: boolean) => void this.done.push(`mute ${id} ${isMuted}`);
  digits = (id: string, digits: string) => void this.done.push(`digits ${id} ${digits}`);
  changeMicrophone = () => Promise.resolve();
}

/** A site with a phone for everybody, and the engines that were made of it. */
function site(change: Partial<Gateway> = {}) {
  const engines: Recorded[] = [];
  const make: MakeEngine = (_account, _sound, events) => {
    const engine = new Recorded(events);
    engines.push(engine);
    return engine;
  };
  const told = { available: true, detail: "", engine: "pbx", extension: "101", elsewhere: false } as const;
  const gateway: Gateway = { ask: () => Promise.resolve(told), account: () => Promise.resolve(ACCOUNT), ...change };
  const phones: Phone[] = [];
  const tab = () => {
    const phone = new Phone(gateway, () => Promise.resolve(make));
    phones.push(phone);
    phone.start("user:17");
    return phone;
  };
  const last = () => {
    const engine = engines.at(-1);
    if (!engine) throw new Error("no engine was made");
    return engine;
  };
  return { engines, tab, last, end: () => phones.forEach((phone) => phone.stop()) };
}

const rings = (engine: Recorded, id: string, more = {}) =>
  engine.events.onCall({
    kind: "begun",
    call: { id, callId: `of ${id}`, legId: null, direction: "in", state: "ringing", number: "7", name: "", since: 1, ...more },
  });
const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true));

/** The browser's locks, as far as they are used: one holder, the others wait in their order. */
function locks() {
  let turn: Promise<unknown> = Promise.resolve();
  const request = (_name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) => {
    const mine = turn.then(() => (signal.aborted ? undefined : work()));
    turn = mine;
    return mine;
  };
  return { request };
}

let here: ReturnType<typeof site>;

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("navigator", { locks: locks() });
  vi.stubGlobal("localStorage", {
    getItem: (place: string) => kept.get(place) ?? null,
    setItem: (place: string, text: string) => kept.set(place, text),
  });
});
afterEach(() => {
  here.end();
  vi.unstubAllGlobals();
});

describe("the phone in the page", () => {
  it("registers with its account and does to the call that is meant what it is told", async () => {
    here = site();
    const phone = here.tab();
    await until(() => here.engines.length === 1);
    here.last().events.onLine("ready");
    expect(phone.view()).toMatchObject({ line: "ready", extension: "101" });

    rings(here.last(), "a");
    phone.act({ do: "answer" });
    here.last().events.onCall({ kind: "answered", id: "a", at: 2 });
    phone.act({ do: "mute", on: true });
    phone.act({ do: "hold", on: true });
    phone.act({ do: "digits", digits: "12#" });
    rings(here.last(), "b");
    phone.act({ do: "hang_up" });
    phone.act({ do: "hang_up", id: "a" });
    expect(here.last().done).toEqual([
      "start", "answer a", "mute a true", "hold a true", "digits a 12#", "hang up b", "hang up a",
    ]); // prettier-ignore
  });

  it("says why there is none, and makes no engine", async () => {
    const none = { ...NONE, detail: "Register a phone.", engine: "exchange", extension: "101" } as const;
    here = site({ ask: () => Promise.resolve(none) });
    const phone = here.tab();
    await until(() => phone.view().line === "unavailable");
    expect(phone.view()).toMatchObject({ engine: "exchange", detail: "Register a phone." });
    expect(here.engines).toEqual([]);
  });

  it("gives way to another window, and takes the phone back only when told", async () => {
    here = site();
    const phone = here.tab();
    await until(() => here.engines.length === 1);
    rings(here.last(), "a");
    here.last().events.onLine("away", TAKEN_OVER);
    expect(phone.view()).toMatchObject({ line: "taken", calls: [] });
    here.last().events.onLine("away"); // a word of the engine that was let go
    expect(phone.view().line).toBe("taken");
    phone.act({ do: "take_over" });
    await until(() => here.engines.length === 2);
    expect(here.engines[0]?.done).toEqual(["start", "drop"]);
  });

  it("keeps its calls while the network is away, and has a new password made when the session was another one", async () => {
    let made = 0;
    here = site({ account: () => Promise.resolve({ ...ACCOUNT, password: `number ${(made += 1)}` }) });
    const phone = here.tab();
    await until(() => here.engines.length === 1);
    rings(here.last(), "a");
    here.last().events.onLine("away", 1006);
    expect(phone.view()).toMatchObject({ line: "away", calls: [{ id: "a" }] });
    here.last().events.onLine("connecting");
    expect(phone.view().line).toBe("away");
    here.last().events.onLine("away", SESSION_ENDED);
    await until(() => here.last().done.includes("renew number 2"));
  });

  it("does not take the phone back from a device that took it while this one slept", async () => {
    let elsewhere = false;
    const told = { available: true, detail: "", engine: "pbx", extension: "101" } as const;
    here = site({ ask: () => Promise.resolve({ ...told, elsewhere }) });
    const phone = here.tab();
    await until(() => here.engines.length === 1);
    elsewhere = true;
    for (let failures = 0; failures < 3; failures += 1) here.last().events.onLine("away", 1006);
    await until(() => phone.view().line === "taken");
    expect(here.last().done).toEqual(["start", "drop"]);
  });

  it("lets go of a call that the gateway says is over", async () => {
    here = site();
    const phone = here.tab();
    await until(() => here.engines.length === 1);
    rings(here.last(), "a");
    here.last().events.onCall({ kind: "answered", id: "a", at: 2 });
    phone.callEnded("of another");
    phone.callEnded("of a");
    expect(here.last().done).toEqual(["start", "hang up a"]);
  });

  it("leads in one tab; the other shows the same and hands over what is done in it", async () => {
    here = site();
    const first = here.tab();
    await until(() => here.engines.length === 1);
    here.last().events.onLine("ready");
    const second = here.tab();
    await until(() => second.view().line === "ready");
    rings(here.last(), "a");
    await until(() => second.view().calls.length === 1);
    second.act({ do: "answer", id: "a" });
    await until(() => here.last().done.includes("answer a"));
    first.stop();
    await until(() => here.engines.length === 2);
  });
});
