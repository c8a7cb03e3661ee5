/* The ring of this page: two soft tones made by the browser itself, in one tab alone; and the tab's title. */

export interface RingChoice {
  /** Beside a desk phone, which rings itself. */
  readonly sound: boolean;
  /** 0 to 100. */
  readonly volume: number;
  /** Whether the tab's title says who calls, now and then. */
  readonly flash: boolean;
  /** Whether the computer shows a notice while the page is not in front; undefined: not chosen, so no. */
  readonly notice?: boolean;
}

export const RING: RingChoice = { sound: false, volume: 60, flash: true };

const TONES = [523.25, 659.25];
const PERIOD_S = 3;

/** Ring until the given function is called.
 * @param volume 0 to 100
 */
export function ring(volume: number): () => void {
  if (typeof AudioContext === "undefined" || volume <= 0) return () => {};
  const context = new AudioContext();
  const loud = context.createGain();
  loud.gain.value = (Math.min(100, volume) / 100) ** 2 * 0.5;
  loud.connect(context.destination);
  const pulse = () => {
    const begin = context.currentTime + 0.02;
    for (const [at, tone] of [0, 1, 0, 1].entries()) note(context, loud, TONES[tone] ?? 0, begin + at * 0.22);
  };
  pulse();
  const timer = setInterval(pulse, PERIOD_S * 1000);
  // Where the browser lets nothing sound before a click, it begins with the first one.
  const wake = () => void context.resume();
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    removeEventListener("keydown", wake);
    void context.close();
  };
}

function note(context: AudioContext, out: AudioNode, frequency: number, begin: number): void {
  const source = context.createOscillator();
  const shape = context.createGain();
  source.frequency.value = frequency;
  shape.gain.setValueAtTime(0, begin);
  shape.gain.linearRampToValueAtTime(1, begin + 0.02);
  shape.gain.exponentialRampToValueAtTime(0.01, begin + 0.2);
  source.connect(shape).connect(out);
  source.start(begin);
  source.stop(begin + 0.21);
}

/** Let the tab's title say who calls, in turn with its own, until the given function is called. */
export function flashTitle(text: string): () => void {
  let own = document.title;
  let isOurs = false;
  const turn = () => {
    if (!isOurs || document.title !== text) own = document.title;
    isOurs = !isOurs;
    document.title = isOurs ? text : own;
  };
  turn();
  const timer = setInterval(turn, 1000);
  return () => {
    clearInterval(timer);
    if (document.title === text) document.title = own;
  };
}
