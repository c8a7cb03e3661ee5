/* The live socket: open calls are replayed on connect, then what happens as it happens. It connects again by itself; the
   screen keeps what it knew and says how old it is. */

import { api } from "./api.js";

const PAUSES_S = [1, 2, 4, 8, 15];
const PROOF_MS = 45000;
const SESSION_ENDED = 4401;
const RESYNC = 4408;

/** Tells `calls` when an open call came, changed or ended, `state` when the connection did, `message` for the rest. */
export class Live extends EventTarget {
  /** Open calls by id. */
  calls = new Map();
  /** `connecting`, `live` or `away`. */
  state = "connecting";
  /** When the next attempt is made, by Date.now(). */
  retryAt = 0;

  #socket = null;
  #failures = 0;
  #timer = 0;
  #proof = 0;
  #seen = new Set();
  #over = () => {};

  /** Connect, and stay connected until `stop`.
   * @param {Function} over called when the session has ended
   */
  start(over) {
    this.#over = over;
    this.#connect();
    this.#proof = setInterval(() => this.#prove(), PROOF_MS);
    addEventListener("online", this.retry);
  }

  /** Let go, and forget what was shown. */
  stop() {
    clearTimeout(this.#timer);
    clearInterval(this.#proof);
    removeEventListener("online", this.retry);
    this.#drop();
    this.calls.clear();
    this.#tell("calls");
  }

  /** Try again at once. */
  retry = () => {
    if (this.state !== "away") return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect() {
    this.#drop();
    this.#seen = new Set();
    this.#set("connecting");
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/api/v1/live");
    this.#socket = socket;
    socket.onmessage = (event) => socket === this.#socket && this.#take(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  #closed(code) {
    this.#socket = null;
    const pause = code === RESYNC ? 0 : PAUSES_S[Math.min(this.#failures++, PAUSES_S.length - 1)];
    this.retryAt = Date.now() + pause * 1000;
    this.#set("away");
    this.#timer = setTimeout(() => this.#connect(), pause * 1000);
    if (code === SESSION_ENDED || this.#failures === 1) this.#prove();
  }

  /** A dead network closes no socket: ask now and then whether we are still known. */
  async #prove() {
    try {
      await api("/session");
    } catch (fault) {
      if (fault.status === 401) this.#over();
      else if (fault.status === 0 && this.state === "live") {
        this.#drop();
        this.#closed(0);
      }
    }
  }

  #take({ kind, replay, body }) {
    if (kind === "live") {
      for (const id of this.calls.keys()) if (!this.#seen.has(id)) this.calls.delete(id);
      this.#failures = 0;
      this.#set("live");
      this.#tell("calls");
      return;
    }
    if (kind === "call.merged") this.calls.delete(body.id);
    else if (kind.startsWith("call.")) this.#call(body, replay);
    else {
      this.#tell("message", { kind, body });
      return;
    }
    this.#tell("calls", { kind, body, replay });
  }

  #call(call, replay) {
    if (replay) this.#seen.add(call.id);
    const known = this.calls.get(call.id);
    if (known && known.revision > call.revision) return;
    if (call.state === "ended") this.calls.delete(call.id);
    else this.calls.set(call.id, call);
  }

  #set(state) {
    this.state = state;
    this.#tell("state");
  }

  #tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
