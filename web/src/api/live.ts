/* The live socket of this page (`/api/v1/live`): the open calls are replayed on connect, then everything is told as it
   happens. It connects again by itself and says when; what was shown stays meanwhile. Orders go through it where it
   stands, else over HTTP by whoever gave them. */

import { backoff } from "./backoff";
import { newKey } from "./client";
import { NO_CALLS, reconnected, told, type LiveCall, type LiveMessage, type OpenCalls } from "./openCalls";
import type { Fact } from "./keys";
import { ApiProblem } from "./problem";
import { language } from "../words";

const SESSION_ENDED = 4401;
const RESYNC = 4408;
const TOGETHER_MS = 16;
const ANSWER_MS = 12_000;
/** Without a word for so long a connection counts as dead; see `#watch`. */
const SILENCE_MS = 45_000;
/** A dead network answers nothing at all: so long a question is waited for. */
const ASK_MS = 10_000;

export type Line = "connecting" | "live" | "away";

/** What the screen knows of the connection and of open calls; a new object with every change. */
export interface LiveView {
  readonly line: Line;
  /** When the next try is made (Date.now()); null while one is under way or the line stands. */
  readonly retryAt: number | null;
  /** Since when the line is away (Date.now()); null: it stands, or never stood. */
  readonly awaySince: number | null;
  readonly calls: ReadonlyMap<string, LiveCall>;
}

/** An order over the socket, as `gateway/api/live_orders.py` knows them. */
export type OrderName =
  | "call" | "hold" | "resume" | "digits" | "transfer" | "consult" | "consult_complete" | "consult_abandon"
  | "recording_pause" | "recording_resume" | "listen" | "whisper" | "barge" | "hang_up" | "cancel"; // prettier-ignore

interface Waiting {
  resolve: (command: unknown) => void;
  reject: (fault: unknown) => void;
  timer: ReturnType<typeof setTimeout>;
}

interface Answer {
  id: string | null;
  status: number;
  command: unknown;
  problem: Record<string, unknown> | null;
}

export class LiveLine {
  #open: OpenCalls = NO_CALLS;
  #view: LiveView = { line: "connecting", retryAt: null, awaySince: null, calls: NO_CALLS.calls };
  #socket: WebSocket | null = null;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  /** Whether facts may have been missed since the line stood last. */
  #hasGap = false;
  readonly #viewers = new Set<() => void>();
  readonly #hearers = new Set<(fact: Fact) => void>();
  readonly #gaps = new Set<() => void>();
  /** Whether it never stood since `start`. */
  #isFirst = true;
  readonly #beginnings = new Set<() => void>();
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param ask whether the session still stands; throws `ApiProblem` 401 where it does not
   * @param signedIn waits until somebody has signed in again
   */
  constructor(
    private readonly ask: () => Promise<unknown>,
    private readonly signedIn: () => Promise<void>,
  ) {}

  view = (): LiveView => this.#view;

  subscribe = (viewer: () => void): (() => void) => {
    this.#viewers.add(viewer);
    return () => this.#viewers.delete(viewer);
  };

  /** Hear every fact. */
  onFact(hearer: (fact: Fact) => void): () => void {
    this.#hearers.add(hearer);
    return () => this.#hearers.delete(hearer);
  }

  /** Be told when the line stands again after a gap in which facts may have been missed. */
  onGap(hearer: () => void): () => void {
    this.#gaps.add(hearer);
    return () => this.#gaps.delete(hearer);
  }

  /** Be told when the line stands for the first time: what was asked before may be older than what it tells. */
  onBeginning(hearer: () => void): () => void {
    this.#beginnings.add(hearer);
    return () => this.#beginnings.delete(hearer);
  }

