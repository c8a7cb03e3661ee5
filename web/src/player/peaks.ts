/* The picture of a recording: fifty peaks a second and side, as the file of docs/recordings.md holds them. */

const HEADER = 16;
const VERSION = 1;
const LOUDEST = 128;

export interface Peaks {
  readonly perSecond: number;
  readonly count: number;
  /** Loudness of each peak by side, 0 to 1; of a recording without sides there is one. */
  readonly sides: readonly Float32Array[];
}

/** Read a peaks file.
 * @throws RangeError it is none of ours
 */
export function readPeaks(bytes: ArrayBuffer): Peaks {
  if (bytes.byteLength < HEADER) throw new RangeError("no peaks file: it is too short");
  const view = new DataView(bytes);
  const magic = String.fromCharCode(...[0, 1, 2, 3].map((at) => view.getUint8(at)));
  if (magic !== "TLPK" || view.getUint8(4) !== VERSION) throw new RangeError("another kind of peaks file");
  const channels = view.getUint8(5);
  const perSecond = view.getUint16(6, true);
  if (channels < 1 || channels > 2 || perSecond < 1) throw new RangeError("a peaks file without sides or speed");
  const values = new Int8Array(bytes, HEADER);
  const count = Math.floor(values.length / (2 * channels));
  const sides = Array.from({ length: channels }, () => new Float32Array(count));
  for (let peak = 0; peak < count; peak += 1) {
    sides.forEach((side, channel) => {
      const place = (peak * channels + channel) * 2;
      side[peak] = Math.max(Math.abs(values[place] ?? 0), Math.abs(values[place + 1] ?? 0)) / LOUDEST;
    });
  }
  return { perSecond, count, sides };
}

/** The loudest peak of each bar where a side is drawn with so many bars; the loudest of all bars is 1. */
export function barsOf(side: Float32Array, bars: number, loudest: number): Float32Array {
  const out = new Float32Array(Math.max(0, bars));
  for (let bar = 0; bar < out.length; bar += 1) {
    const from = Math.floor((bar * side.length) / out.length);
    const until = Math.max(from + 1, Math.floor(((bar + 1) * side.length) / out.length));
    let most = 0;
    for (let peak = from; peak < until && peak < side.length; peak += 1) most = Math.max(most, side[peak] ?? 0);
    out[bar] = loudest > 0 ? most / loudest : 0;
  }
  return out;
}

/** The loudest moment of both sides; of silence a floor, so that noise is not drawn as speech. */
export function loudestOf(peaks: Peaks): number {
  let most = 0.1;
  for (const side of peaks.sides) for (const value of side) most = Math.max(most, value);
  return most;
}

const QUIET = 0.04;
const WORTH_SKIPPING_S = 2;
const BREATH_S = 0.4;

export interface Stretch {
  readonly from: number;
  readonly until: number;
}

/** Stretches, in seconds, in which nobody speaks for longer than two seconds; a breath is left at both ends. */
export function silences(peaks: Peaks): Stretch[] {
  const found: Stretch[] = [];
  let since: number | null = null;
  for (let peak = 0; peak <= peaks.count; peak += 1) {
    const quiet = peak < peaks.count && peaks.sides.every((side) => (side[peak] ?? 0) < QUIET);
    if (quiet) since ??= peak;
    else if (since !== null) {
      const stretch = { from: since / peaks.perSecond + BREATH_S, until: peak / peaks.perSecond - BREATH_S };
      if (peak - since > WORTH_SKIPPING_S * peaks.perSecond) found.push(stretch);
      since = null;
    }
  }
  return found;
}

/** Where to go on from a second within a silence; null: somebody speaks there. */
export function afterSilence(stretches: readonly Stretch[], second: number): number | null {
  return stretches.find(({ from, until }) => second >= from && second < until)?.until ?? null;
}
