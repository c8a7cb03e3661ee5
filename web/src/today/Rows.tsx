/* The rows of the day: whom to return now, what was agreed, what is to be done. Two lines a row, the clock at the left. */

import { ActionIcon } from "@mantine/core";
import { memo, useState, type ReactNode } from "react";
import { Link } from "react-router";
import { useFormats } from "../formats";
import { CallButton, Countdown, Icon, PhoneNumber, Tag, useMinute, useSecond, type IconName } from "../parts";
import { LateMenu } from "../parts/LateMenu";
import { MenuAct } from "../parts/MenuAct";
import { useChangeTask } from "../tasks/queries";
import { useWords } from "../words";
import { clientOf, secondsLeft, shareLeft, urgencyOf, type AgreedRow, type TaskRow } from "./day";
import styles from "./Rows.module.css";

interface RowProps {
  when: ReactNode;
  icon: IconName;
  isMissed?: boolean;
  row: TaskRow | AgreedRow;
  what: ReactNode;
  why: ReactNode;
  act: ReactNode;
}

/** The frame of every row; the focus and the choice are the list's. */
function Row({ when, icon, isMissed, row, what, why, act }: RowProps) {
  const t = useWords("today");
  const f = useFormats();
  const client = clientOf(row);
  const name = client.name || client.number ? f.client(client.name) : t("nobody");
  return (
    <div className={styles.row}>
      <span className={styles.when}>{when}</span>
      <span className={styles.icon} data-missed={isMissed ? true : undefined}>
        <Icon name={icon} />
      </span>
      <span className={styles.two}>
        {client.id === null ? <b>{name}</b> : <Link to={`/clients/${client.id}`} className={styles.name}>{name}</Link>}
        <small>{row.organisation?.name ?? (client.name === null && client.number ? t("unsorted") : "")}</small>
      </span>
      <span className={styles.two}>
        <span>{what}</span>
        <small>{why}</small>
      </span>
      <span className={`${styles.two ?? ""} ${styles.number ?? ""}`}>
        {client.number && <PhoneNumber number={client.number} isText />}
        <small>{there(row, t)}</small>
      </span>
      <span className={styles.act}>{act}</span>
    </div>
  );
}

/** The client's clock, or his town where his clock is ours or nobody knows it. */
function there(row: TaskRow | AgreedRow, t: ReturnType<typeof useWords<"today">>): string {
  const clock = row.local_time && /T(\d\d:\d\d)/.exec(row.local_time)?.[1];
  if (clock && row.zone) return t("there", { clock });
  return row.city ?? "";
}

/** A client who was missed, with the clock that runs. */
export const ReturnRow = memo(function ReturnRow({ row, minutes, me }: { row: TaskRow; minutes: number | null; me: number }) {
  const t = useWords("today");
  const f = useFormats();
  const { task } = row.entry;
  const missed = row.missed;
  const isTaken = row.held !== null && row.held.user !== me;
  const client = clientOf(row);
  const why = missed && [missed.line || f.phone(missed.did), f.moment(missed.at)].filter(Boolean).join(" · ");
  return (
    <Row
      row={row}
      icon="missed"
      isMissed
      when={task.due_at ? <ReturnClock due={task.due_at} minutes={minutes} /> : null}
      what={missed ? t(`why.${missed.reason}` as "why.abandoned", { seconds: f.duration(missed.wait_seconds ?? missed.ring_seconds) }) : task.title}
      why={why}
      act={
        isTaken ? (
          <Tag tone="hold" icon="outgoing">
            {t("calls.colleague", { name: row.held?.name ?? "" })}
          </Tag>
        ) : (
          client.number && <CallButton isMain word={t("callBack")} number={client.number} {...idOf(client.id)} />
        )
      }
    />
  );
});

const idOf = (contact: number | null) => (contact === null ? {} : { contact });

/** From here on the clock is told and not what is left: it belongs to another working day. */
const FAR_S = 3600;

/** A ring that empties, then red and by how much it is over. */
function ReturnClock({ due, minutes }: { due: string; minutes: number | null }) {
  const t = useWords("today");
  const f = useFormats();
  const left = secondsLeft(due, useSecond());
  const urgency = urgencyOf(left, minutes);
  const round = 2 * Math.PI * 6;
  if (left > FAR_S) {
    return (
      <span className={styles.at}>
        <b>{f.clock(due)}</b>
        <small>{f.dayName(due)}</small>
      </span>
    );
  }
  return (
    <span className={styles.clock} data-urgency={urgency}>
      <span>
        {urgency === "over" ? (
          <Icon name="warn" />
        ) : (
          <svg width={16} height={16} viewBox="0 0 16 16" aria-hidden="true">
            <circle cx={8} cy={8} r={6} className={styles.ground} />
            <circle
              cx={8}
              cy={8}
              r={6}
              className={styles.rest}
              strokeDasharray={`${round * shareLeft(left, minutes)} ${round}`}
              transform="rotate(-90 8 8)"
            />
          </svg>
        )}
        <Countdown until={due} className={styles.time} />
      </span>
      <small>{t(urgency === "over" ? "over" : "left")}</small>
    </span>
  );
}

