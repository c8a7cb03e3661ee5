/* One tab of a browser is the phone; the others show what it shows and hand it what is done in them. When it closes, the
   browser gives the lead to the next (Web Locks). */

import type { PhoneState } from "./calls";

export type Act =
  | { readonly do: "answer" | "hang_up" | "take_over"; readonly id?: string }
  | { readonly do: "hold" | "mute"; readonly id?: string; readonly on: boolean }
  | { readonly do: "digits"; readonly id?: string; readonly digits: string }
  | { readonly do: "dial"; readonly number: string };

type Word =
  | { readonly kind: "state"; readonly who: string; readonly state: PhoneState }
  | { readonly kind: "act"; readonly who: string; readonly act: Act }
  | { readonly kind: "asks"; readonly who: string };

export interface LeaderParts {
  /** This tab is the phone from now on, until it closes or `leave`. */
  readonly onLead: () => void;
  /** What the leading tab shows. */
  readonly onState: (state: PhoneState) => void;
  /** Another tab wants something done. */
  readonly onAct: (act: Act) => void;
  /** Another tab has just opened. */
  readonly onAsked: () => void;
}

/** One tab's place among those of a person. */
export class Leader {
  leads = false;
  readonly #channel: BroadcastChannel;
  #letGo: (() => void) | null = null;
  readonly #waiting = new AbortController();

  constructor(
    private readonly who: string,
    private readonly parts: LeaderParts,
  ) {
    this.#channel = new BroadcastChannel("trunkline.softphone");
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data);
    this.#channel.postMessage({ kind: "asks", who } satisfies Word);
    if ("locks" in navigator) {
      const { signal } = this.#waiting;
      navigator.locks.request(`trunkline.softphone.${who}`, { signal }, () => this.#lead()).catch((fault: unknown) => {
        if (!(fault instanceof DOMException && fault.name === "AbortError")) throw fault;
      });
    } else void this.#lead();
  }

  tell(state: PhoneState): void {
    if (this.leads) this.#channel.postMessage({ kind: "state", who: this.who, state } satisfies Word);
  }

  hand(act: Act): void {
    this.#channel.postMessage({ kind: "act", who: this.who, act } satisfies Word);
  }

  leave(): void {
    this.leads = false;
    this.#waiting.abort();
    this.#letGo?.();
    this.#channel.close();
  }

  #lead(): Promise<void> {
    if (this.#waiting.signal.aborted) return Promise.resolve();
    this.leads = true;
    this.parts.onLead();
    return new Promise((resolve) => (this.#letGo = resolve));
  }

  #hear(word: Word): void {
    if (word.who !== this.who) return;
    if (word.kind === "asks" && this.leads) this.parts.onAsked();
    if (word.kind === "state" && !this.leads) this.parts.onState(word.state);
    if (word.kind === "act" && this.leads) this.parts.onAct(word.act);
  }
}
