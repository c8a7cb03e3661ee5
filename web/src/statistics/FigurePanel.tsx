/* What a figure counts, one by one: calls, tasks or touches, as many as the figure says; above them what it counts in words. */

import { Button } from "@mantine/core";
import { Link } from "react-router";
import { api, body, keys, usePages } from "../api";
import { useFormats } from "../formats";
import { Duration, Failed, Icon, Notice, SidePanel, SkeletonRows, Tag, useToast } from "../parts";
import { asProblem, type Schemas } from "../api";
import { useWords } from "../words";
import { callsLink, noon, OF_CLIENTS, writeRows, type RowsQuery } from "./figure";
import styles from "./FigurePanel.module.css";

type Row = Schemas["ReportRowView"];

export interface FigurePanelProps {
  /** Null: it is still looked for. */
  query: RowsQuery | null;
  /** Whose it is: a person, a team; before the figure's name. */
  whose?: string | undefined;
  onClose: () => void;
}

export function FigurePanel({ query, whose, onClose }: FigurePanelProps) {
  const t = useWords("statistics");
  const f = useFormats();
  const name = query ? t(`figure.${query.figure}` as "figure.calls") : "";
  const days = query ? (query.since === query.until ? f.weekDay(noon(query.since)) : `${f.shortDay(noon(query.since))} – ${f.shortDay(noon(query.until))}`) : "";
  const hour = query?.hour === undefined ? "" : `${query.hour}:00 – ${query.hour + 1}:00`;
  const weekday = query?.weekday === undefined ? "" : t(`weekday.${query.weekday}` as "weekday.1");
  const label = [whose, name, weekday, hour, weekday ? "" : days].filter(Boolean).join(", ");
  return (
    <SidePanel label={label} onClose={onClose} width={390} foot={query && <Foot query={query} />}>
      {query ? <Rows key={writeRows(query)} query={query} days={weekday ? days : ""} /> : <SkeletonRows />}
    </SidePanel>
  );
}

function Foot({ query }: { query: RowsQuery }) {
  const t = useWords("statistics");
  const toast = useToast();
  const link = callsLink(query);
  const copy = () =>
    void navigator.clipboard.writeText(location.href).then(
      () => toast({ text: t("copied"), icon: "link" }),
      () => toast({ text: t("notCopied"), icon: "warn" }),
    );
  return (
    <>
      {link && (
        <Button component={Link} to={link} variant="default" leftSection={<Icon name="list" />}>
          {t("openInCalls")}
        </Button>
      )}
      <Button variant="default" leftSection={<Icon name="link" />} onClick={copy}>
        {t("copy")}
      </Button>
    </>
  );
}

