/* Microphone and loudspeakers: what was chosen, what there is, and a test of both. Choices are of this browser, for
   devices are. */

export interface SoundChoice {
  /** Device ids; empty: the browser's own choice. */
  readonly microphone: string;
  readonly speaker: string;
  /** Where it rings. */
  readonly ringer: string;
  /** From 0 to 1. */
  readonly ringVolume: number;
  /** Let the browser take echo, noise and loudness in hand; off for headsets that do it themselves. */
  readonly isCleaned: boolean;
}

export const FIRST_CHOICE: SoundChoice = { microphone: "", speaker: "", ringer: "", ringVolume: 0.7, isCleaned: true };

const PLACE = "trunkline.sound";
const listeners = new Set<() => void>();
let choice: SoundChoice | null = null;

/** A kept choice, whatever was written there. */
export function readChoice(kept: string | null): SoundChoice {
  if (kept === null) return FIRST_CHOICE;
  try {
    const found = JSON.parse(kept) as Partial<Record<keyof SoundChoice, unknown>>;
    const text = (value: unknown) => (typeof value === "string" ? value : "");
    const volume = typeof found.ringVolume === "number" ? Math.min(1, Math.max(0, found.ringVolume)) : FIRST_CHOICE.ringVolume;
    return {
      microphone: text(found.microphone),
      speaker: text(found.speaker),
      ringer: text(found.ringer),
      ringVolume: volume,
      isCleaned: found.isCleaned !== false,
    };
  } catch {
    return FIRST_CHOICE;
  }
}

export function soundChoice(): SoundChoice {
  choice ??= readChoice(localStorage.getItem(PLACE));
  return choice;
}

export function chooseSound(change: Partial<SoundChoice>): void {
  choice = { ...soundChoice(), ...change };
  localStorage.setItem(PLACE, JSON.stringify(choice));
  for (const listener of listeners) listener();
}

export function onSoundChoice(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What is asked of the microphone. */
export function microphoneAsked(chosen: SoundChoice): MediaTrackConstraints {
  const cleaned = { echoCancellation: chosen.isCleaned, noiseSuppression: chosen.isCleaned, autoGainControl: chosen.isCleaned };
  return chosen.microphone ? { ...cleaned, deviceId: { ideal: chosen.microphone } } : cleaned;
}

export interface Devices {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
  /** Whether names are known: a browser tells them once the microphone was allowed. */
  readonly isNamed: boolean;
}

export const NO_DEVICES: Devices = { microphones: [], speakers: [], isNamed: false };

/** The devices there are now; none where the page has no secure address. */
export async function listDevices(): Promise<Devices> {
  if (!hasMedia()) return NO_DEVICES;
  const all = await navigator.mediaDevices.enumerateDevices();
  const real = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind && device.deviceId !== "");
  return {
    microphones: real("audioinput"),
    speakers: real("audiooutput"),
    isNamed: all.some((device) => device.label !== ""),
  };
}

/** Whether the browser gives pages a microphone at all: only over https, or on this machine. */
export function hasMedia(): boolean {
  return "mediaDevices" in navigator;
}

export function onDevices(listener: () => void): () => void {
  if (!hasMedia()) return () => {};
  navigator.mediaDevices.addEventListener("devicechange", listener);
  return () => navigator.mediaDevices.removeEventListener("devicechange", listener);
}

/** Play through a loudspeaker; one that is gone is replaced by the browser's own choice. */
export async function playThrough(audio: HTMLAudioElement | AudioContext, device: string): Promise<void> {
  const sink = audio as { setSinkId?: (id: string) => Promise<void> };
  try {
    await sink.setSinkId?.(device);
  } catch (fault) {
    if (!(fault instanceof DOMException)) throw fault;
    await sink.setSinkId?.("");
  }
}

/** Play what the other side of a call says; gives what stops it. */
export function playCall(stream: MediaStream): () => void {
  const audio = new Audio();
  audio.srcObject = stream;
  const through = () => void playThrough(audio, soundChoice().speaker);
  through();
  const forget = onSoundChoice(through);
  void audio.play().catch((fault: unknown) => {
    if (!(fault instanceof DOMException)) throw fault; // the call was over before it sounded
  });
  return () => {
    forget();
    audio.pause();
    audio.srcObject = null;
  };
}

/** How loud a block of samples is, from 0 (silence) to 1: the root mean square on a scale of 50 dB. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const level = 20 * Math.log10(Math.sqrt(sum / Math.max(1, samples.length)) || 1e-9);
  return Math.min(1, Math.max(0, (level + 50) / 50));
}
