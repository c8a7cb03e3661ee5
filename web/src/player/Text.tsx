/* What was said, by speaker: a sentence leads to its sound, the one that is heard is marked, and the text follows the sound
   until somebody scrolls by hand. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import { useAct, api, body, once, type Schemas } from "../api";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Failed, Icon, Key } from "../parts";
import { asProblem } from "../api/problem";
import { useLanguage, useWords } from "../words";
import { cut, wanted } from "./find";
import { useTranscript } from "./queries";
import type { Sound } from "./sound";
import { lineAt } from "./story";
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

export function Text({ call, sound, find }: TextProps) {
  const state = call.recording?.transcript_state ?? "none";
  const transcript = useTranscript(call.id, state === "ready");
  const problem = asProblem(transcript.error);
  if (state !== "ready") return <NotWritten call={call} state={state} />;
  if (problem) return <Failed problem={problem} retry={() => void transcript.refetch()} />;
  if (!transcript.data) return <div className={styles.text} aria-busy="true" />;
  return <Written transcript={transcript.data} sound={sound} find={find} call={call} />;
}

function NotWritten({ call, state }: { call: Schemas["CallView"]; state: string }) {
  const t = useWords("player");
  const known = STATES.find((one) => one === state) ?? "wanted";
  return (
    <div className={styles.text}>
      <p className={styles.note}>{t(`text.${call.recording ? known : "none"}`)}</p>
      {call.recording?.state === "stored" && known !== "claimed" && <WriteAnew call={call} />}
    </div>
  );
}

/** Has the text written, also anew; for those who may. */
function WriteAnew({ call }: { call: Schemas["CallView"] }) {
  const t = useWords("player");
  const session = useSession();
  const [asked, setAsked] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const act = useAct(
    (_: null, key) =>
      body(
        api.POST("/api/v1/calls/{call_id}/transcript", {
          params: { path: { call_id: call.id }, header: once(key) },
          body: { language: "auto", model: null },
        }),
      ),
    { onDone: () => setAsked(true), onFault: (problem) => setFault(asProblem(problem)?.detail ?? "") },
  );
  if (!session.may("calls.read_all")) return null;
  return (
    <p className={styles.note} role="status">
      {asked ? (
        t("text.asked")
      ) : (
        <Button variant="default" disabled={act.isPending} onClick={() => act.run(null)}>
          {t("text.write")}
        </Button>
      )}
      {fault !== null && <span className={styles.fault}>{fault}</span>}
    </p>
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
        <Following segments={transcript.segments} words={words} sound={sound} follows={follows} onScroll={() => setFollows(false)} />
      ) : (
        <Lines segments={transcript.segments} words={words} current={-1} />
      )}
      <WriteAnew call={call} />
    </section>
  );
}

interface FollowingProps {
  segments: readonly Segment[];
  words: readonly string[];
  sound: Sound;
  follows: boolean;
  onScroll: () => void;
}

function Following({ segments, words, sound, follows, onScroll }: FollowingProps) {
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
      <Lines ref={list} segments={segments} words={words} current={current} onPick={(second) => sound.seek(second, true)} />
    </div>
  );
}

interface LinesProps {
  ref?: React.Ref<HTMLOListElement>;
  segments: readonly Segment[];
  words: readonly string[];
  current: number;
  onPick?: (second: number) => void;
}

function Lines({ ref, segments, words, current, onPick }: LinesProps) {
  return (
    <ol ref={ref} className={styles.lines}>
      {segments.map((segment, at) => (
        <Line key={`${segment.start} ${at}`} segment={segment} words={words} isHeard={at === current} onPick={onPick} />
      ))}
    </ol>
  );
}

interface LineProps {
  segment: Segment;
  words: readonly string[];
  isHeard: boolean;
  onPick: ((second: number) => void) | undefined;
}

function Line({ segment, words, isHeard, onPick }: LineProps) {
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
        <span className={styles[side]}>{t(`side.${side}`)}</span>
        <span className={styles.words}>
          {cut(segment.text, words).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}
        </span>
      </button>
    </li>
  );
}
