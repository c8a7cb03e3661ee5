/* The phone in the page: an account from the gateway, a SIP engine in the leading tab, and what all of it shows.

   `useSoftphone()` gives what it shows (`calls.ts`) and what can be done with it. It survives the network's loss (the
   engine connects again, the gateway keeps the line), another tab (it follows the leading one) and its own reload (the
   client hears music and is fetched back). Where another window or device takes the phone, this one says so and waits
   for `take_over`. */

import { useSyncExternalStore } from "react";
import type { CallEvent, PhoneCall, PhoneState } from "./calls";
import { afterEvent, byCallId, NO_PHONE, ringing, talking } from "./calls";
import type { Account, Engine, EngineEvents, MakeEngine } from "./engine";
import { Leader, type Act } from "./leader";
import { startRinging } from "./ring";
import { SESSION_ENDED, TAKEN_OVER } from "./sipSocket";
import { microphoneAsked, onSoundChoice, playCall, soundChoice } from "./sound";

export type { Line, PhoneCall, PhoneState } from "./calls";
export type { Act } from "./leader";

/** What the gateway is asked. */
export interface Gateway {
  /** Whether there is a phone for this person. */
  readonly ask: () => Promise<
    Pick<PhoneState, "detail" | "engine" | "extension"> & { available: boolean; elsewhere: boolean }
  >;
  /** Make the account, or give it a new password; waits where the session is over. */
  readonly account: () => Promise<Account>;
}

/** After so many failures in a row the account may be gone: ask for it again. */
const FAILURES_MAX = 3;
const AGAIN_MS = 4000;

