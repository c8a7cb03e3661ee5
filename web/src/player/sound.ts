/* The sound of one call: an audio element, heard by both sides or by one, told to whoever draws it. Nothing is fetched
   before somebody listens: listening leaves a trace in the audit log. */

import { afterSilence, type Stretch } from "./peaks";

export type Sides = "both" | "manager" | "client";
export const SPEEDS = [1, 1.5, 2] as const;
export type Speed = (typeof SPEEDS)[number];

export interface SoundView {
  readonly second: number;
  readonly seconds: number;
  readonly playing: boolean;
  readonly speed: Speed;
  readonly sides: Sides;
  readonly skipsSilence: boolean;
  /** The sound could not be loaded or played. */
  readonly broken: boolean;
}

/** One recording that is played, between `start` and `stop`. */
export class Sound {
  private readonly audio = new Audio();
  private readonly readers = new Set<() => void>();
  private quiet: readonly Stretch[] = [];
  private gains: readonly GainNode[] | null = null;
  private context: AudioContext | null = null;
  private frame = 0;
  private wanted: number;
  private now: SoundView;

  constructor(
    private readonly address: string,
    private readonly hasSides: boolean,
    begin: { second: number; seconds: number },
  ) {
    this.wanted = begin.second;
    this.audio.preload = "none";
    this.now = {
      second: begin.second,
      seconds: begin.seconds,
      playing: false,
      speed: 1,
      sides: "both",
      skipsSilence: false,
      broken: false,
    };
    this.audio.addEventListener("loadedmetadata", () => {
      if (this.wanted > 0) this.audio.currentTime = this.wanted;
    });
    for (const name of ["play", "pause", "ended", "seeked", "durationchange", "ratechange"]) {
      this.audio.addEventListener(name, this.tick);
    }
    this.audio.addEventListener("playing", () => this.set({ broken: false }));
    this.audio.addEventListener("error", () => this.audio.src && this.set({ broken: true, playing: false }));
  }

  /** Make it ready; `stop` lets it go. */
  start(): void {
    this.audio.src = this.address;
  }

  readonly subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  readonly view = (): SoundView => this.now;

  /** Play, or pause. */
  readonly toggle = (): void => {
    if (this.audio.paused) void this.play();
    else this.audio.pause();
  };

  /** Go to a second, and with `play` let it be heard from there. */
  seek(second: number, play = false): void {
    this.wanted = Math.min(Math.max(0, second), this.now.seconds);
    if (this.audio.readyState > 0) this.audio.currentTime = this.wanted;
    this.set({ second: this.wanted });
    if (play && this.audio.paused) void this.play();
  }

  /** Go on or back by so many seconds. */
  step(seconds: number): void {
    this.seek(this.now.second + seconds);
  }

  speedUp(speed: Speed): void {
    this.audio.playbackRate = speed;
    this.set({ speed });
  }

  /** The next faster speed, or the slower one before. */
  nextSpeed(by: 1 | -1): void {
    const at = SPEEDS.indexOf(this.now.speed);
    this.speedUp(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))] ?? 1);
  }

  hear(sides: Sides): void {
    this.set({ sides });
    this.route();
  }

  skipSilence(skipsSilence: boolean, quiet: readonly Stretch[]): void {
    this.quiet = quiet;
    this.set({ skipsSilence });
  }

  /** Silence it, and let go of what it holds. */
  stop(): void {
    cancelAnimationFrame(this.frame);
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  private async play(): Promise<void> {
    this.route();
    await this.context?.resume();
    await this.audio.play().catch((fault: unknown) => {
      if (!(fault instanceof DOMException && fault.name === "AbortError")) this.set({ broken: true });
    });
  }

  /** Let one side be heard, in both ears. Needs Web Audio from the first time a side is chosen. */
  private route(): void {
    if (!this.hasSides || (this.now.sides === "both" && this.gains === null)) return;
    this.gains ??= this.splitSides();
    const [manager, client] = this.gains;
    if (manager) manager.gain.value = this.now.sides === "client" ? 0 : 1;
    if (client) client.gain.value = this.now.sides === "manager" ? 0 : 1;
  }

  private splitSides(): GainNode[] {
    const context = (this.context = new AudioContext());
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    context.createMediaElementSource(this.audio).connect(splitter);
    const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    mono.connect(context.destination);
    return [0, 1].map((channel) => {
      const gain = new GainNode(context);
      splitter.connect(gain, channel);
      gain.connect(mono);
      return gain;
    });
  }

  private readonly tick = (): void => {
    cancelAnimationFrame(this.frame);
    const known = Number.isFinite(this.audio.duration) && this.audio.duration > 0;
    let second = this.audio.readyState > 0 ? this.audio.currentTime : this.wanted;
    const on = this.now.skipsSilence && !this.audio.paused ? afterSilence(this.quiet, second) : null;
    if (on !== null) this.audio.currentTime = second = on;
    this.set({ second, seconds: known ? this.audio.duration : this.now.seconds, playing: !this.audio.paused });
    if (!this.audio.paused) this.frame = requestAnimationFrame(this.tick);
  };

  private set(change: Partial<SoundView>): void {
    this.now = { ...this.now, ...change };
    for (const reader of this.readers) reader();
  }
}
