/* The microphone's test: a meter while one speaks, three seconds recorded, and heard again. Nothing leaves the browser. */

import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Icon } from "../parts";
import { useWords } from "../words";
import { whyNoMicrophone } from "./microphone";
import styles from "./Phone.module.css";
import { loudness, microphoneAsked, playThrough, soundChoice } from "./sound";

const RECORD_MS = 3000;
const STEPS = 20;

type Step = "idle" | "speak" | "hear";

export function MicrophoneTest() {
  const t = useWords("softphone");
  const [step, setStep] = useState<Step>("idle");
  const [level, setLevel] = useState(0);
  const [fault, setFault] = useState<"denied" | "missing" | null>(null);
  const stop = useRef<(() => void) | null>(null);
  useEffect(() => () => stop.current?.(), []);

  const test = async () => {
    setFault(null);
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: microphoneAsked(soundChoice()) });
    } catch (refused) {
      return setFault(whyNoMicrophone(refused));
    }
    setStep("speak");
    const meter = startMeter(stream, setLevel);
    const sound = await record(stream, (end) => (stop.current = end));
    meter();
    for (const track of stream.getTracks()) track.stop();
    setLevel(0);
    setStep("hear");
    await hear(sound, (end) => (stop.current = end));
    setStep("idle");
  };

  return (
    <div className={styles["test"]}>
      <Button variant="default" leftSection={<Icon name="mute" />} disabled={step !== "idle"} onClick={() => void test()}>
        {t("test")}
      </Button>
      <div
        className={styles["meter"]}
        role="meter"
        aria-label={t("level")}
        aria-valuemin={0}
        aria-valuemax={STEPS}
        aria-valuenow={Math.round(level * STEPS)}
      >
        {Array.from({ length: STEPS }, (_, at) => (
          <span key={at} data-on={at < Math.round(level * STEPS) || undefined} />
        ))}
      </div>
      <p role="status" className={styles["said"]}>
        {fault ? t(`microphone.${fault}`) : t(`test.${step}`)}
      </p>
    </div>
  );
}

/** Show how loud it is, sixteen times a second; gives what stops it. */
function startMeter(stream: MediaStream, show: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    show(loudness(samples));
  }, 60);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

function record(stream: MediaStream, canStop: (stop: () => void) => void): Promise<Blob> {
  const recorder = new MediaRecorder(stream);
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const done = new Promise<Blob>((resolve) => (recorder.onstop = () => resolve(new Blob(pieces, { type: recorder.mimeType }))));
  recorder.start();
  const end = () => {
    if (recorder.state !== "inactive") recorder.stop();
  };
  canStop(end);
  setTimeout(end, RECORD_MS);
  return done;
}

async function hear(sound: Blob, canStop: (stop: () => void) => void): Promise<void> {
  const context = new AudioContext();
  await playThrough(context, soundChoice().speaker);
  const source = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(await sound.arrayBuffer()) });
  source.connect(context.destination);
  const over = new Promise<void>((resolve) => (source.onended = () => resolve()));
  canStop(() => source.stop());
  source.start();
  await over;
  await context.close();
}
