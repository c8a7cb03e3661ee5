/* What a supervisor has to look at: who was not returned in time, who waits, who asks for help, and how today goes. */

import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Link } from "react-router";
import { useListening } from "../band/listening";
import { useFormats } from "../formats";
import { Avatar, Countdown, FigureLink, GoalBar, Icon, PhoneNumber, Tag, Timer, useSecond } from "../parts";
import { LateMenu } from "../parts/LateMenu";
import { MenuAct } from "../parts/MenuAct";
import { useSession } from "../app/session";
import { useWords } from "../words";
import { lateAt, stateOf, type Ask, type Board, type Late } from "./board";
import { useGive, useTakeAsk } from "./queries";
import styles from "./Side.module.css";

const MOST = 8;

export function Side({ board, team, open }: { board: Board; team: number | null; open: (figure: string) => void }) {
  const t = useWords("live");
  return (
    <>
      <LateList board={board} />
      <Part title={t("waiting")} n={board.waiting.length}>
        <Waits board={board} />
      </Part>
      <Part title={t("help")} n={board.help.length}>
        {board.help.length === 0 ? <p className={styles["none"]}>{t("help.none")}</p> : board.help.map((ask) => <OneAsk key={ask.id} ask={ask} />)}
      </Part>
      <Part
        title={t("today")}
        acts={
          <Link to="/stats" className={styles["link"]}>
            {t("statistics")}
          </Link>
        }
      >
        <Today board={board} team={team} open={open} />
      </Part>
    </>
  );
}

function Part({ title, n = 0, acts, children }: { title: string; n?: number; acts?: ReactNode; children: ReactNode }) {
  return (
    <section className={styles["part"]}>
      <h2>
        {title} {n > 0 && <Tag tone="accent">{n}</Tag>}
        {acts}
      </h2>
      {children}
    </section>
  );
}

function LateList({ board }: { board: Board }) {
  const t = useWords("live");
  const late = lateAt(board, useSecond());
  const [isAll, setAll] = useState(false);
  if (late.length === 0) return <p className={styles["none"]}>{t("late.none")}</p>;
  return (
    <>
      <ul className={styles["list"]}>
        {(isAll ? late : late.slice(0, MOST)).map((one) => (
          <OneLate key={one.missed} late={one} board={board} />
        ))}
      </ul>
      {late.length > MOST && !isAll && (
        <Button variant="subtle" size="compact-sm" fullWidth onClick={() => setAll(true)}>
          {t("late.all", { count: late.length })}
        </Button>
      )}
    </>
  );
}

function OneLate({ late, board }: { late: Late; board: Board }) {
  const t = useWords("live");
  const f = useFormats();
  const name = late.contact_name || f.phone(late.number);
  const sub = [late.line || f.phone(late.did), late.rang_name ? t("rang", { name: late.rang_name }) : t("rang.nobody")].filter(Boolean).join(" · ");
  return (
    <li className={styles["late"]}>
      <span className={styles["over"]}>
        <b>
          <Countdown until={late.due_at} />
        </b>
        <small>{t("over")}</small>
      </span>
      <span className={styles["who"]}>
        {late.contact === null ? (
          <PhoneNumber number={late.number} />
        ) : (
          <Link className="cut" to={`/clients/${late.contact}`}>
            {name}
          </Link>
        )}
        <small className="cut">{late.owner_name ? t("has", { name: late.owner_name }) : sub}</small>
      </span>
      {late.claimed_by === null ? (
        <Give late={late} board={board} name={name} />
      ) : (
        <Tag tone="hold" icon="outgoing">
          {late.claimed_name ?? t("somebody")}
        </Tag>
      )}
    </li>
  );
}

/** Whom to give him: the free ones first. */
function Give({ late, board, name }: { late: Late; board: Board; name: string }) {
  const t = useWords("live");
  const tb = useWords("band");
  const [isOpen, setOpen] = useState(false);
  const give = useGive();
  if (!useSession().may("distribution.manage")) return null;
  const rank = (state: string) => (state === "free" ? 0 : state === "off" ? 2 : 1);
  const people = board.managers.map((manager) => ({ manager, state: stateOf(manager) })).sort((one, other) => rank(one.state) - rank(other.state));
  return (
    <LateMenu
      isOpen={isOpen}
      onChange={setOpen}
      position="bottom-end"
      width={260}
      target={
        <Button size="compact-sm" variant="default" aria-label={t("giveOf", { name })} onClick={() => setOpen(!isOpen)}>
          {t("give")}
        </Button>
      }
    >
      {people.map(({ manager, state }) => (
        <MenuAct key={manager.user} right={<small>{tb(`state.${state}`)}</small>} onClick={() => give.run({ late, user: manager.user, name: manager.name })}>
          {manager.name}
        </MenuAct>
      ))}
    </LateMenu>
  );
}

