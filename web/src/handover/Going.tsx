/* What goes, before; how far it is, meanwhile; what came of it, and Undo, afterwards. */

import { Button, Progress } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { asProblem } from "../api";
import { useReader } from "../app/reader";
import { useSession } from "../app/session";
import { beginOf } from "../calls/filters";
import { useFormats } from "../formats";
import { Icon, Shown, useToast } from "../parts";
import { useWords } from "../words";
import { daysEnd, oneOf, orderOf, receivers, shares, wayOf, whichOf, type Filters } from "./choice";
import {
  useBegin,
  useByRules,
  useCloseAccount,
  useCounted,
  useGoing,
  useHandover,
  useNames,
  useReadAgain,
  useTurn,
  useUndo,
  type Clientele,
  type Counted,
  type HandoverView,
} from "./queries";
import styles from "./index.module.css";

/** Who stopped it, where no person did. */
const ITSELF = "distribution";

interface GoingProps {
  from: Clientele;
  filters: Filters;
  people: readonly Clientele[];
  choose: (user: number | null) => void;
  /** Show a handover in place of what goes; null: back to what goes. */
  show: (id: number | null) => void;
}

export function Going({ from, filters, people, choose, show }: GoingProps) {
  const counted = useCounted(from.user, whichOf(filters));
  const going = useGoing(from.user);
  const [begun, setBegun] = useState<number | null>(null);
  const one = oneOf(filters);
  const run = useHandover(one);
  useEffect(() => {
    if (one === null && going !== null) show(going);
  });
  if (run.data?.from === from.user && run.data.id !== null) {
    const { id } = run.data;
    return <Doing key={id} id={id} run={run.data} isFresh={begun === id} from={from} isLeaving={filters.leaving !== undefined} choose={choose} back={() => show(null)} />;
  }
  const start = ({ id }: HandoverView) => {
    setBegun(id);
    show(id);
  };
  return <Shown query={counted}>{(all) => <Before counted={all} filters={filters} people={people} start={start} />}</Shown>;
}

interface BeforeProps {
  counted: Counted;
  filters: Filters;
  people: readonly Clientele[];
  start: (begun: HandoverView) => void;
}

function Before({ counted, filters, people, start }: BeforeProps) {
  const t = useWords("handover");
  const f = useFormats();
  const reader = useReader();
  const day = daysEnd(filters);
  const order = orderOf(filters, day === null ? null : beginOf(day, reader));
  const takes = { tasks: filters.tasks !== "stay", scheduled: filters.planned !== "stay" };
  const begin = useBegin(start);
  const problem = asProblem(begin.error);
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
      <Button variant="filled" fullWidth loading={begin.isPending} disabled={order === null || counted.cards === 0} onClick={() => order && begin.run(order)}>
        {t("begin", { count: counted.cards, n: f.count(counted.cards) })}
      </Button>
      {problem && (
        <p role="alert" className={styles["fault"]}>
          {problem.errors[0]?.detail ?? problem.detail}
        </p>
      )}
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

interface DoingProps {
  id: number;
  run: HandoverView;
  /** It was begun here and now: its end is told. */
  isFresh: boolean;
  from: Clientele;
  isLeaving: boolean;
  choose: (user: number | null) => void;
  back: () => void;
}

function Doing({ id, run, isFresh, from, isLeaving, choose, back }: DoingProps) {
  const t = useWords("handover");
  const f = useFormats();
  const names = useNames();
  const toast = useToast();
  const undo = useUndo();
  const turn = useTurn(id);
  const again = useReadAgain();
  const { may } = useSession();
  const account = useCloseAccount(() => toast({ text: t("closed", { name: from.name }), icon: "check" }));
  const isGoing = run.state === "going";
  const untold = useRef(isFresh || isGoing);
  const takeBack = () => {
    undo.run(id);
    back();
  };
  useEffect(() => {
    if (isGoing) untold.current = true;
    else if (untold.current) {
      untold.current = false;
      void again();
      toast({ text: t("done", { count: run.cards, n: f.count(run.cards) }), icon: "check", undo: takeBack });
    }
  });
  const whole = Math.max(run.meant ?? 0, run.cards);
  return (
    <div className={styles["part"]}>
      <p className={styles["progress"]} aria-live="polite">
        <b>{f.count(run.cards)}</b> {t("of", { count: whole, n: f.count(whole) })}
      </p>
      <Progress value={whole > 0 ? (100 * run.cards) / whole : 100} size="md" aria-label={t("progress")} />
      {isGoing ? (
        <>
          <Button loading={turn.isPending} onClick={() => turn.run("stop")}>
            {t("stop")}
          </Button>
          <p className={styles["quiet"]}>{t("stop.how")}</p>
        </>
      ) : (
        <>
          <p>{run.undone_by !== null ? t("returned", { count: run.returned, n: f.count(run.returned) }) : run.state === "stopped" ? t(run.stopped_by === ITSELF ? "state.nobody" : "state.stopped") : t("state.done")}</p>
          <ul className={styles["shares"]}>
            {run.shares.map((share) => (
              <li key={share.user}>
                <Link className="cut" to={`/clients?owner=${share.user}`}>
                  {names(share.user)}
                </Link>
                <b>+{f.count(share.cards)}</b>
                <small>{[t("n.tasks", { count: share.tasks }), t("n.planned", { count: share.scheduled })].join(", ")}</small>
              </li>
            ))}
          </ul>
          {whole > run.cards && <p className={styles["quiet"]}>{t("remain", { count: whole - run.cards, n: f.count(whole - run.cards) })}</p>}
          <div className={styles["acts"]}>
            {isLeaving && from.active && may("users.manage") && (
              <Button variant="filled" loading={account.isPending} disabled={account.isSuccess} onClick={() => account.run(from.user)}>
                {t("close", { name: from.name })}
              </Button>
            )}
            {run.undone_by === null && (
              <>
                {run.state === "stopped" && (
                  <Button variant="filled" loading={turn.isPending} onClick={() => turn.run("resume")}>
                    {t("resume")}
                  </Button>
                )}
                <Button leftSection={<Icon name="undo" />} loading={undo.isPending} onClick={takeBack}>
                  {t("undo")}
                </Button>
              </>
            )}
            <Button onClick={() => choose(null)}>{t("another")}</Button>
          </div>
        </>
      )}
    </div>
  );
}
