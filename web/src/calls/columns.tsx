/* What the list of calls shows of each call. */

import type { Schemas } from "../api";
import { Duration, Icon, Moment, PhoneNumber, Tag, type Column, type IconName } from "../parts";
import { useFormats } from "../formats";
import { nameOfClient } from "../player/story";
import { useWords } from "../words";
import styles from "./columns.module.css";

export type Call = Schemas["CallView"];

export const FIRST = ["how", "when", "client", "number", "managers", "line", "wait", "talk", "kept"] as const;

/** @param lineName what our own numbers are called */
export function useCallColumns(lineName: (did: string) => string): readonly Column<Call>[] {
  const t = useWords("calls");
  const f = useFormats();
  return [
    { name: "how", head: <span className="unseen">{t("how")}</span>, width: "40px", narrow: "none", cell: (call) => <How call={call} /> },
    { name: "when", head: t("when"), width: "112px", sort: "when", narrow: "end", cell: (call) => <When call={call} /> },
    {
      name: "client",
      head: t("client"),
      narrow: "main",
      cell: (call) => (
        <b className={styles.name}>
          <span className={styles.narrow}>
            <How call={call} />
          </span>
          {nameOfClient(call, f)}
        </b>
      ),
    },
    { name: "number", head: t("number"), width: "150px", narrow: "none", cell: (call) => <PhoneNumber number={call.client.number} {...(call.contact_id === null ? {} : { contact: call.contact_id })} /> },
    { name: "managers", head: t("managers"), narrow: "second", cell: (call) => (
        <span className="cut">
          {call.client.number && nameOfClient(call, f) !== f.phone(call.client.number) && <span className={styles.number}>{f.phone(call.client.number)} · </span>}
          {talked(call).join(" → ")}
        </span>
      ) },
    { name: "line", head: t("line"), width: "140px", narrow: "none", cell: (call) => call.did && <span className="cut">{lineName(call.did)}</span> },
    { name: "result", head: t("result"), width: "190px", narrow: "none", cell: (call) => <Ended call={call} /> },
    { name: "wait", head: t("wait"), width: "76px", isNumber: true, sort: "waited", narrow: "none", cell: (call) => <Duration seconds={call.wait_seconds} /> },
    { name: "talk", head: t("talk"), width: "92px", isNumber: true, sort: "longest", narrow: "none", cell: (call) => <Talk call={call} /> },
    { name: "kept", head: <span className="unseen">{t("kept")}</span>, width: "64px", narrow: "none", cell: (call) => <Kept call={call} /> },
  ];
}

/** Direction and whether it was missed, in one icon with its word. */
function How({ call }: { call: Call }) {
  const t = useWords("calls");
  const isMissed = call.result === "missed" && call.direction === "inbound";
  const icon = isMissed ? "missed" : call.direction === "outbound" ? "outgoing" : "incoming";
  const tone = isMissed ? styles.missed : call.result === "answered" ? styles.talked : styles.other;
  const word = isMissed ? t("result.missed") : t(call.direction === "outbound" ? "direction.outbound" : "direction.inbound");
  return (
    <span className={tone} role="img" aria-label={word}>
      <Icon name={icon} />
    </span>
  );
}

/** When it was; on a narrow screen how long one talked below it. */
function When({ call }: { call: Call }) {
  return (
    <>
      <Moment at={call.started_at} />
      <small className={styles.below}>
        <Talk call={call} />
      </small>
    </>
  );
}

function Talk({ call }: { call: Call }) {
  const t = useWords("calls");
  if (call.state !== "ended") return <Tag tone="talk">{t("now")}</Tag>;
  if (call.talk_seconds > 0) return <Duration seconds={call.talk_seconds} />;
  return <Ended call={call} />;
}

/** How it ended, in words. */
export function Ended({ call }: { call: Call }) {
  const t = useWords("calls");
  if (call.state !== "ended") return <Tag tone="talk">{t("now")}</Tag>;
  const word = t(`result.${call.result}` as "result.missed");
  const why = call.reason ? t(`reason.${call.reason}` as "reason.ivr") : "";
  return (
    <span className="cut" title={why}>
      {word}
    </span>
  );
}

function Kept({ call }: { call: Call }) {
  const t = useWords("calls");
  const recorded = call.recording?.state === "stored";
  const written = call.recording?.transcript_state === "ready";
  return (
    <span className={styles.kept}>
      {recorded && <Sign name="play" word={t("recorded")} />}
      {written && <Sign name="note" word={t("written")} />}
    </span>
  );
}

function Sign({ name, word }: { name: IconName; word: string }) {
  return (
    <span role="img" aria-label={word} title={word}>
      <Icon name={name} />
    </span>
  );
}

/** Those who talked in their order; of a call that nobody answered, those whose phones rang. */
export function talked(call: Pick<Call, "answered_by" | "managers">): string[] {
  const name = (extension: string) => call.managers.find((manager) => manager.extension === extension)?.name ?? extension;
  const some = call.answered_by.length > 0 ? call.answered_by : call.managers.map((manager) => manager.extension);
  return some.map(name);
}
