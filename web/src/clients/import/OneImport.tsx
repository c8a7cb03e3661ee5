/* One import, from its columns to its result. */

import { Button, Progress } from "@mantine/core";
import { Link } from "react-router";
import { asProblem } from "../../api";
import { useFormats } from "../../formats";
import { Failed, Icon, Panel, SkeletonRows, Tag } from "../../parts";
import { useWords } from "../../words";
import { StateTag } from ".";
import { Mapping } from "./Mapping";
import { OptionFields } from "./OptionFields";
import { useForget, useImportOrder, useLeft, useRows, type Import, type ImportRow } from "./queries";
import { CODES, isActive, isOpen, isWritten, shareOf } from "./steps";
import { WritingFields } from "./WritingFields";
import styles from "./index.module.css";

export function OneImport({ of, close }: { of: Import; close: () => void }) {
  const t = useWords("imports");
  const f = useFormats();
  return (
    <>
      <div className={styles.head}>
        <h2 className="cut">{of.name}</h2>
        <StateTag state={of.state} />
        <small className="dim">{t("rows", { count: of.progress.total, n: f.count(of.progress.total) })}</small>
        <Acts of={of} close={close} />
      </div>
      {of.same.length > 0 && isOpen(of.state) && (
        <p className={styles.notice} role="status">
          <Icon name="warn" /> {t("sameFile", { when: f.moment(of.same[0]?.made_at ?? of.made_at) })}
        </p>
      )}
      {of.fault && (
        <p className={styles.notice} role="alert">
          <Icon name="warn" /> {of.fault}
        </p>
      )}
      {isActive(of.state) && <Going of={of} />}
      {!isOpen(of.state) || of.state === "checked" ? <Counts of={of} /> : null}
      {isOpen(of.state) && (
        <>
          <WritingFields of={of} />
          <Mapping of={of} />
          <OptionFields of={of} />
        </>
      )}
      {(of.state === "checked" || isWritten(of.state)) && (
        <>
          <Rows of={of} shown="refused" />
          <Rows of={of} shown="told" />
        </>
      )}
      {of.state === "undone" && <Left of={of} />}
    </>
  );
}

function Acts({ of, close }: { of: Import; close: () => void }) {
  const t = useWords("imports");
  const f = useFormats();
  const order = useImportOrder(of.id);
  const forget = useForget(close);
  const good = (of.counts["created"] ?? 0) + (of.counts["joined"] ?? 0);
  const run = (word: "check" | "run" | "cancel" | "undo", isForced = false) => order.run({ order: word, isForced });
  return (
    <span className={styles.acts}>
      {isOpen(of.state) && (
        <>
          <Button variant="subtle" disabled={forget.isPending} onClick={() => forget.run(of.id)}>
            {t("forget")}
          </Button>
          <Button variant={of.state === "ready" ? "filled" : "default"} loading={order.isPending} onClick={() => run("check")}>
            {t("check")}
          </Button>
        </>
      )}
      {of.state === "checked" && (
        <Button variant="filled" loading={order.isPending} disabled={good === 0} onClick={() => run("run", of.same.length > 0)}>
          {t("run", { count: good, n: f.count(good) })}
        </Button>
      )}
      {isActive(of.state) && (
        <Button variant="default" loading={order.isPending} onClick={() => run("cancel")}>
          {t("stop")}
        </Button>
      )}
      {isWritten(of.state) && (
        <Button variant="default" leftSection={<Icon name="undo" />} loading={order.isPending} onClick={() => run("undo")}>
          {t("undo")}
        </Button>
      )}
    </span>
  );
}

function Going({ of }: { of: Import }) {
  const t = useWords("imports");
  const f = useFormats();
  const { done, total, seconds_left } = of.progress;
  const state = of.state === "checking" || of.state === "undoing" ? of.state : "running";
  return (
    <Panel isPadded>
      <p role="status">
        {t(`going.${state}`, { done: f.count(done), total: f.count(total) })} {seconds_left !== null && <small className="dim">{t("left", { time: f.distance(seconds_left) })}</small>}
      </p>
      <Progress value={shareOf(of.progress)} aria-label={t(`state.${state}`)} />
    </Panel>
  );
}