export class Phone {
  #state: PhoneState = NO_PHONE;
  #engine: Engine | null = null;
  #leader: Leader | null = null;
  #failures = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #stopRinging: (() => void) | null = null;
  #rung: string | null = null;
  #forgetSound: (() => void) | null = null;
  #run = 0;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly gateway: Gateway,
    private readonly makeEngine: () => Promise<MakeEngine>,
  ) {}

  view = (): PhoneState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Be the phone of a person until `stop`.
   * @param who such as `user:17`: tabs of different people know nothing of each other
   */
  start(who: string): void {
    if (this.#leader) return;
    this.#set({ ...NO_PHONE, line: "elsewhere" });
    let microphone = soundChoice().microphone;
    this.#forgetSound = onSoundChoice(() => {
      if (soundChoice().microphone !== microphone) void this.#engine?.changeMicrophone();
      microphone = soundChoice().microphone;
    });
    this.#leader = new Leader(who, {
      onLead: () => void this.#begin(),
      onState: (state) => this.#set(state.line === "unavailable" ? state : { ...state }),
      onAct: this.act,
      onAsked: () => this.#leader?.tell(this.#state),
    });
  }

  /** Unregister and end the calls of this tab. */
  stop(): void {
    this.#run += 1;
    clearTimeout(this.#again);
    this.#forgetSound?.();
    this.#leader?.leave();
    this.#leader = null;
    this.#engine?.stop();
    this.#engine = null;
    this.#set(NO_PHONE);
  }

  /** Do something with the phone; in a tab that follows, the leading one does it. */
  act = (act: Act): void => {
    if (this.#leader && !this.#leader.leads) return this.#leader.hand(act);
    if (act.do === "take_over") return void this.#begin();
    const engine = this.#engine;
    if (!engine) return;
    if (act.do === "dial") return engine.dial(act.number);
    const id = act.id ?? this.#meant(act.do)?.id;
    if (id === undefined) return;
    switch (act.do) {
      case "answer":
        return engine.answer(id);
      case "hang_up":
        return engine.hangUp(id);
      case "hold":
        return engine.hold(id, act.on);
      case "mute":
        return engine.mute(id, act.on);
      case "digits":
        return engine.digits(id, act.digits);
    }
  };

  /** The gateway says that a call is over; what this page still has of it was cut off from it. */
  callEnded(callId: string): void {
    const call = byCallId(this.#state.calls, callId);
    if (call?.state === "talking" && this.#leader?.leads) this.#engine?.hangUp(call.id);
  }

  #meant(what: Act["do"]): PhoneCall | null {
    const { calls } = this.#state;
    if (what === "answer") return ringing(calls);
    return what === "hang_up" ? (ringing(calls) ?? talking(calls)) : talking(calls);
  }

  /** Ask for the account and register; what this tab had before is let go. */
  async #begin(): Promise<void> {
    const run = (this.#run += 1);
    clearTimeout(this.#again);
    this.#engine?.drop();
    this.#engine = null;
    this.#set({ line: "connecting", calls: [] });
    try {
      const told = await this.gateway.ask();
      if (run !== this.#run) return;
      this.#set({ detail: told.detail, engine: told.engine, extension: told.extension });
      if (!told.available) return this.#set({ line: "unavailable" });
      const [account, make] = await Promise.all([this.gateway.account(), this.makeEngine()]);
      if (run !== this.#run) return;
      const sound = { microphone: () => microphoneAsked(soundChoice()), play: playCall };
      this.#engine = make(account, sound, this.#events(run));
      this.#engine.start();
    } catch (fault) {
      if (run !== this.#run) return;
      this.#tryAgain(fault);
    }
  }

  #tryAgain(fault: unknown): void {
    if (!(fault instanceof Error)) throw fault;
    this.#set({ line: "away", retryAt: Date.now() + AGAIN_MS });
    this.#again = setTimeout(() => void this.#begin(), AGAIN_MS);
  }

  #events(run: number): EngineEvents {
    const now = <T extends unknown[]>(take: (...told: T) => void) => (...told: T) => {
      if (run === this.#run) take(...told);
    };
    return {
      onCall: now((event: CallEvent) => this.#set({ calls: afterEvent(this.#state.calls, event) })),
      onMicrophone: now((microphone: PhoneState["microphone"]) => this.#set({ microphone })),
      onLine: now((line: "connecting" | "ready" | "away", closed?: number) => this.#lineIs(line, closed)),
    };
  }

  #lineIs(line: "connecting" | "ready" | "away", closed?: number): void {
    if (closed === TAKEN_OVER) return this.#giveWay();
    if (line === "connecting" && this.#failures > 0) return; // it has been said that it is away
    this.#failures = line === "away" ? this.#failures + 1 : 0;
    this.#set({ line, retryAt: null });
    if (closed === SESSION_ENDED || this.#failures >= FAILURES_MAX) void this.#renew();
  }

  /** Another window or device of this person has the phone now. */
  #giveWay(): void {
    this.#run += 1; // what the engine still says on its way out is not meant for anybody
    this.#engine?.drop();
    this.#engine = null;
    this.#set({ line: "taken", retryAt: null, calls: [] });
  }

  /** The account may have ended with its session or with the PBX's memory: have it made again, unless another device
   *  has taken it while this one slept. */
  async #renew(): Promise<void> {
    this.#failures = 1;
    const [run, engine] = [this.#run, this.#engine];
    try {
      const { elsewhere } = await this.gateway.ask();
      if (run !== this.#run) return;
      if (elsewhere) return this.#giveWay();
      const { password } = await this.gateway.account();
      if (run === this.#run) engine?.renew(password);
    } catch (fault) {
      if (!(fault instanceof Error)) throw fault; // the engine goes on trying, and we with it
    }
  }

  #set(change: Partial<PhoneState>): void {
    this.#state = { ...this.#state, ...change };
    this.#ring();
    this.#leader?.tell(this.#state);
    for (const listener of this.#listeners) listener();
  }

  /** Ring in the leading tab while a call waits to be answered. */
  #ring(): void {
    const waiting = this.#leader?.leads ? ringing(this.#state.calls) : null;
    if (waiting?.id === this.#rung) return;
    this.#stopRinging?.();
    this.#rung = waiting?.id ?? null;
    const ringsByItself = waiting !== null && !(waiting.legId?.startsWith("tl-") ?? false);
    this.#stopRinging = ringsByItself ? startRinging(talking(this.#state.calls) !== null) : null;
  }
}

let present: Phone | null = null;
const waiting = new Set<() => void>();

/** Be the page's phone; `Softphone.tsx` does it. */
export function setPhone(phone: Phone | null): void {
  present = phone;
  for (const listener of waiting) listener();
}

function subscribe(listener: () => void): () => void {
  let forget = present?.subscribe(listener);
  const changed = () => {
    forget?.();
    forget = present?.subscribe(listener);
    listener();
  };
  waiting.add(changed);
  return () => {
    forget?.();
    waiting.delete(changed);
  };
}

const view = (): PhoneState => present?.view() ?? NO_PHONE;
const act = (wanted: Act): void => present?.act(wanted);

/** The phone in the page: what it shows and what can be done with it. */
export function useSoftphone(): { readonly state: PhoneState; readonly act: (act: Act) => void } {
  return { state: useSyncExternalStore(subscribe, view), act };
}
