/* What a phone in the page is, told without a browser: its line, its calls, and what every event makes of them. */

/** Whether calls can come.
 *  off: not started · unavailable: this person has none (see `detail`) · elsewhere: another tab of this browser is the phone
 *  connecting · ready: registered · away: the connection is lost, tried again · taken: another window or device has it */
export type Line = "off" | "unavailable" | "elsewhere" | "connecting" | "ready" | "away" | "taken";

export type CallState = "dialling" | "ringing" | "talking";

export interface PhoneCall {
  /** Of this page alone: the SIP dialog's. */
  readonly id: string;
  /** The gateway's call; null: not told. */
  readonly callId: string | null;
  /** Id of this leg at the PBX; null: not told. */
  readonly legId: string | null;
  readonly direction: "in" | "out";
  readonly state: CallState;
  /** As the PBX shows it. */
  readonly number: string;
  readonly name: string;
  readonly isHeld: boolean;
  readonly isMuted: boolean;
  /** Date.now() of the first word of it. */
  readonly since: number;
  readonly answeredAt: number | null;
}

export interface PhoneState {
  readonly line: Line;
  /** For people, from the gateway: why there is no phone. */
  readonly detail: string;
  /** What a person's calls run over; null: not asked yet. */
  readonly engine: "pbx" | "exchange" | "none" | null;
  readonly extension: string | null;
  /** When the next try is made (Date.now()); null: none is waited for. */
  readonly retryAt: number | null;
  /** Why the last call could not have the microphone: `denied`, `missing`; null: it could. */
  readonly microphone: "denied" | "missing" | null;
  /** The oldest first. */
  readonly calls: readonly PhoneCall[];
}

export const NO_PHONE: PhoneState = {
  line: "off",
  detail: "",
  engine: null,
  extension: null,
  retryAt: null,
  microphone: null,
  calls: [],
};

/** What the SIP engine tells of a call. */
export type CallEvent =
  | { readonly kind: "begun"; readonly call: Omit<PhoneCall, "isHeld" | "isMuted" | "answeredAt"> }
  | { readonly kind: "named"; readonly id: string; readonly callId: string | null; readonly legId: string | null }
  | { readonly kind: "answered"; readonly id: string; readonly at: number }
  | { readonly kind: "held"; readonly id: string; readonly isHeld: boolean }
  | { readonly kind: "muted"; readonly id: string; readonly isMuted: boolean }
  | { readonly kind: "ended"; readonly id: string };

/** The calls after an event; the same object where nothing changed. */
export function afterEvent(calls: readonly PhoneCall[], event: CallEvent): readonly PhoneCall[] {
  switch (event.kind) {
    case "begun":
      if (calls.some((call) => call.id === event.call.id)) return calls;
      return [...calls, { ...event.call, isHeld: false, isMuted: false, answeredAt: null }];
    case "named":
      return changed(calls, event.id, { callId: event.callId, legId: event.legId });
    case "answered":
      return changed(calls, event.id, { state: "talking", answeredAt: event.at });
    case "held":
      return changed(calls, event.id, { isHeld: event.isHeld });
    case "muted":
      return changed(calls, event.id, { isMuted: event.isMuted });
    case "ended":
      return calls.some((call) => call.id === event.id) ? calls.filter((call) => call.id !== event.id) : calls;
  }
}

function changed(calls: readonly PhoneCall[], id: string, change: Partial<PhoneCall>): readonly PhoneCall[] {
  const differs = (call: PhoneCall) => Object.entries(change).some(([key, value]) => call[key as keyof PhoneCall] !== value);
  if (!calls.some((call) => call.id === id && differs(call))) return calls;
  return calls.map((call) => (call.id === id ? { ...call, ...change } : call));
}

/** The call that a key means: the one that rings before the one that talks, the newest of its kind. */
export function ringing(calls: readonly PhoneCall[]): PhoneCall | null {
  return calls.findLast((call) => call.state === "ringing") ?? null;
}

/** The call that is heard: the newest that talks and is not held, else the newest that talks or is dialled. */
export function talking(calls: readonly PhoneCall[]): PhoneCall | null {
  const live = calls.filter((call) => call.state === "talking" || call.state === "dialling");
  return live.findLast((call) => call.state === "talking" && !call.isHeld) ?? live.at(-1) ?? null;
}

/** A call of this page by the gateway's id; null: it is not here. */
export function byCallId(calls: readonly PhoneCall[], callId: string): PhoneCall | null {
  return calls.findLast((call) => call.callId === callId) ?? null;
}

/** How an incoming call is answered without a person: it was ordered in this page, or brings him back into his call. */
export function answersItself(legId: string | null, isReturn: boolean): boolean {
  return isReturn || (legId?.startsWith("tl-") ?? false);
}
