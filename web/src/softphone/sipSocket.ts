/* The WebSocket on which SIP runs, as JsSIP takes one: to the gateway's own address, which names this loading of the
   page, and says whether it has calls. Tells the close codes by which the gateway says why. */

export const SESSION_ENDED = 4401;
export const TAKEN_OVER = 4409;

export interface SipSocketParts {
  /** Path and query. */
  readonly address: () => string;
  readonly onClosed: (code: number) => void;
}

export class SipSocket {
  via_transport = "WS";
  readonly sip_uri: string;
  readonly url: string;
  onconnect = (): void => {};
  ondisconnect = (_error: boolean, _code?: number, _reason?: string): void => {};
  ondata = (_data: string): void => {};
  #socket: WebSocket | null = null;
  #isOver = false;

  constructor(
    domain: string,
    private readonly parts: SipSocketParts,
  ) {
    this.sip_uri = `sip:${domain};transport=ws`;
    this.url = location.origin.replace(/^http/, "ws") + parts.address();
  }

  connect(): void {
    this.#letGo();
    if (this.#isOver) return;
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + this.parts.address(), "sip");
    this.#socket = socket;
    socket.onopen = () => this.onconnect();
    socket.onmessage = (event: MessageEvent<string>) => this.ondata(event.data);
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.ondisconnect(!event.wasClean, event.code, event.reason);
      this.parts.onClosed(event.code);
    };
  }

  disconnect(): void {
    this.#letGo();
  }

  /** Close it for good: JsSIP's own timers connect no more. */
  end(): void {
    this.#isOver = true;
    this.#letGo();
  }

  send(message: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(message);
    return true;
  }

  isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  isConnecting(): boolean {
    return this.#socket?.readyState === WebSocket.CONNECTING;
  }

  #letGo(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
