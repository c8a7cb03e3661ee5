/* The gate of the session: a request that finds the session over waits here until somebody has signed in again, and is
   then sent anew. So nothing that was typed or ordered is lost by a session that ends. */

import { ApiProblem } from "./problem";

type Listener = () => void;

interface Waiting {
  readonly promise: Promise<void>;
  readonly open: () => void;
  readonly abandon: (fault: ApiProblem) => void;
}

class Gate {
  #waiting: Waiting | null = null;
  readonly #listeners = new Set<Listener>();

  /** Whether the session is over and requests wait. */
  isClosed = (): boolean => this.#waiting !== null;

  /**
   * The session was found over; resolves when somebody has signed in again.
   * @throws ApiProblem 401: he has gone instead
   */
  wait(): Promise<void> {
    if (!this.#waiting) {
      let [open, abandon]: [() => void, (fault: ApiProblem) => void] = [() => undefined, () => undefined];
      const promise = new Promise<void>((resolve, reject) => ([open, abandon] = [resolve, reject]));
      promise.catch(() => undefined); // whoever waits is told; that nobody may wait is no fault
      this.#waiting = { promise, open, abandon };
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

  /** Nobody will sign in to go on: he has signed out. */
  abandon(): void {
    this.#waiting?.abandon(new ApiProblem(401));
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
