/* The picture of a recording: manager up, client down, what was heard in full colour, the rest pale. It is also the way to
   a moment: a click, a drag, or the keys of a slider. */

import { useEffect, useRef, type KeyboardEvent, type PointerEvent } from "react";
import { useFormats } from "../formats";
import { useWords } from "../words";
import { barsOf, loudestOf, type Peaks } from "./peaks";
import type { Sound } from "./sound";
import { useHeard } from "./useSound";
import styles from "./Waveform.module.css";

const BAR = 2;
const GAP = 1;
const PALE = 0.42;
const KEY_STEP_S = 5;

interface WaveformProps {
  sound: Sound;
  /** null: there is no picture; the sound can be heard all the same. */
  peaks: Peaks | null;
}

export function Waveform({ sound, peaks }: WaveformProps) {
  const t = useWords("player");
  const f = useFormats();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const second = useHeard(sound, (view) => Math.floor(view.second));
  const seconds = useHeard(sound, (view) => view.seconds);
  useDrawing(canvas, sound, peaks);

  const point = (event: PointerEvent) => {
    const place = box.current?.getBoundingClientRect();
    if (place) sound.seek(((event.clientX - place.left) / place.width) * sound.view().seconds);
  };
  const press = (event: KeyboardEvent) => {
    const whole = sound.view().seconds;
    const here = sound.view().second;
    const places: Record<string, number> = {
      Home: 0,
      End: whole,
      ArrowLeft: here - KEY_STEP_S,
      ArrowRight: here + KEY_STEP_S,
      PageUp: here + 30,
      PageDown: here - 30,
    };
    const to = places[event.code];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    sound.seek(to);
  };
  return (
    <div
      ref={box}
      className={styles.wave}
      role="slider"
      tabIndex={0}
      aria-label={t("position")}
      aria-valuemin={0}
      aria-valuemax={Math.round(seconds)}
      aria-valuenow={second}
      aria-valuetext={t("time.of", { time: f.duration(second), whole: f.duration(seconds) })}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        point(event);
      }}
      onPointerMove={(event) => event.buttons === 1 && point(event)}
      onKeyDown={press}
    >
      <canvas ref={canvas} className={styles.picture} />
    </div>
  );
}

/** Draw when the sound moves, and when size or colours change. */
function useDrawing(canvas: React.RefObject<HTMLCanvasElement | null>, sound: Sound, peaks: Peaks | null): void {
  useEffect(() => {
    const node = canvas.current;
    if (!node) return;
    let bars: Float32Array[] = [];
    const measure = () => {
      const ratio = window.devicePixelRatio || 1;
      node.width = Math.round(node.clientWidth * ratio);
      node.height = Math.round(node.clientHeight * ratio);
      const count = Math.floor(node.clientWidth / (BAR + GAP));
      const loudest = peaks ? loudestOf(peaks) : 1;
      bars = peaks ? peaks.sides.map((side) => barsOf(side, count, loudest)) : [];
      draw();
    };
    const draw = () => paint(node, bars, sound.view().second / (sound.view().seconds || 1));
    const sizes = new ResizeObserver(measure);
    sizes.observe(node);
    const colours = new MutationObserver(draw);
    colours.observe(document.documentElement, { attributes: true });
    const heard = sound.subscribe(draw);
    return () => {
      sizes.disconnect();
      colours.disconnect();
      heard();
    };
  }, [canvas, sound, peaks]);
}

function paint(node: HTMLCanvasElement, bars: readonly Float32Array[], heard: number): void {
  const pen = node.getContext("2d");
  if (!pen) return;
  const look = getComputedStyle(node);
  const ratio = node.width / (node.clientWidth || 1);
  const [width, height] = [node.clientWidth, node.clientHeight];
  const middle = bars.length === 2 ? height / 2 : height;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const colours = [look.getPropertyValue("--side-manager"), look.getPropertyValue("--side-client")];
  bars.forEach((side, at) => {
    pen.fillStyle = colours[at] ?? "";
    side.forEach((loud, bar) => {
      const x = bar * (BAR + GAP);
      const size = Math.max(1, loud * (middle - 2));
      pen.globalAlpha = x / width <= heard ? 1 : PALE;
      pen.fillRect(x, at === 0 ? middle - size : middle, BAR, size);
    });
  });
  pen.globalAlpha = 1;
  pen.fillStyle = look.getPropertyValue("--text");
  const x = Math.min(width - 1, heard * width);
  pen.fillRect(x - 1, 0, 2, height);
  pen.beginPath();
  pen.arc(x, 4, 4, 0, 2 * Math.PI);
  pen.fill();
}
