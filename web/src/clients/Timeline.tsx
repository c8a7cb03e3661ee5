/* All that happened with a client, over all managers, the newest first; a call that goes on stands on top. */

import { Button, SegmentedControl, Textarea } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Link } from "react-router";
import { asProblem, useOpenCalls, type LiveCall } from "../api";
import { useDraft } from "../drafts";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Failed, Icon, KeyOf, SkeletonRows, Timer } from "../parts";
import { useLanguage, useWords } from "../words";
import { useSession } from "../app/session";
import { byDay, labelOf, number, settled, signOf, talkersOf, text, wasTransferred, type Entry } from "./entries";
import { KINDS, useMerges, useTimeline, useUndoMerge, useWriteNote, type KindOfEntry } from "./queries";
import styles from "./Timeline.module.css";

const PARTS = Object.keys(KINDS) as KindOfEntry[];

export function Timeline({ contact }: { contact: number }) {
  const t = useWords("clients");
  const f = useFormats();
  const [kind, setKind] = useState<KindOfEntry>("all");
  const pages = useTimeline(contact, kind);
  const problem = asProblem(pages.query.error);
  const me = useSession().userId;
  const live = useCallWith(contact);
  const [written, setWritten] = useState<readonly Entry[]>([]);
  // What a colleague does while one reads waits to be shown; what one did oneself is there at once.
  const [edge, setEdge] = useState<{ readonly kind: KindOfEntry; readonly at: string } | null>(null);
  const first = pages.isOld ? undefined : pages.rows?.[0]?.at;
  if (first !== undefined && edge?.kind !== kind) setEdge({ kind, at: first });
  const { shown, waiting } = settled(pages.rows ?? [], kind === "all" || kind === "notes" ? written : [], edge?.kind === kind ? edge.at : null, { me, live: live?.id ?? null });
  const show = () => setEdge(null);
  const keep = (entry: Entry, isRead: Promise<unknown>) => {
    setWritten((all) => [entry, ...all]);
    void isRead.then(() => setWritten((all) => all.filter((one) => one !== entry)));
  };
  useKeys({ "list.news": show }, waiting > 0);
  return (
    <div className={styles.timeline}>
      <SegmentedControl aria-label={t("timeline")} value={kind} data={PARTS.map((value) => ({ value, label: t(`entries.${value}`) }))} onChange={(value) => setKind(PARTS.find((part) => part === value) ?? "all")} />
      {live && <OnTheLine call={live} />}
      <NewNote contact={contact} onWritten={keep} />
      {waiting > 0 && (
        <Button size="xs" variant="light" className={styles.news ?? ""} onClick={show} rightSection={<KeyOf act="list.news" />}>
          {t("timeline.news", { count: waiting })}
        </Button>
      )}
      {problem && !pages.rows && <Failed problem={problem} retry={() => void pages.query.refetch()} />}
      {!problem && !pages.rows && <SkeletonRows height={46} />}
      {pages.rows && shown.length === 0 && <p className="dim">{t("timeline.none")}</p>}
      {byDay(shown, f.isoDay).map(({ day, entries }) => (
        <section key={day} aria-label={f.longDay(`${day}T12:00:00`)}>
          <h3 className={styles.day}>{f.longDay(`${day}T12:00:00`)}</h3>
          <ul>
            {entries.map((entry) => (
              <Item key={`${entry.kind} ${entry.id} ${entry.at}`} entry={entry} contact={contact} />
            ))}
          </ul>
        </section>
      ))}
      {pages.hasMore && (
        <Button variant="default" loading={pages.query.isFetchingNextPage} onClick={pages.more}>
          {t("timeline.more")}
        </Button>
      )}
    </div>
  );
}

function useCallWith(contact: number): LiveCall | undefined {
  const calls = useOpenCalls();
  return [...calls.values()].find((open) => open.contact_id === contact);
}

/** The call with this client that goes on. */
function OnTheLine({ call }: { call: LiveCall }) {
  const t = useWords("clients");
  const me = useSession().userId;
  const who = call.managers.map((manager) => (manager.user_id === me && me !== null ? t("you") : (manager.name ?? manager.extension)));
  return (
    <p className={styles.live}>
      <Icon name="phone" />
      <b>{t(call.state === "ringing" ? "ringing" : "talking")}</b>
      <span className="cut">{who.join(" → ")}</span>
      <Timer since={call.answered_at ?? call.started_at} className={styles.clock} />
    </p>
  );
}

function NewNote({ contact, onWritten }: { contact: number; onWritten: (entry: Entry, isRead: Promise<unknown>) => void }) {
  const t = useWords("clients");
  const { id, name } = useSession();
  const [note, setNote, drop] = useDraft(`contact/${contact}/new-note`, "");
  const write = useWriteNote(contact, (made, isRead) => {
    drop();
    onWritten({ kind: "note", id: String(made.id), at: made.at, by: id, by_name: name, open: true, body: { text: made.text } }, isRead);
  });
  const send = () => {
    if (note.trim() && !write.isPending) write.run(note.trim());
  };
  useKeys({ "row.note": () => document.getElementById("new-note")?.focus() });
  return (
    <form
      className={styles.note}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        id="new-note"
        autosize
        minRows={1}
        maxRows={8}
        maxLength={10_000}
        value={note}
        aria-label={t("note.new")}
        placeholder={t("note.new")}
        onChange={(event) => setNote(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          event.stopPropagation();
          send();
        }}
      />
      {note.trim() !== "" && (
        <Button type="submit" loading={write.isPending} rightSection={<KeyOf act="outcome.save" />}>
          {t("note.write")}
        </Button>
      )}
    </form>
  );
}

