/* Which handler a pressed key belongs to. The one that was mounted last comes first, so a panel's key wins over the page's
   and the page's over the frame's. */

import { ACTS, chordOf, GO, GO_WAIT_MS, isSingle, keysOf, type Act, type Pressed, type Rebound } from "./keymap";

/** Gives false where it did nothing, and the next handler is asked. */
export type Handler = () => unknown;
export type Handlers = Readonly<Partial<Record<Act, Handler>>>;

export interface Settings {
  readonly rebound: Rebound;
  /** Whether single letters are keys. */
  readonly letters: boolean;
}

interface Layer {
  handlers: Handlers;
}

export class Dispatcher {
  #settings: Settings = { rebound: {}, letters: true };
  #layers: Layer[] = [];
  #places: Readonly<Record<string, () => void>> = {};
  #goUntil = 0;
  readonly #listeners = new Set<() => void>();
  #inForce: readonly Act[] = [];

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Acts that do something now, those of the topmost part first. */
  inForce = (): readonly Act[] => this.#inForce;

  add(handlers: Handlers): { set: (handlers: Handlers) => void; remove: () => void } {
    const layer: Layer = { handlers };
    this.#layers = [layer, ...this.#layers];
    this.#changed();
    return {
      set: (next) => {
        const same = Object.keys(next).join() === Object.keys(layer.handlers).join();
        layer.handlers = next;
        if (!same) this.#changed();
      },
      remove: () => {
        this.#layers = this.#layers.filter((other) => other !== layer);
        this.#changed();
      },
    };
  }

  /** What this person chose. */
  follow(settings: Settings): void {
    this.#settings = settings;
  }

  /** Letters behind `G`, by code. */
  places(places: Readonly<Record<string, () => void>>): void {
    this.#places = places;
  }

  /** Do an act without its key. */
  run(act: Act): boolean {
    return this.#layers.some(({ handlers }) => handlers[act] !== undefined && handlers[act]() !== false);
  }

  /** Do what a key means.
   * @param isWriting whether the focus is in a field
   * @param now in ms
   * @returns whether it was ours
   */
  press(pressed: Pressed, isWriting: boolean, now: number): boolean {
    const chord = chordOf(pressed);
    if (chord === null) return false;
    const free = !isWriting && this.#settings.letters;
    if (free && this.#goUntil > now && this.#places[chord]) {
      this.#goUntil = 0;
      this.#places[chord]();
      return true;
    }
    this.#goUntil = free && chord === GO ? now + GO_WAIT_MS : 0;
    if (this.#goUntil) return true;
    if (isSingle(chord) && !free) return false;
    return this.#layers.some(({ handlers }) => this.#doneBy(handlers, chord, isWriting));
  }

  #doneBy(handlers: Handlers, chord: string, isWriting: boolean): boolean {
    for (const [act, handler] of Object.entries(handlers) as [Act, Handler][]) {
      if (isWriting && ACTS[act].where === "page") continue;
      if (keysOf(act, this.#settings.rebound).includes(chord) && handler() !== false) return true;
    }
    return false;
  }

  #changed(): void {
    this.#inForce = [...new Set(this.#layers.flatMap(({ handlers }) => Object.keys(handlers) as Act[]))];
    for (const listener of this.#listeners) listener();
  }
}
