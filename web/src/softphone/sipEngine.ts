/* The SIP engine: JsSIP over our own socket. Loaded lazily, for only who has an account needs it.

   A page that goes says nothing: no BYE is sent on unload, so the gateway lets the client hear music and brings him back
   once this page is there again. Such a call comes with the header X-Trunkline-Return and is answered at once; what was
   left of the former one in this page is let go. */

import { UA } from "jssip";
import type { HoldEvent, IncomingEvent, OutgoingEvent, RTCSession } from "jssip/lib/RTCSession";
import type { Socket } from "jssip/lib/Socket";
import { answersItself } from "./calls";
import type { Account, Engine, EngineEvents, Sound } from "./engine";
import { whyNoMicrophone } from "./microphone";
import { SipSocket } from "./sipSocket";

const CALL_HEADER = "X-Call-Id";
const LEG_HEADER = "X-Leg-Id";
const RETURN_HEADER = "X-Trunkline-Return";
/** How long addresses are gathered before an offer goes out; those of this machine are there at once. */
const GATHER_MS = 400;
const BUSY_HERE = 486;
const CALLS_MAX = 4;

interface Headers {
  getHeader: (name: string) => string | undefined;
}

interface Held {
  readonly session: RTCSession;
  stopSound: (() => void) | null;
}

export class SipEngine implements Engine {
  readonly #ua: UA;
  readonly #socket: SipSocket;
  readonly #sessions = new Map<string, Held>();
  /** Another one each time the page is loaded. */
  readonly #page = crypto.randomUUID();

