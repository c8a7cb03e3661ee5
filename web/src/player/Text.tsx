/* What was said, by speaker: a sentence leads to its sound, the one that is heard is marked, and the text follows the sound
   until somebody scrolls by hand. */

import { Switch, TextInput } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Schemas } from "../api";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Failed, Icon, Key, Notice } from "../parts";
import { asProblem } from "../api/problem";
import { useLanguage, useWords } from "../words";
import { Anew } from "./Anew";
import { cut, wanted } from "./find";
import { useTranscript } from "./queries";
import type { Sound } from "./sound";
import { lineAt, partsOf, speakerAt } from "./story";
import { useHeard } from "./useSound";
import styles from "./Text.module.css";

type Segment = Schemas["SegmentView"];

interface TextProps {
  call: Schemas["CallView"];
  sound: Sound | null;
  /** Words to mark from the beginning; those a search found. */
  find: string;
}

const STATES = ["none", "wanted", "claimed", "failed"] as const;
const LOOKS = { none: "note", wanted: "clock", claimed: "after", failed: "warn" } as const;

export function Text({ call, sound, find }: TextProps) {
  const state = call.recording?.transcript_state ?? "none";
  const isThere = hasText(call);
  const transcript = useTranscript(call.id, isThere);
  const problem = asProblem(transcript.error);
  if (!isThere) return <NotWritten call={call} state={state} />;
  if (problem) return <Failed problem={problem} retry={() => void transcript.refetch()} />;
  if (!transcript.data) return <div className={styles.text} aria-busy="true" />;
  return <Written transcript={transcript.data} sound={sound} find={find} call={call} />;
}

/** Whether a text can be read, also while a new one is written or after that failed. */
export function hasText(call: Schemas["CallView"]): boolean {
  return call.recording?.transcript_state === "ready" || (call.recording?.text_at ?? null) !== null;
}

function NotWritten({ call, state }: { call: Schemas["CallView"]; state: string }) {
  const t = useWords("player");
  const isStored = call.recording?.state === "stored";
  const known = (call.recording && STATES.find((one) => one === state)) ?? "none";
  return (
    <div className={styles.text}>
      <Notice
        icon={LOOKS[known]}
        tone={known === "failed" ? "miss" : "quiet"}
        title={t(`text.${known}.title`)}
        act={isStored && known !== "claimed" && known !== "wanted" && <Anew call={call} what="text" />}
      >
        {t(`text.${known}`)}
      </Notice>
    </div>
  );
}

interface WrittenProps {
  call: Schemas["CallView"];
  transcript: Schemas["TranscriptView"];
  sound: Sound | null;
  find: string;
}

function Written({ call, transcript, sound, find }: WrittenProps) {
  const t = useWords("player");
  const language = useLanguage();
  const [query, setQuery] = useState(find);
  const [follows, setFollows] = useState(true);
  const field = useRef<HTMLInputElement>(null);
  const words = useMemo(() => wanted(query), [query]);
  const hits = useMemo(
    () => transcript.segments.reduce((sum, { text }) => sum + cut(text, words).filter((piece) => piece.hit).length, 0),
    [transcript, words],
  );
  useKeys({ filter: () => field.current?.focus() });
  const parts = useMemo(() => partsOf(call), [call]);
  const speakers = transcript.segments.map((segment) => speakerAt(call, parts, segment.speaker, segment.start));
  const name = transcript.language && new Intl.DisplayNames([language], { type: "language" }).of(transcript.language);
  return (
    <section className={styles.text} aria-label={t("text.title")}>
      <header className={styles.head}>
        <h2>{t("text.title")}</h2>
        <small>{name ? t("text.note", { language: name }) : t("text.here")}</small>
        <span role="status">{words.length > 0 && t("text.found", { count: hits })}</span>
        <TextInput
          ref={field}
          type="search"
          value={query}
          maxLength={100}
          placeholder={t("text.find")}
          aria-label={t("text.find")}
          leftSection={<Icon name="search" />}
          rightSection={<Key>/</Key>}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        {sound && <Switch label={t("text.follow")} checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />}
      </header>
      {transcript.segments.length === 0 && <p className={styles.note}>{t("text.silent")}</p>}
      {sound ? (
        <Following segments={transcript.segments} speakers={speakers} words={words} sound={sound} follows={follows} onScroll={() => setFollows(false)} />
      ) : (
        <Lines segments={transcript.segments} speakers={speakers} words={words} current={-1} />
      )}
      {call.recording?.transcript_state === "failed" && <p className={styles.note}>{t("text.failed.anew")}</p>}
      {call.recording?.state === "stored" && <Anew call={call} what="text" />}
    </section>
  );
}

interface FollowingProps {
  segments: readonly Segment[];
  /** First names, sentence by sentence. */
  speakers: readonly (string | null)[];
  words: readonly string[];
  sound: Sound;
  follows: boolean;
  onScroll: () => void;
}

function Following({ segments, speakers, words, sound, follows, onScroll }: FollowingProps) {
  const list = useRef<HTMLOListElement>(null);
  const starts = useMemo(() => segments.map((segment) => segment.start), [segments]);
  const current = useHeard(sound, (view) => lineAt(starts, view.second));
  useEffect(() => {
    if (!follows) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const row = list.current?.children[current];
    row?.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }, [current, follows]);
  return (
    <div onWheel={onScroll} onTouchMove={onScroll}>
      <Lines ref={list} segments={segments} speakers={speakers} words={words} current={current} onPick={(second) => sound.seek(second, true)} />
    </div>
  );
}

interface LinesProps {
  ref?: React.Ref<HTMLOListElement>;
  segments: readonly Segment[];
  speakers: readonly (string | null)[];
  words: readonly string[];
  current: number;
  onPick?: (second: number) => void;
}

function Lines({ ref, segments, speakers, words, current, onPick }: LinesProps) {
  return (
    <ol ref={ref} className={styles.lines}>
      {segments.map((segment, at) => (
        <Line key={`${segment.start} ${at}`} segment={segment} speaker={speakers[at] ?? null} words={words} isHeard={at === current} onPick={onPick} />
      ))}
    </ol>
  );
}

interface LineProps {
  segment: Segment;
  speaker: string | null;
  words: readonly string[];
  isHeard: boolean;
  onPick: ((second: number) => void) | undefined;
}

function Line({ segment, speaker, words, isHeard, onPick }: LineProps) {
  const t = useWords("player");
  const f = useFormats();
  const side = segment.speaker === "manager" || segment.speaker === "client" ? segment.speaker : "both";
  return (
    <li>
      <button
        type="button"
        className={styles.line}
        aria-current={isHeard}
        disabled={!onPick}
        onClick={() => onPick?.(segment.start)}
      >
        <span className={styles.at}>{f.duration(segment.start)}</span>
        <span className={`cut ${styles[side] ?? ""}`}>{speaker ?? t(`side.${side}`)}</span>
        <span className={styles.words}>
          {cut(segment.text, words).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}
        </span>
      </button>
    </li>
  );
}
