/* The ringing: two soft tones made by the browser, so no file is loaded for it. One second in four, like a telephone here. */

import { onSoundChoice, playThrough, soundChoice } from "./sound";

const TONES = [440, 480] as const;
const RINGS_MS = 1000;
const EVERY_MS = 4000;
const EDGE_S = 0.04;

let context: AudioContext | null = null;

/** Ring once now.
 * @param volume from 0 to 1
 */
export function ringOnce(volume: number, device: string): void {
  context ??= new AudioContext();
  const now = context;
  void playThrough(now, device);
  void now.resume();
  const gain = new GainNode(now, { gain: 0 });
  gain.connect(now.destination);
  const begin = now.currentTime + 0.01;
  const end = begin + RINGS_MS / 1000;
  gain.gain.setValueAtTime(0, begin);
  gain.gain.linearRampToValueAtTime(volume * 0.4, begin + EDGE_S);
  gain.gain.setValueAtTime(volume * 0.4, end - EDGE_S);
  gain.gain.linearRampToValueAtTime(0, end);
  for (const frequency of TONES) {
    const tone = new OscillatorNode(now, { frequency });
    tone.connect(gain);
    tone.start(begin);
    tone.stop(end);
  }
}

/** Ring until it is stopped; gives what stops it.
 * @param isQuiet one talks already: a short tone in the ear, once
 */
export function startRinging(isQuiet: boolean): () => void {
  const ring = () => {
    const { ringVolume, ringer, speaker } = soundChoice();
    ringOnce(isQuiet ? ringVolume * 0.25 : ringVolume, isQuiet ? speaker : ringer);
  };
  ring();
  const timer = isQuiet ? undefined : setInterval(ring, EVERY_MS);
  const forget = onSoundChoice(() => {
    if (soundChoice().ringVolume === 0) stop();
  });
  const stop = () => {
    clearInterval(timer);
    forget();
    void context?.suspend();
  };
  return stop;
}
