/* What goes, before; how far it is, meanwhile; what came of it, and Undo, afterwards. */

import { Button, Progress } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { asProblem } from "../api";
import { useReader } from "../app/reader";
import { useSession } from "../app/session";
import { beginOf } from "../calls/filters";
import { useFormats } from "../formats";
import { Icon, Shown, useToast } from "../parts";
import { useWords } from "../words";
import { daysEnd, orderOf, receivers, shares, wayOf, whichOf, type Filters } from "./choice";
import { useByRules, useCloseAccount, useCounted, useNames, useUndo, type Clientele, type Counted } from "./queries";
import { begin, forget, stop, useRun, type Run } from "./run";
import styles from "./index.module.css";

interface GoingProps {
  from: Clientele;
  filters: Filters;
  people: readonly Clientele[];
  choose: (user: number | null) => void;
}

export function Going({ from, filters, people, choose }: GoingProps) {
  const counted = useCounted(from.user, whichOf(filters));
  const run = useRun();
  if (run?.order.from === from.user) return <Doing run={run} from={from} isLeaving={filters.leaving !== undefined} choose={choose} />;
  return <Shown query={counted}>{(all) => <Before counted={all} filters={filters} people={people} isRunning={run?.state === "running"} />}</Shown>;
}

function Before({ counted, filters, people, isRunning }: { counted: Counted; filters: Filters; people: readonly Clientele[]; isRunning: boolean }) {
  const t = useWords("handover");
  const f = useFormats();
  const reader = useReader();
  const day = daysEnd(filters);
  const order = orderOf(filters, day === null ? null : beginOf(day, reader));
  const takes = { tasks: filters.tasks !== "stay", scheduled: filters.planned !== "stay" };
  const nobody = order === null ? t("to.choose") : counted.cards === 0 ? t("none.meant") : null;
  return (
    <div className={styles["part"]}>
      <dl className={styles["counts"]}>
        <Count word={t("head.cards")} n={counted.cards} isFirst />
        <Count word={t("head.tasks")} n={takes.tasks ? counted.tasks : 0} of={counted.tasks} />
        <Count word={t("head.planned")} n={takes.scheduled ? counted.scheduled : 0} of={counted.scheduled} />
        <Count word={t("head.missed")} n={counted.missed} />
      </dl>
      {counted.other_tasks > 0 && <p className={styles["quiet"]}>{t("stays", { count: counted.other_tasks })}</p>}
      <Shared counted={counted} filters={filters} people={people} />
      {day !== null && <p className={styles["quiet"]}>{t("back", { day: f.weekDay(`${day}T12:00:00`) })}</p>}
      <Button variant="filled" fullWidth disabled={order === null || counted.cards === 0 || isRunning} onClick={() => order && void begin(order, counted.cards)}>
        {t("begin", { count: counted.cards })}
      </Button>
      {nobody && <p className={styles["quiet"]}>{nobody}</p>}
      <p className={styles["quiet"]}>
        <Icon name="info" size={14} /> {t("undo.how")}
      </p>
    </div>
  );
}

function Count({ word, n, of = n, isFirst }: { word: string; n: number; of?: number; isFirst?: boolean }) {
  const t = useWords("handover");
  const f = useFormats();
  return (
    <div data-first={isFirst}>
      <dt>{word}</dt>
      <dd>
        <b>{f.count(n)}</b> {n < of && <small>{t("stay", { n: f.count(of - n) })}</small>}
      </dd>
    </div>
  );
}

