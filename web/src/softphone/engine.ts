/* What the phone asks of its SIP engine and what it is told: `sipEngine.ts` is the real one, loaded when there is an
   account; tests have their own. */

import type { CallEvent } from "./calls";

export interface Account {
  readonly pbx: string;
  readonly extension: string;
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  readonly name: string;
  readonly socket: string;
  readonly registerSeconds: number;
  readonly iceServers: readonly RTCIceServer[];
}

export interface EngineEvents {
  readonly onCall: (event: CallEvent) => void;
  /** The line as it is now; `closed` carries the gateway's code where it gave one. */
  readonly onLine: (line: "connecting" | "ready" | "away", closed?: number) => void;
  readonly onMicrophone: (fault: "denied" | "missing" | null) => void;
}

export interface Sound {
  /** What is asked of the microphone. */
  readonly microphone: () => MediaTrackConstraints;
  /** Play what the other side says; gives what stops it. */
  readonly play: (stream: MediaStream) => () => void;
}

export interface Engine {
  start: () => void;
  /** Let go: unregister and end all calls. */
  stop: () => void;
  /** Let go without a word, for another window has the phone now. */
  drop: () => void;
  renew: (password: string) => void;
  dial: (number: string) => void;
  answer: (id: string) => void;
  hangUp: (id: string) => void;
  hold: (id: string, isHeld: boolean) => void;
  mute: (id: string, isMuted: boolean) => void;
  digits: (id: string, digits: string) => void;
  /** Use the chosen microphone in calls that go on. */
  changeMicrophone: () => Promise<void>;
}

export type MakeEngine = (account: Account, sound: Sound, events: EngineEvents) => Engine;