const VERDICTS = ["created", "joined", "refused"] as const;

/** What becomes of the rows, or became of them. */
function Counts({ of }: { of: Import }) {
  const t = useWords("imports");
  const f = useFormats();
  const isTried = of.state === "checked" || of.state === "checking";
  const refused = of.counts["refused"] ?? 0;
  const file = (format: string) => `/api/v1/imports/${of.id}/verdicts?verdict=refused&format=${format}`;
  return (
    <Panel title={t(isTried ? "tried" : "result")} isPadded>
      <dl className={styles.counts}>
        {VERDICTS.map((verdict) => (
          <div key={verdict} data-verdict={verdict}>
            <dt>{t(`verdict.${verdict}`)}</dt>
            <dd>{f.count(of.counts[verdict] ?? 0)}</dd>
          </div>
        ))}
      </dl>
      {refused > 0 && (
        <p className={styles.files}>
          <Icon name="export" /> {t("bad")}{" "}
          <a href={file("xlsx")} download>
            {t("file.xlsx")}
          </a>{" "}
          <a href={file("csv")} download>
            {t("file.csv")}
          </a>
        </p>
      )}
    </Panel>
  );
}

function Rows({ of, shown }: { of: Import; shown: "refused" | "told" }) {
  const t = useWords("imports");
  const pages = useRows(of, shown);
  const problem = asProblem(pages.query.error);
  if (!pages.rows) return problem ? <Failed problem={problem} retry={() => void pages.query.refetch()} /> : <SkeletonRows />;
  const rows = shown === "told" ? pages.rows.filter((row) => row.verdict !== "refused") : pages.rows;
  if (rows.length === 0) return null;
  return (
    <Panel title={t(shown === "told" ? "leftOut" : "refused")}>
      <ul className={styles.rows}>
        {rows.map((row) => (
          <li key={row.line}>
            <b>{t("line", { n: row.line })}</b>
            <span>
              <Verdict row={row} />
            </span>
            <small className="cut dim">{row.cells.join(" · ")}</small>
          </li>
        ))}
      </ul>
      {pages.hasMore && (
        <Button variant="subtle" fullWidth loading={pages.query.isFetchingNextPage} onClick={pages.more}>
          {t("more")}
        </Button>
      )}
    </Panel>
  );
}

/** Why a row was refused, and what of it was left out. */
function Verdict({ row }: { row: ImportRow }) {
  const t = useWords("imports");
  const reason = (code: string, words: string) => {
    const known = CODES.find((some) => some === code);
    return known ? t(`code.${known}`) : words;
  };
  const at = (column: string, value: string) => [column, value && `“${value}”`].filter(Boolean).join(": ");
  return (
    <>
      {row.verdict === "refused" && (
        <>
          <Tag tone="miss">{at(row.column, row.value) || t("verdict.refused")}</Tag> {reason(row.code, row.words)}{" "}
          {row.contact !== null && <Link to={`/clients/${row.contact}`}>{t("card")}</Link>}
        </>
      )}
      {row.faults.map((fault) => (
        <span key={`${fault.column} ${fault.value}`} className={styles.told}>
          <Tag tone="warn">{at(fault.column, fault.value)}</Tag> {reason(fault.code, fault.words)}
        </span>
      ))}
    </>
  );
}

/** What taking back left, for people have changed it since. */
function Left({ of }: { of: Import }) {
  const t = useWords("imports");
  const order = useImportOrder(of.id);
  const left = useLeft(of).data?.items ?? [];
  if (left.length === 0) return <p className="dim">{t("undone.whole")}</p>;
  return (
    <Panel
      title={t("undone.left")}
      acts={
        <Button size="xs" variant="default" loading={order.isPending} onClick={() => order.run({ order: "undo", isForced: true })}>
          {t("undone.force")}
        </Button>
      }
    >
      <ul className={styles.rows}>
        {left.map(({ contact, what }) => (
          <li key={contact}>
            <Link to={`/clients/${contact}`}>{t("card.n", { n: contact })}</Link>
            <span>{what.join(", ")}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