function Waits({ board }: { board: Board }) {
  const t = useWords("live");
  const nobodys = board.waiting.filter((one) => one.group === null);
  const groups = board.groups.map((group) => {
    const own = board.waiting.filter((one) => one.group === group.id);
    return { ...group, own };
  });
  if (groups.length === 0 && nobodys.length === 0) return <p className={styles["none"]}>{t("waiting.none")}</p>;
  return (
    <ul className={styles["list"]}>
      {groups.map((group) => (
        <li key={group.id} className={styles["group"]}>
          <b className="cut">{group.name}</b>
          <span>{t("waits", { count: group.own.length })}</span>
          <span>{t("free", { count: group.free })}</span>
          <b className={styles["since"]}>{group.own[0] ? <Timer since={group.own[0].started_at} /> : "0:00"}</b>
        </li>
      ))}
      {nobodys.length > 0 && (
        <li className={styles["group"]}>
          <b className="cut">{t("noGroup")}</b>
          <span>{t("waits", { count: nobodys.length })}</span>
          <span />
          <b className={styles["since"]}>{nobodys[0] && <Timer since={nobodys[0].started_at} />}</b>
        </li>
      )}
    </ul>
  );
}

function OneAsk({ ask }: { ask: Ask }) {
  const t = useWords("live");
  const { start } = useListening();
  const take = useTakeAsk();
  const { may } = useSession();
  const come = () => {
    take.run(ask);
    if (ask.call && may("calls.whisper")) void start(ask.call, "whisper");
  };
  return (
    <div className={styles["ask"]}>
      <Avatar name={ask.user_name} />
      <span className={styles["who"]}>
        <b className="cut">{ask.user_name}</b>
        <small className="cut">{ask.text ? `“${ask.text}”` : <Timer since={ask.asked_at} />}</small>
      </span>
      {ask.state === "taken" ? (
        <Tag tone="accent">{t("comes", { name: ask.taken_name ?? "" })}</Tag>
      ) : (
        <Button size="compact-md" leftSection={<Icon name="whisper" />} onClick={come}>
          {t(ask.call && may("calls.whisper") ? "mode.whisper" : "come")}
        </Button>
      )}
    </div>
  );
}

function Today({ board, team, open }: { board: Board; team: number | null; open: (figure: string) => void }) {
  const t = useWords("live");
  const f = useFormats();
  const { now, usual, goal_done: done, goal_target: target, goal_expected: expected } = board.today;
  const whose = team === null ? "" : `&team=${team}`;
  const rows = (figure: string) => `figure=${figure}&since=${board.day}&until=${board.day}&direction=inbound${whose}`;
  return (
    <dl className={styles["today"]}>
      <div>
        <dt>{t("today.goal")}</dt>
        <dd>
          <GoalBar value={done} goal={target} pace={expected} width={80} /> <b>{f.count(done)}</b> <small>{t("today.of", { n: f.count(target) })}</small>
        </dd>
      </div>
      <div>
        <dt>{t("today.calls")}</dt>
        <dd>
          <FigureLink definition={t("today.calls.how")} onOpen={() => open(rows("calls"))}>
            <b>{f.count(now.calls)}</b>
          </FigureLink>
        </dd>
      </div>
      <div>
        <dt>{t("today.answered")}</dt>
        <dd>
          <FigureLink definition={t("today.answered.how")} onOpen={() => open(rows("answered"))}>
            <b>{f.share(now.answered_share)}</b>
          </FigureLink>
          {usual.answered_share !== null && <small>{t("usual", { n: f.share(usual.answered_share) })}</small>}
        </dd>
      </div>
      <div>
        <dt>{t("today.returned")}</dt>
        <dd>
          <FigureLink definition={t("today.returned.how")} onOpen={() => open(rows("missed"))}>
            <b>{t("of", { n: f.count(now.returned.in_time), all: f.count(now.returned.of) })}</b>
          </FigureLink>
          {usual.returned.of > 0 && <small>{t("usual", { n: f.share(usual.returned.in_time / usual.returned.of) })}</small>}
        </dd>
      </div>
      <div>
        <dt>{t("today.wait")}</dt>
        <dd>
          <FigureLink definition={t("today.wait.how")} onOpen={() => open(rows("answered"))}>
            <b>{f.duration(now.median_wait_seconds)}</b>
          </FigureLink>
          {usual.median_wait_seconds !== null && <small>{t("usual", { n: f.duration(usual.median_wait_seconds) })}</small>}
        </dd>
      </div>
    </dl>
  );
}