function Rows({ query, days }: { query: RowsQuery; days: string }) {
  const t = useWords("statistics");
  const f = useFormats();
  const pages = usePages(keys.view("reports", "rows", query), (cursor) =>
    body(api.GET("/api/v1/reports/rows", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
  const { rows } = pages;
  const sum = query.figure === "talk_seconds" && rows ? rows.reduce((all, row) => all + (row.talk_seconds ?? row.call?.talk_seconds ?? 0), 0) : null;
  return (
    <>
      <div className={styles["what"]}>
        {rows && (
          <p className={styles["n"]} data-testid="figure-rows">
            <b>{f.count(rows.length)}</b>
            {pages.hasMore && "+"} {t("rows", { count: rows.length })} {days} {sum !== null && !pages.hasMore && <Tag>{f.sum(sum)}</Tag>}
          </p>
        )}
        <p className={styles["definition"]}>
          <Icon name="info" /> <span>{t(definitionOf(query))}</span>
        </p>
      </div>
      {!rows && pages.query.error && <Failed problem={asProblem(pages.query.error)} retry={() => void pages.query.refetch()} isPage={false} />}
      {!rows && !pages.query.error && <SkeletonRows />}
      {rows?.length === 0 && <Notice icon="list" title={t("none")} />}
      {rows && rows.length > 0 && (
        <ul className={styles["rows"]} data-long={query.since !== query.until || undefined}>
          {rows.map((row) => (
            <li key={`${row.call?.id ?? row.task?.id ?? row.touch?.id ?? row.missed?.id ?? ""} ${row.extension ?? ""}`}>
              <OneRow row={row} isLong={query.since !== query.until} />
            </li>
          ))}
        </ul>
      )}
      {pages.hasMore && (
        <Button variant="subtle" fullWidth onClick={pages.more} loading={pages.query.isFetchingNextPage}>
          {t("more")}
        </Button>
      )}
    </>
  );
}

const OF_MANAGER = ["calls", "answered", "missed", "talk_seconds"] as const;

/** The sentence that says what is counted: of a person and of the company they are not the same. */
function definitionOf(query: RowsQuery) {
  if (OF_CLIENTS.includes(query.figure)) return "definition.returned";
  const own = OF_MANAGER.find((name) => name === query.figure);
  if (own && (query.user !== undefined || query.team !== undefined)) return `definition.own.${own}` as "definition.own.missed";
  return `definition.${query.figure}` as "definition.missed";
}

function OneRow({ row, isLong }: { row: Row; isLong: boolean }) {
  const t = useWords("statistics");
  const f = useFormats();
  const { call, task, touch, missed, fate } = row;
  const when = isLong ? f.moment(row.at) : f.clock(row.at);
  if (task) {
    return (
      <Link to={`/tasks?task=${task.id}`} className={styles["row"]}>
        <time>{when}</time>
        <span className={styles["who"]}>
          <b className="cut">{task.title}</b>
        </span>
      </Link>
    );
  }
  if (touch) {
    return (
      <Link to={touch.contact === null ? "#" : `/clients/${touch.contact}`} className={styles["row"]}>
        <time>{when}</time>
        <span className={styles["who"]}>
          <b className="cut">{touch.kind}</b>
        </span>
      </Link>
    );
  }
  if (missed && fate) return <OneClient missed={missed} fate={fate} when={when} />;
  if (!call) return null;
  const who = [call.contact_name, call.client.name].find((name) => name) ?? f.phone(call.client.number);
  const isMissed = call.direction === "inbound" && call.result === "missed";
  const icon = isMissed ? "missed" : call.direction === "outbound" ? "outgoing" : "incoming";
  const people = call.managers.filter((part) => part.talk_seconds > 0 || isMissed).map((part) => part.name ?? part.extension);
  const reason = call.missed_reason ? t(`reason.${call.missed_reason}` as "reason.abandoned") : t(`result.${call.result}` as "result.answered");
  return (
    <Link to={`/calls/${call.id}`} className={styles["row"]}>
      <time>{when}</time>
      <span className={styles["who"]}>
        <b className="cut">{who}</b>
        <small className="cut">{[reason, people.join(", ")].filter(Boolean).join(" · ")}</small>
      </span>
      <span className={isMissed ? styles["missed"] : styles["length"]}>
        <Icon name={icon} /> <Duration seconds={isMissed ? call.wait_seconds : (row.talk_seconds ?? call.talk_seconds)} />
      </span>
    </Link>
  );
}

const FATES = {
  returned_in_time: { tone: "talk", word: "fate.inTime" },
  returned_later: { tone: "warn", word: "fate.later" },
  returned_never: { tone: "miss", word: "fate.never" },
} as const;

function OneClient({ missed, fate, when }: { missed: NonNullable<Row["missed"]>; fate: NonNullable<Row["fate"]>; when: string }) {
  const t = useWords("statistics");
  const f = useFormats();
  const { tone, word } = FATES[fate];
  const body = (
    <>
      <time>{when}</time>
      <span className={styles["who"]}>
        <b className="cut">{f.client(missed.contact_name, missed.number)}</b>
        <small className="cut">{[t("calledTimes", { count: missed.calls }), missed.owner_name].filter(Boolean).join(" · ")}</small>
      </span>
      <Tag tone={tone}>{t(word)}</Tag>
    </>
  );
  return missed.contact === null ? (
    <div className={styles["row"]}>{body}</div>
  ) : (
    <Link to={`/clients/${missed.contact}`} className={styles["row"]}>
      {body}
    </Link>
  );
}
