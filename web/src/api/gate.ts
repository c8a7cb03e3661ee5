/* The gate of the session: a request that finds the session over waits here until somebody has signed in again, and is
   then sent anew. So nothing that was typed or ordered is lost by a session that ends. */

type Listener = () => void;

class Gate {
  #waiting: { promise: Promise<void>; open: () => void } | null = null;
  readonly #listeners = new Set<Listener>();

  /** Whether the session is over and requests wait. */
  isClosed = (): boolean => this.#waiting !== null;

  /** The session was found over; resolves when somebody has signed in again. */
  wait(): Promise<void> {
    if (!this.#waiting) {
      let open: () => void = () => undefined;
      const promise = new Promise<void>((resolve) => (open = resolve));
      this.#waiting = { promise, open };
      this.#tell();
    }
    return this.#waiting.promise;
  }

  /** Somebody has signed in: everything that waits goes on. */
  open(): void {
    this.#waiting?.open();
    this.#waiting = null;
    this.#tell();
  }

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const gate = new Gate();