  constructor(
    private readonly account: Account,
    private readonly sound: Sound,
    private readonly events: EngineEvents,
  ) {
    this.#socket = new SipSocket(account.domain, {
      address: () => this.#address(),
      onClosed: (code) => this.events.onLine("away", code),
    });
    this.#ua = new UA({
      sockets: this.#socket as unknown as Socket,
      uri: `sip:${account.user}@${account.domain}`,
      contact_uri: `sip:${account.user}@${this.#page.slice(0, 12)}.invalid;transport=ws`,
      authorization_user: account.user,
      password: account.password,
      display_name: account.name.replace(/["\\<>\r\n]/g, ""),
      register: true,
      register_expires: account.registerSeconds,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: "Trunkline",
    });
    this.#ua.on("connecting", () => this.events.onLine("connecting"));
    this.#ua.on("registered", () => this.#registered());
    this.#ua.on("registrationFailed", () => this.events.onLine("away"));
    this.#ua.on("newRTCSession", ({ session, request, originator }: { session: RTCSession; request: Headers; originator: string }) => {
      if (originator === "remote") this.#arrived(session, request);
      else this.#take(session, "out", null);
    });
  }

  start(): void {
    this.#ua.start();
  }

  stop(): void {
    this.#ua.stop();
    this.#forgetAll();
  }

  drop(): void {
    this.#forgetAll();
    this.#socket.end();
    this.#ua.stop();
  }

  renew(password: string): void {
    this.#ua.set("password", password);
  }

  dial(number: string): void {
    this.#ua.call(`sip:${encodeURIComponent(number)}@${this.account.domain}`, this.#media());
  }

  answer(id: string): void {
    const held = this.#sessions.get(id);
    if (held && !held.session.isEstablished() && isIncoming(held.session)) held.session.answer(this.#media());
  }

  hangUp(id: string): void {
    const session = this.#sessions.get(id)?.session;
    if (!session || session.isEnded()) return;
    const isRinging = isIncoming(session) && !session.isEstablished();
    session.terminate(isRinging ? { status_code: BUSY_HERE } : undefined);
  }

  hold(id: string, isHeld: boolean): void {
    const session = this.#sessions.get(id)?.session;
    if (!session?.isEstablished()) return;
    if (isHeld) session.hold();
    else session.unhold();
  }

  mute(id: string, isMuted: boolean): void {
    const session = this.#sessions.get(id)?.session;
    if (!session) return;
    if (isMuted) session.mute({ audio: true });
    else session.unmute({ audio: true });
  }

  digits(id: string, digits: string): void {
    const sender = this.#senderOf(id);
    if (sender?.dtmf?.canInsertDTMF) sender.dtmf.insertDTMF(sender.dtmf.toneBuffer + digits, 120, 70);
  }

  async changeMicrophone(): Promise<void> {
    for (const id of this.#sessions.keys()) {
      const sender = this.#senderOf(id);
      if (!sender?.track) continue;
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.sound.microphone() });
      const track = stream.getAudioTracks()[0];
      if (!track) continue;
      track.enabled = sender.track.enabled;
      sender.track.stop();
      await sender.replaceTrack(track);
    }
  }

  #senderOf(id: string): RTCRtpSender | undefined {
    const connection = this.#sessions.get(id)?.session.connection as RTCPeerConnection | null | undefined;
    return connection?.getSenders().find((sender) => sender.track?.kind === "audio");
  }

  #address(): string {
    const query = new URLSearchParams({ pbx: this.account.pbx, page: this.#page });
    if (this.#sessions.size === 0) query.set("fresh", "1");
    return `${this.account.socket}?${query.toString()}`;
  }

  #registered(): void {
    this.events.onLine("ready");
  }

  #arrived(session: RTCSession, request: Headers): void {
    const isReturn = request.getHeader(RETURN_HEADER) !== undefined;
    const legId = request.getHeader(LEG_HEADER) ?? null;
    if (isReturn) this.#letGoOf(request.getHeader(CALL_HEADER));
    else if (this.#sessions.size >= CALLS_MAX) return session.terminate({ status_code: BUSY_HERE });
    this.#take(session, "in", request);
    if (answersItself(legId, isReturn)) queueMicrotask(() => this.answer(session.id));
  }

  /** What this page still holds of a call into which it is being brought back. */
  #letGoOf(callId: string | undefined): void {
    for (const { session } of this.#sessions.values()) {
      if (session.isEstablished() && (session.data as { callId?: string } | undefined)?.callId === callId) session.terminate();
    }
  }

  #take(session: RTCSession, direction: "in" | "out", request: Headers | null): void {
    const { id } = session;
    const held: Held = { session, stopSound: null };
    this.#sessions.set(id, held);
    const callId = request?.getHeader(CALL_HEADER) ?? null;
    session.data = { callId: callId ?? undefined };
    const other = session.remote_identity as { uri: { user: string | null }; display_name: string | null };
    this.events.onCall({
      kind: "begun",
      call: {
        id,
        callId,
        legId: request?.getHeader(LEG_HEADER) ?? null,
        direction,
        state: direction === "in" ? "ringing" : "dialling",
        number: other.uri.user ?? "",
        name: other.display_name ?? "",
        since: Date.now(),
      },
    });
    session.on("progress", (event: IncomingEvent | OutgoingEvent) => this.#named(session, responseOf(event)));
    session.on("accepted", (event: IncomingEvent | OutgoingEvent) => {
      this.#named(session, responseOf(event));
      this.events.onCall({ kind: "answered", id, at: Date.now() });
    });
    const heldBy = (isHeld: boolean) => (event: HoldEvent) => {
      if (isOwn(event)) this.events.onCall({ kind: "held", id, isHeld });
    };
    session.on("hold", heldBy(true));
    session.on("unhold", heldBy(false));
    session.on("muted", () => this.events.onCall({ kind: "muted", id, isMuted: true }));
    session.on("unmuted", () => this.events.onCall({ kind: "muted", id, isMuted: false }));
    session.on("ended", () => this.#ended(id));
    session.on("failed", () => this.#ended(id));
    session.on("getusermediafailed", (fault: unknown) => this.events.onMicrophone(whyNoMicrophone(fault)));
    session.on("icecandidate", hurried());
    if (session.connection as RTCPeerConnection | null) this.#hear(held, session.connection);
    else session.on("peerconnection", ({ peerconnection }) => this.#hear(held, peerconnection));
  }

  #named(session: RTCSession, response: Headers | null): void {
    const callId = response?.getHeader(CALL_HEADER);
    if (!callId) return;
    session.data = { callId };
    this.events.onCall({ kind: "named", id: session.id, callId, legId: response?.getHeader(LEG_HEADER) ?? null });
  }

  #hear(held: Held, connection: RTCPeerConnection): void {
    connection.addEventListener("track", ({ track, streams }) => {
      if (track.kind !== "audio") return;
      this.events.onMicrophone(null);
      held.stopSound?.();
      held.stopSound = this.sound.play(streams[0] ?? new MediaStream([track]));
    });
  }

  #ended(id: string): void {
    this.#sessions.get(id)?.stopSound?.();
    this.#sessions.delete(id);
    this.events.onCall({ kind: "ended", id });
  }

  #forgetAll(): void {
    for (const id of [...this.#sessions.keys()]) this.#ended(id);
  }

  #media(): { mediaConstraints: MediaStreamConstraints; pcConfig: RTCConfiguration } {
    return {
      mediaConstraints: { audio: this.sound.microphone(), video: false },
      pcConfig: { iceServers: [...this.account.iceServers] },
    };
  }
}

function responseOf(event: IncomingEvent | OutgoingEvent): Headers | null {
  return "response" in event ? event.response : null;
}

/** Whether this page put the other side on hold, and not he us. */
function isOwn(event: HoldEvent): boolean {
  return (event.originator as string) === "local";
}

function isIncoming(session: RTCSession): boolean {
  return (session.direction as string) === "incoming";
}

/** Send the offer a moment after the first address, instead of when a far STUN server has timed out. */
function hurried(): (event: { ready: () => void }) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return ({ ready }) => {
    timer ??= setTimeout(ready, GATHER_MS);
  };
}
