/* One call: its sound, its text, and what is known of it. The second that is heard stands in the address (`?t=262`). */

import { Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useLocation, useNavigate, useParams, useSearchParams } from "react-router";
import type { Schemas } from "../api";
import { asProblem } from "../api/problem";
import { useLineName } from "../calls/names";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Failed, Icon, KeyOf, PageHeader, useToast } from "../parts";
import { useWords } from "../words";
import { Controls } from "./Controls";
import { Details } from "./Details";
import { neighbours, type FromList } from "./neighbours";
import { soundOf, useCall, useEvents, usePeaks } from "./queries";
import type { Sound } from "./sound";
import { marksOf, nameOfClient, partsOf } from "./story";
import { Strip } from "./Strip";
import { hasText, Text } from "./Text";
import { Unheard } from "./Unheard";
import { useSound } from "./useSound";
import styles from "./index.module.css";

type Call = Schemas["CallView"];

export default function CallPage() {
  const id = useParams().id ?? "";
  const call = useCall(id);
  const problem = asProblem(call.error);
  if (problem && !call.data) return <Failed isPage problem={problem} retry={() => void call.refetch()} />;
  if (!call.data) return <div aria-busy="true" />;
  return <OneCall call={call.data} />;
}

function OneCall({ call }: { call: Call }) {
  const stored = call.recording?.state === "stored";
  return (
    <div className={styles.page}>
      <Head call={call} />
      {stored ? <Heard call={call} /> : <Silent call={call} />}
    </div>
  );
}

function Head({ call }: { call: Call }) {
  const t = useWords("player");
  const words = useWords("calls");
  const f = useFormats();
  const navigate = useNavigate();
  const from = useLocation().state as FromList | null;
  const { place, of, next, previous } = neighbours(from, call.id);
  const open = (id: string | null) => {
    if (id !== null) void navigate(`/calls/${id}`, { state: from, replace: true });
  };
  useKeys({ "player.nextCall": () => (next === null ? false : open(next)) });
  const lineName = useLineName();
  const title = nameOfClient(call, f);
  const how = call.result === "answered" ? null : [words(`result.${call.result}` as "result.missed")];
  if (how && call.reason) how.push(words(`reason.${call.reason}` as "reason.ivr"));
  return (
    <PageHeader
      title={title.slice(0, 80)}
      back="/calls"
      isBack
      before={<Direction call={call} />}
      sub={[f.moment(call.started_at), call.did && lineName(call.did), f.phone(call.client.number)].filter(Boolean).join(" · ")}
      acts={
        of > 0 && (
          <>
            <span className={styles.place}>{t("place", { place, of })}</span>
            <Button variant="default" disabled={previous === null} aria-label={t("previous")} onClick={() => open(previous)}>
              <Icon name="arrowUp" />
            </Button>
            <Button variant="default" disabled={next === null} onClick={() => open(next)} rightSection={<KeyOf act="player.nextCall" />}>
              {t("next")}
            </Button>
          </>
        )
      }
    >
      {how && <span className={styles.result}>{how.join(", ")}</span>}
    </PageHeader>
  );
}

function Direction({ call }: { call: Call }) {
  const words = useWords("calls");
  const missed = call.result === "missed" && call.direction === "inbound";
  const name = missed ? "missed" : call.direction === "outbound" ? "outgoing" : "incoming";
  return (
    <span className={styles[missed ? "missed" : "talked"]} role="img" aria-label={words(`direction.${call.direction}` as "direction.inbound")}>
      <Icon name={name} size={20} />
    </span>
  );
}

/** A call whose sound is there. */
function Heard({ call }: { call: Call }) {
  const [search, setSearch] = useSearchParams();
  const begin = { second: Number(search.get("t")) || 0, seconds: call.recording?.duration_seconds ?? 0 };
  const hasSides = call.recording?.has_speakers === true;
  const sound = useSound(soundOf(call.id), hasSides, begin);
  const peaks = usePeaks(call.id, true).data ?? null;
  const events = useEvents(call.id).data?.items ?? [];
  useSecondInAddress(sound, (second) => {
    search.set("t", String(second));
    setSearch(search, { replace: true, preventScrollReset: true });
  });
  return (
    <>
      <div className={styles.player}>
        <Strip sound={sound} peaks={peaks} parts={partsOf(call)} marks={marksOf(call, events)} hasSides={hasSides} />
        <div className={styles.line}>
          <Controls sound={sound} peaks={peaks} hasSides={hasSides} />
          <CopyMoment sound={sound} />
        </div>
      </div>
      <div className={styles.body}>
        <Text call={call} sound={sound} find={search.get("q") ?? ""} />
        <Details call={call} />
      </div>
    </>
  );
}

/** A call without sound; its text may be there all the same. */
function Silent({ call }: { call: Call }) {
  return (
    <div className={styles.body}>
      <div>
        <Unheard call={call} />
        {hasText(call) && <Text call={call} sound={null} find="" />}
      </div>
      <Details call={call} />
    </div>
  );
}

/** The address of this moment, to be shared. */
function CopyMoment({ sound }: { sound: Sound }) {
  const t = useWords("player");
  const toast = useToast();
  const copy = () => {
    const address = new URL(location.href);
    address.searchParams.set("t", String(Math.floor(sound.view().second)));
    void navigator.clipboard.writeText(address.href).then(
      () => toast({ text: t("copied"), icon: "link" }),
      () => toast({ text: t("copied.not"), icon: "warn" }),
    );
  };
  return (
    <Button variant="default" leftSection={<Icon name="link" />} onClick={copy}>
      {t("copy")}
    </Button>
  );
}

/** Write the second into the address when the sound is paused or moved, not while it runs. */
function useSecondInAddress(sound: Sound, write: (second: number) => void): void {
  const now = useRef(write);
  useEffect(() => {
    now.current = write;
  });
  useEffect(() => {
    let told = Math.floor(sound.view().second);
    return sound.subscribe(() => {
      const { second, playing } = sound.view();
      if (playing || Math.floor(second) === told) return;
      told = Math.floor(second);
      now.current(told);
    });
  }, [sound]);
}