function Item({ entry, contact }: { entry: Entry; contact: number }) {
  const f = useFormats();
  const { icon, tone } = signOf(entry);
  return (
    <li className={styles.item}>
      <span className={styles.sign} data-tone={tone}>
        <Icon name={icon} />
      </span>
      <div className={styles.said}>
        <Said entry={entry} contact={contact} />
      </div>
      <time dateTime={entry.at}>{f.clock(entry.at)}</time>
    </li>
  );
}

function Said({ entry, contact }: { entry: Entry; contact: number }): ReactNode {
  const t = useWords("clients");
  const f = useFormats();
  const language = useLanguage();
  const nameOf = useNameOf();
  const { body } = entry;
  switch (entry.kind) {
    case "call":
      return <SaidCall entry={entry} />;
    case "note":
      return (
        <>
          <b>{t("entry.note")}</b> <By entry={entry} />
          <p className={styles.text}>{text(body, "text")}</p>
        </>
      );
    case "merge":
      return <SaidMerge entry={entry} contact={contact} />;
    case "task":
    case "task_ended":
      return (
        <>
          <b>{t(entry.kind === "task" ? "entry.task" : `entry.task.${text(body, "state") === "failed" ? "failed" : "done"}`)}</b> <span>{text(body, "title")}</span>
          <small>{[text(body, "due_at") && f.moment(text(body, "due_at")), nameOf(number(body, "owner"), text(body, "owner_name"))].filter(Boolean).join(", ")}</small>
        </>
      );
    case "scheduled":
    case "scheduled_ended":
      return (
        <>
          <b>{t("entry.scheduled")}</b> <span>{f.moment(text(body, "at"))}</span> <small>{text(body, "note")}</small>
        </>
      );
    case "outcome":
      return (
        <>
          <b>{t("entry.outcome", { outcome: labelOf(body, "outcome", language) })}</b> <small>{labelOf(body, "reason", language)}</small> <By entry={entry} />
          {text(body, "note") && <p className={styles.text}>{text(body, "note")}</p>}
        </>
      );
    case "touch":
      return (
        <>
          <b>{t("entry.touch")}</b> <small>{[text(body, "source_name"), text(body, "source_kind")].filter(Boolean).join(", ")}</small>
          {text(body, "text") && <p className={styles.text}>{text(body, "text")}</p>}
        </>
      );
    case "owner":
      return (
        <>
          <b>{t("entry.owner")}</b>{" "}
          <small>
            {(number(body, "from") ? nameOf(number(body, "from"), text(body, "from_name")) : t("owner.none")) + " → " + (number(body, "to") ? nameOf(number(body, "to"), text(body, "to_name")) : t("owner.none"))}
          </small>
        </>
      );
    case "import":
      return (
        <>
          <b>{t("entry.import")}</b> <small>{text(body, "file")}</small> <By entry={entry} />
        </>
      );
    default:
      return <b>{t("entry.other")}</b>;
  }
}

/** A colleague by name, oneself as "you". */
function useNameOf(): (user: number | null, name: string) => string {
  const t = useWords("clients");
  const me = useSession().userId;
  return (user, name) => (user !== null && user === me ? t("you") : name);
}

/** Who did it, where a person did. */
function By({ entry }: { entry: Entry }) {
  const nameOf = useNameOf();
  if (!entry.by_name) return null;
  return <small>{nameOf(Number(entry.by?.replace("user:", "")), entry.by_name)}</small>;
}

function SaidCall({ entry }: { entry: Entry }) {
  const t = useWords("clients");
  const calls = useWords("calls");
  const f = useFormats();
  const { body } = entry;
  const talk = number(body, "talk_seconds");
  const result = text(body, "result");
  const reason = text(body, "reason");
  const nameOf = useNameOf();
  const talkers = talkersOf(body);
  // Of one who talked alone the length stands in front already.
  const who = talkers.map(({ name, seconds, user }) => (seconds > 0 && talkers.length > 1 ? `${nameOf(user, name)} ${f.duration(seconds)}` : nameOf(user, name)));
  const what = result === "answered" ? t("entry.talked", { time: f.duration(talk) }) : calls(`result.${result || "missed"}` as "result.missed");
  return (
    <>
      {entry.open ? <Link to={`/calls/${entry.id}`}>{what}</Link> : <b>{what}</b>} <small>{who.join(wasTransferred(body) || result === "answered" ? " → " : ", ")}</small>
      {reason && result !== "answered" && <small>{calls(`reason.${reason}` as "reason.ivr")}</small>}
    </>
  );
}

function SaidMerge({ entry, contact }: { entry: Entry; contact: number }) {
  const t = useWords("clients");
  const merges = useMerges(contact);
  const undo = useUndoMerge(contact);
  const merge = merges.data?.items.find((some) => String(some.id) === entry.id);
  const isUndone = text(entry.body, "undone_at") !== "";
  return (
    <>
      <b>{t("entry.merge", { name: merge?.gone_name ?? text(entry.body, "gone_name") })}</b> <By entry={entry} />
      {isUndone ? (
        <small>{t("merge.undone")}</small>
      ) : (
        merge && (
          <Button size="xs" variant="subtle" leftSection={<Icon name="undo" size={14} />} disabled={undo.isPending} onClick={() => undo.run(merge.id)}>
            {t("merge.undo")}
          </Button>
        )
      )}
    </>
  );
}