/** A call that was agreed with a client. */
export const ScheduledRow = memo(function ScheduledRow({ row }: { row: AgreedRow }) {
  const t = useWords("today");
  const f = useFormats();
  const now = useMinute();
  const { call } = row.entry;
  const isPast = Date.parse(call.at) < now;
  return (
    <Row
      row={row}
      icon="clock"
      when={
        <span className={styles.at} data-late={isPast || undefined}>
          <b>{f.daysFrom(call.at, now) === 0 ? f.clock(call.at) : f.dayName(call.at, now)}</b>
          <small>{f.daysFrom(call.at, now) === 0 ? f.fromNow(call.at, now) : f.clock(call.at)}</small>
        </span>
      }
      what={call.note || t("agreed")}
      why={call.attempts > 0 ? t("tried", { count: call.attempts }) : t("promised", { when: f.shortDay(call.created_at, now) })}
      act={<CallButton word={t("call")} number={call.number} {...idOf(call.contact?.id ?? null)} />}
    />
  );
});

const KINDS: Readonly<Record<string, IconName>> = { call: "task", call_back: "missed", letter: "letter", meeting: "meeting", own: "task" };

/** A task of the day. */
export const TodoRow = memo(function TodoRow({ row }: { row: TaskRow }) {
  const t = useWords("today");
  const f = useFormats();
  const now = useMinute();
  const { task } = row.entry;
  const client = clientOf(row);
  const isGroup = row.group_total !== null && row.group_total > 1;
  const what = task.title || t(`kind.${task.kind}`);
  const from = row.made_by_name ? t("from", { name: row.made_by_name }) : t(`origin.${task.origin}`);
  return (
    <Row
      row={row}
      icon={isGroup ? "clients" : (KINDS[task.kind] ?? "task")}
      isMissed={task.overdue}
      when={<Due at={task.due_at} now={now} />}
      what={what}
      why={isGroup ? t("group", { open: f.count(row.group_open ?? 0), total: f.count(row.group_total ?? 0) }) : task.note || from}
      act={
        <span className={styles.acts}>
          {client.number && task.kind !== "letter" && <CallButton word={t("call")} number={client.number} {...idOf(client.id)} />}
          <TaskMenu task={task} />
        </span>
      }
    />
  );
});

function Due({ at, now }: { at: string | null; now: number }) {
  const t = useWords("today");
  const f = useFormats();
  if (at === null) return <span className={styles.at}><small>{t("undated")}</small></span>;
  const left = (Date.parse(at) - now) / 1000;
  const isToday = f.daysFrom(at, now) === 0;
  return (
    <span className={styles.at} data-late={left < 0 || undefined}>
      <b>{isToday ? f.clock(at) : f.dayName(at, now)}</b>
      <small>{left < 0 ? t("overBy", { time: f.distance(-left) }) : isToday ? t("day.today") : f.clock(at)}</small>
    </span>
  );
}

/** What can be done with a task besides calling. */
function TaskMenu({ task }: { task: TaskRow["entry"]["task"] }) {
  const t = useWords("today");
  const f = useFormats();
  const change = useChangeTask();
  const [isOpen, setOpen] = useState(false);
  const base = Math.max(Date.now(), task.due_at ? Date.parse(task.due_at) : 0);
  const finish = () => change.run({ task, change: { state: "done" }, said: t("finished", { title: task.title }) });
  const move = (hours: number) => {
    const due = new Date(base + hours * 3_600_000).toISOString();
    change.run({ task, change: { due_at: due }, said: t("moved", { when: f.moment(due) }), icon: "clock" });
  };
  return (
    <LateMenu
      isOpen={isOpen}
      onChange={setOpen}
      position="bottom-end"
      target={
        <ActionIcon variant="subtle" color="gray" size="xs" aria-label={t("more", { title: task.title })} aria-haspopup="menu" onClick={() => setOpen(!isOpen)}>
          <Icon name="more" />
        </ActionIcon>
      }
    >
      <MenuAct icon={<Icon name="check" />} onClick={finish}>
        {t("finish")}
      </MenuAct>
      <MenuAct icon={<Icon name="clock" />} onClick={() => move(1)}>
        {t("move.hour")}
      </MenuAct>
      <MenuAct icon={<Icon name="calendar" />} onClick={() => move(24)}>
        {t("move.day")}
      </MenuAct>
      <MenuAct icon={<Icon name="calendar" />} onClick={() => move(7 * 24)}>
        {t("move.week")}
      </MenuAct>
    </LateMenu>
  );
}