/** Who gets how many. */
function Shared({ counted, filters, people }: { counted: Counted; filters: Filters; people: readonly Clientele[] }) {
  const t = useWords("handover");
  const f = useFormats();
  const names = useNames();
  const way = wayOf(filters);
  const tried = useByRules(way === "rules" && counted.cards > 0 ? orderOf(filters, null) : null);
  const to = receivers(filters);
  const given = way === "rules" ? (tried.data?.shares.map(({ user, cards }) => [user, cards] as const) ?? []) : shares(counted.cards, to.length).map((cards, at) => [to[at] ?? 0, cards] as const);
  const problem = asProblem(tried.error);
  if (problem) {
    return (
      <p role="alert" className={styles["fault"]}>
        {problem.detail}
      </p>
    );
  }
  if (given.length === 0) return null;
  const has = (user: number) => people.find((one) => one.user === user)?.cards ?? 0;
  return (
    <>
      <h3>{t("shares")}</h3>
      <ul className={styles["shares"]}>
        {given.map(([user, cards]) => (
          <li key={user}>
            <span className="cut">{names(user)}</span>
            <b>+{f.count(cards)}</b>
            <small>{t("then", { n: f.count(has(user) + cards) })}</small>
          </li>
        ))}
      </ul>
      {way === "rules" && tried.data?.left ? <p className={styles["quiet"]}>{t("first", { count: tried.data.cards })}</p> : null}
    </>
  );
}

function Doing({ run, from, isLeaving, choose }: { run: Run; from: Clientele; isLeaving: boolean; choose: (user: number | null) => void }) {
  const t = useWords("handover");
  const f = useFormats();
  const names = useNames();
  const toast = useToast();
  const undo = useUndo();
  const { may } = useSession();
  const account = useCloseAccount(() => toast({ text: t("closed", { name: from.name }), icon: "check" }));
  const id = run.last?.id ?? null;
  const isRunning = run.state === "running";
  const ended = useRef(isRunning);
  useEffect(() => {
    if (isRunning) ended.current = true;
    else if (ended.current && id !== null) {
      ended.current = false;
      toast({ text: t("done", { count: run.cards }), icon: "check", undo: () => { undo.run(id); forget(); } });
    }
  }, [isRunning, id, run.cards, toast, t, undo]);
  return (
    <div className={styles["part"]}>
      <p className={styles["progress"]} aria-live="polite">
        <b>{f.count(run.cards)}</b> {t("of", { count: run.whole })}
      </p>
      <Progress value={run.whole > 0 ? (100 * run.cards) / run.whole : 100} size="md" aria-label={t("progress")} color={run.state === "failed" ? "red" : "accent"} />
      {isRunning ? (
        <>
          <Button onClick={stop}>{t("stop")}</Button>
          <p className={styles["quiet"]}>{t("stop.how")}</p>
        </>
      ) : (
        <>
          <p>{t(`state.${run.state}`)}</p>
          {run.fault && (
            <p role="alert" className={styles["fault"]}>
              {run.fault}
            </p>
          )}
          {run.last && (
            <ul className={styles["shares"]}>
              {run.last.shares.map((share) => (
                <li key={share.user}>
                  <Link className="cut" to={`/clients?owner=${share.user}`}>
                    {names(share.user)}
                  </Link>
                  <b>+{f.count(share.cards)}</b>
                  <small>{[t("n.tasks", { count: share.tasks }), t("n.planned", { count: share.scheduled })].join(", ")}</small>
                </li>
              ))}
            </ul>
          )}
          {(run.last?.left ?? 0) > 0 && <p className={styles["quiet"]}>{t("remain", { count: run.last?.left ?? 0 })}</p>}
          <div className={styles["acts"]}>
            {isLeaving && from.active && may("users.manage") && (
              <Button variant="filled" loading={account.isPending} disabled={account.isSuccess} onClick={() => account.run(from.user)}>
                {t("close", { name: from.name })}
              </Button>
            )}
            {id !== null && (
              <Button leftSection={<Icon name="undo" />} loading={undo.isPending} onClick={() => { undo.run(id); forget(); }}>
                {t("undo")}
              </Button>
            )}
            {run.state === "failed" && run.last === null && <Button onClick={forget}>{t("again")}</Button>}
            <Button onClick={() => choose(null)}>{t("another")}</Button>
          </div>
        </>
      )}
    </div>
  );
}
