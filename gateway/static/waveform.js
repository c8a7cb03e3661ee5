/* The picture of a recording: manager up, client down, fifty peaks a second drawn as bars of the width there is. The file
   format stands in docs/recordings.md. */

import { h } from "./dom.js";

const HEADER = 16;
const VERSION = 1;
const BAR = 2;
const GAP = 1;
const QUIET = 8;

/** Read a peaks file.
 * @param {ArrayBuffer} bytes
 * @returns {{channels: number, perSecond: number, count: number, loudest: number, at: Function}} at(peak, channel): the
 *   greater of its lowest and highest sample, 0 to 128
 */
export function readPeaks(bytes) {
  const view = new DataView(bytes);
  const magic = [0, 1, 2, 3].map((at) => String.fromCharCode(view.getUint8(at))).join("");
  if (magic !== "TLPK" || view.getUint8(4) !== VERSION) throw new RangeError("another kind of peaks file");
  const channels = view.getUint8(5);
  const values = new Int8Array(bytes, HEADER);
  const count = Math.floor(values.length / (2 * channels));
  const at = (peak, channel) => {
    const place = (peak * channels + channel) * 2;
    return Math.max(Math.abs(values[place]), Math.abs(values[place + 1]));
  };
  let loudest = QUIET;
  for (let peak = 0; peak < count; peak++) for (let c = 0; c < channels; c++) loudest = Math.max(loudest, at(peak, c));
  return { channels, perSecond: view.getUint16(6, true), count, loudest, at };
}

/** A canvas that draws peaks and how much of them was heard.
 * @returns {HTMLCanvasElement} with `show(peaks)` and `heard(share)`, share from 0 to 1
 */
export function waveform() {
  const canvas = h("canvas", { class: "wave", "aria-hidden": "true" });
  let peaks = null;
  let bars = [];
  let share = 0;

  /** One bar stands for several peaks: the loudest of them. */
  function measure() {
    const many = Math.max(1, Math.floor(canvas.clientWidth / (BAR + GAP)));
    bars = Array.from({ length: many }, (_, bar) => {
      if (!peaks?.count) return [0, 0];
      const from = Math.floor((bar * peaks.count) / many);
      const until = Math.max(from + 1, Math.floor(((bar + 1) * peaks.count) / many));
      const height = (channel) => {
        let most = 0;
        for (let peak = from; peak < Math.min(until, peaks.count); peak++)
          most = Math.max(most, peaks.at(peak, channel));
        return (Math.max(0, most - 1) / (peaks.loudest - 1)) ** 0.6; // the step between silence and the next is nothing
      };
      return peaks.channels === 2 ? [height(0), height(1)] : [height(0), height(0)];
    });
  }

  function draw() {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const middle = Math.round(height / 2);
    const edge = share * width;
    const oneVoice = peaks && peaks.channels === 1;
    bars.forEach(([up, down], at) => {
      const x = at * (BAR + GAP);
      pen.globalAlpha = x < edge ? 1 : 0.42;
      const [high, low] = [up, down].map((v) => Math.max(1, v * (middle - 2)));
      pen.fillStyle = style.getPropertyValue("--mgr");
      pen.fillRect(x, middle - high, BAR, high);
      if (!oneVoice) pen.fillStyle = style.getPropertyValue("--cli");
      pen.fillRect(x, middle + 1, BAR, low);
    });
    pen.globalAlpha = 1;
    pen.fillStyle = style.getPropertyValue("--text");
    pen.fillRect(Math.min(width - 2, Math.max(0, edge - 1)), 0, 2, height);
  }

  const redraw = () => (measure(), draw());
  const watch = new ResizeObserver(redraw);
  watch.observe(canvas);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.addEventListener("change", draw);
  canvas.show = (found) => ((peaks = found), redraw());
  canvas.heard = (part) => ((share = part), draw());
  canvas.leave = () => (watch.disconnect(), theme.removeEventListener("change", draw));
  return canvas;
}
