/* What the list of calls shows of each call. */

import type { Schemas } from "../api";
import { Duration, Icon, Moment, PhoneNumber, Tag, type Column, type IconName } from "../parts";
import { useFormats } from "../formats";
import { nameOfClient } from "../player/story";
import { useWords } from "../words";
import styles from "./columns.module.css";

export type Call = Schemas["CallView"];

export const FIRST = ["how", "when", "client", "number", "managers", "line", "wait", "talk", "kept"] as const;

export function useCallColumns(): readonly Column<Call>[] {
  const t = useWords("calls");
  const f = useFormats();
  return [
    { name: "how", head: <span className="unseen">{t("how")}</span>, width: "28px", narrow: "main", cell: (call) => <How call={call} /> },
    { name: "when", head: t("when"), width: "112px", narrow: "end", cell: (call) => <Moment at={call.started_at} /> },
    {
      name: "client",
      head: t("client"),
      narrow: "main",
      cell: (call) => <b className={styles.name}>{nameOfClient(call, f)}</b>,
    },
    { name: "number", head: t("number"), width: "150px", cell: (call) => <PhoneNumber number={call.client.number} {...(call.contact_id === null ? {} : { contact: call.contact_id })} /> },
    { name: "managers", head: t("managers"), cell: (call) => <span className="cut">{talked(call).join(" → ")}</span> },
    { name: "line", head: t("line"), width: "140px", narrow: "none", cell: (call) => f.phone(call.did) },
    { name: "result", head: t("result"), width: "190px", narrow: "none", cell: (call) => <Ended call={call} /> },
    { name: "wait", head: t("wait"), width: "64px", isNumber: true, narrow: "none", cell: (call) => <Duration seconds={call.wait_seconds} /> },
    { name: "talk", head: t("talk"), width: "84px", isNumber: true, narrow: "end", cell: (call) => <Talk call={call} /> },
    { name: "kept", head: <span className="unseen">{t("kept")}</span>, width: "52px", narrow: "none", cell: (call) => <Kept call={call} /> },
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