  /** Connect, and stay connected until `stop`. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#isFirst = true;
    addEventListener("online", this.retry);
    addEventListener("offline", this.#look);
    this.#watchdog = setInterval(this.#look, SILENCE_MS);
    this.#connect();
  }

  /** Let go and forget what was shown. */
  stop(): void {
    this.#running = false;
    removeEventListener("online", this.retry);
    removeEventListener("offline", this.#look);
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    this.#drop(1000);
    this.#open = NO_CALLS;
    this.#failures = 0;
    this.#set({ line: "connecting", retryAt: null, awaySince: null, calls: NO_CALLS.calls });
  }

  /** Try again at once. */
  retry = (): void => {
    if (!this.#running || this.#view.line !== "away") return;
    clearTimeout(this.#retry);
    this.#connect();
  };

  /** Give an order; resolves with the command as `GET /commands/{id}` gives it.
   * @param id its Idempotency-Key: the same for a repetition
   * @throws ApiProblem as over HTTP; status 0: the line is away or gave no answer, so nobody knows; repeat it by HTTP
   */
  order(what: OrderName, values: Record<string, unknown> = {}, id = newKey()): Promise<unknown> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new ApiProblem(0));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#answered(id, (waiting) => waiting.reject(new ApiProblem(0))), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...values, do: what, id }));
    });
  }

  #connect(): void {
    this.#drop(1000);
    this.#open = reconnected(this.#open);
    this.#set({ line: "connecting", retryAt: null });
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + `/api/v1/live?language=${language()}`);
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket === this.#socket) this.#take(JSON.parse(event.data) as LiveMessage);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#closed(event.code);
    };
  }

  #drop(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(code);
    for (const id of [...this.#waiting.keys()]) this.#answered(id, (waiting) => waiting.reject(new ApiProblem(0)));
  }

  #closed(code: number): void {
    this.#drop(1000);
    this.#hasGap = true;
    this.#failures += 1;
    const pause = code === RESYNC ? 0 : backoff(this.#failures, Math.random());
    const now = Date.now();
    this.#set({ line: "away", retryAt: now + pause, awaySince: this.#view.awaySince ?? now });
    this.#retry = setTimeout(() => void this.#again(), pause);
    if (code === SESSION_ENDED) void this.#again();
  }

  /** Ask first whether we are still known: a socket is refused without a reason, a request says 401. */
  async #again(): Promise<void> {
    clearTimeout(this.#retry);
    const failures = this.#failures;
    try {
      await this.#asked();
    } catch (fault) {
      if (!(fault instanceof ApiProblem)) throw fault;
      if (!this.#running || this.#failures !== failures) return;
      if (fault.isPassing) {
        this.#closed(0);
        return;
      }
      if (fault.status === 401) {
        // It is not the connection that is missing, so nothing is said of it.
        this.#set({ line: "connecting", retryAt: null, awaySince: null });
        const isIn = await this.signedIn().then(
          () => true,
          () => false,
        );
        if (!isIn) return;
      }
    }
    if (this.#running && this.#socket === null) this.#connect();
  }

  /** The browser lost its network, or nothing was asked for a while. */
  readonly #look = (): void => void this.#watch();

  /** A dead network closes no socket: ask now and then. */
  async #watch(): Promise<void> {
    if (this.#view.line !== "live") return;
    try {
      await this.#asked();
    } catch (fault) {
      if (fault instanceof ApiProblem && fault.status === 0 && this.#socket) this.#closed(0);
    }
  }

  /** Ask for the session; throws `ApiProblem` 0 also where no answer comes. */
  async #asked(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ApiProblem(0)), ASK_MS);
    });
    await Promise.race([this.ask(), late]).finally(() => clearTimeout(timer));
  }

  #take(message: LiveMessage): void {
    if (message.kind === "command.answer") { this.#answer(message.body as unknown as Answer); return; }
    if (message.kind === "resync") return;
    this.#open = told(this.#open, message);
    if (message.kind === "live") { this.#standing(); return; }
    this.#set({ calls: this.#open.calls });
    if (message.replay) return;
    const fact = { kind: message.kind, body: message.body };
    for (const hearer of this.#hearers) hearer(fact);
  }

  #standing(): void {
    const gap = this.#hasGap;
    this.#hasGap = false;
    this.#failures = 0;
    this.#set({ line: "live", retryAt: null, awaySince: null, calls: this.#open.calls });
    const hearers = gap ? this.#gaps : this.#isFirst ? this.#beginnings : [];
    this.#isFirst = false;
    for (const hearer of hearers) hearer();
  }

  #answer(answer: Answer): void {
    if (answer.id === null) return;
    this.#answered(answer.id, (waiting) => {
      if (answer.status < 400) waiting.resolve(answer.command);
      else waiting.reject(new ApiProblem(answer.status, answer.problem ?? {}));
    });
  }

  #answered(id: string, then: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    then(waiting);
  }

  /** Changes of one moment are shown together. */
  #set(change: Partial<LiveView>): void {
    this.#view = { ...this.#view, ...change };
    if (this.#telling !== undefined) return;
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      for (const viewer of this.#viewers) viewer();
    }, TOGETHER_MS);
  }
}
