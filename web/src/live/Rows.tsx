/* One row per manager. It is drawn anew when its own manager changes. */

import { ActionIcon, Button } from "@mantine/core";
import { memo, useState } from "react";
import { Link } from "react-router";
import { useSession, type Right } from "../app/session";
import { useListening, type SpyMode } from "../band/listening";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { FigureLink, GoalBar, Icon, StateWord, Timer, useMinute, type IconName } from "../parts";
import { useWords } from "../words";
import { sinceOf, stateOf, type Manager } from "./board";
import styles from "./Rows.module.css";

const MODES: readonly { mode: SpyMode; icon: IconName; right: Right }[] = [
  { mode: "listen", icon: "listening", right: "calls.listen" },
  { mode: "whisper", icon: "whisper", right: "calls.whisper" },
  { mode: "barge", icon: "barge", right: "calls.barge" },
];
/** After so long a state is marked: it may be forgotten. */
const LONG_MS: Partial<Record<string, number>> = { after: 120_000, free: 600_000 };

type Open = (figure: string, user?: number) => void;

export function Rows({ managers, open }: { managers: readonly Manager[]; day: string; open: Open }) {
  const t = useWords("live");
  const { may } = useSession();
  const { start, current } = useListening();
  const [chosen, setChosen] = useState<number | null>(null);
  const at = managers.findIndex(({ user }) => user === chosen);
  const move = (by: number) => setChosen(managers[Math.min(managers.length - 1, Math.max(0, at + by))]?.user ?? null);
  const join = (mode: SpyMode) => {
    const manager = managers[at];
    const mayIt = MODES.some((one) => one.mode === mode && may(one.right));
    if (!manager?.call || !mayIt || !isTalking(manager)) return false;
    void start(manager.call.call, mode);
    return true;
  };
  useKeys({
    "list.next": () => move(1),
    "list.previous": () => move(-1),
    "list.open": () => (chosen === null ? false : open("calls", chosen)),
    "board.listen": () => join("listen"),
    "board.whisper": () => join("whisper"),
    "board.barge": () => join("barge"),
  });
  const heads = ["manager", "state", "for", "with", "goal", "talk", "missed", "acts"] as const;
  return (
    <div role="table" aria-label={t("managers")} className={styles["table"]}>
      <div role="row" className={styles["heads"]}>
        {heads.map((head) => (
          <span key={head} role="columnheader" className={head === "acts" ? "unseen" : undefined}>
            {t(`head.${head}`)}
          </span>
        ))}
      </div>
      {managers.map((manager) => (
        <Row
          key={manager.user}
          manager={manager}
          isChosen={manager.user === chosen}
          mode={manager.call && current?.call === manager.call.call ? current.mode : null}
          start={start}
          open={open}
          choose={setChosen}
        />
      ))}
    </div>
  );
}

const isTalking = (manager: Manager) => ["talking", "hold"].includes(stateOf(manager));

interface RowProps {
  manager: Manager;
  isChosen: boolean;
  /** How this supervisor is beside his call. */
  mode: SpyMode | null;
  start: (call: string, mode: SpyMode) => Promise<boolean>;
  open: Open;
  choose: (user: number) => void;
}

const Row = memo(function Row({ manager, isChosen, mode, start, open, choose }: RowProps) {
  const t = useWords("live");
  const f = useFormats();
  const state = stateOf(manager);
  const { user, goal } = manager;
  return (
    // A click anywhere in the row chooses it for the keys; the keys themselves are the other way to do so.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div role="row" className={styles["row"]} data-state={state} data-chosen={isChosen || mode !== null || undefined} onClick={() => choose(user)}>
      <span role="cell" className={styles["name"]}>
        <b className="cut">{manager.name}</b>
      </span>
      <span role="cell" className={styles["state"]}>
        <StateWord state={state} />
      </span>
      <span role="cell" className={styles["for"]}>
        <Since manager={manager} state={state} />
      </span>
      <span role="cell" className={styles["with"]}>
        <With manager={manager} />
      </span>
      <span role="cell" className={styles["goal"]}>
        {goal && !(manager.away && manager.calls === 0) ? (
          <>
            <GoalBar value={goal.done} goal={goal.target} pace={goal.expected} width={80} />
            <FigureLink definition={t("goal.how", { name: goal.name, expected: f.count(goal.expected) })} onOpen={() => open("goal", user)}>
              <b>{f.count(goal.done)}</b> <small>/ {f.count(goal.target)}</small>
            </FigureLink>
          </>
        ) : (
          <small>{t("goal.none")}</small>
        )}
      </span>
      <span role="cell" className={styles["talk"]}>
        <FigureLink onOpen={() => open("talk_seconds", user)}>
          <span className="unseen">{t("head.talk")} </span>
          {f.hoursAndMinutes(manager.talk_seconds)}
        </FigureLink>
      </span>
      <span role="cell" className={styles["missed"]} data-some={manager.missed > 0 || undefined}>
        <FigureLink onOpen={() => open("missed", user)}>
          {manager.missed > 0 && <Icon name="missed" size={14} />}
          <span className="unseen">{t("head.missed")} </span>
          {manager.missed}
        </FigureLink>
      </span>
      <span role="cell" className={styles["acts"]}>
        {manager.call && isTalking(manager) && <Join call={manager.call.call} mode={mode} name={manager.name} start={start} />}
      </span>
    </div>
  );
});

function Since({ manager, state }: { manager: Manager; state: string }) {
  const t = useWords("live");
  const minute = useMinute();
  const since = sinceOf(manager);
  if (since === null || (state === "off" && manager.away)) return null;
  const long = LONG_MS[state];
  const isLong = long !== undefined && minute - Date.parse(since) > long;
  return (
    <span data-long={isLong || undefined} className={styles["since"]}>
      {isLong && (
        <span role="img" aria-label={t("long")}>
          <Icon name="warn" size={14} />
        </span>
      )}
      <Timer since={since} />
    </span>
  );
}

/** The client of his call; else why he is away. */
function With({ manager }: { manager: Manager }) {
  const t = useWords("live");
  const tb = useWords("band");
  const f = useFormats();
  const { call, away } = manager;
  if (call && manager.state !== "off" && manager.state !== "break") {
    const name = call.contact_name || call.called_himself || f.phone(call.number);
    return (
      <span className={styles["client"]}>
        <span role="img" aria-label={t(call.direction === "outbound" ? "outbound" : "inbound")}>
          <Icon name={call.direction === "outbound" ? "outgoing" : "incoming"} />
        </span>
        {call.contact === null ? (
          <span className="cut">{name}</span>
        ) : (
          <Link className="cut" to={`/clients/${call.contact}`}>
            {name}
          </Link>
        )}
      </span>
    );
  }
  if (away) return <small className="cut">{away.until ? t("away.until", { day: f.shortDay(away.until) }) : t("away")}</small>;
  if (manager.state === "break" && manager.reason) {
    const known = ["rest", "lunch", "training", "meeting", "paperwork"].includes(manager.reason);
    return <small className="cut">{known ? tb(`reason.${manager.reason}` as "reason.rest") : manager.reason}</small>;
  }
  return null;
}

function Join({ call, mode, name, start }: { call: string; mode: SpyMode | null; name: string; start: RowProps["start"] }) {
  const t = useWords("live");
  const { may } = useSession();
  const modes = MODES.filter(({ right }) => may(right));
  if (modes.length === 0) return null;
  return (
    <span className={styles["join"]} role="group" aria-label={t("join", { name })}>
      {modes.map(({ mode: one, icon }) =>
        one === "listen" ? (
          <Button key={one} size="xs" variant={mode === one ? "light" : "default"} leftSection={<Icon name={icon} size={14} />} aria-pressed={mode === one} onClick={() => void start(call, one)}>
            {t(mode === one ? "mode.listening" : "mode.listen")}
          </Button>
        ) : (
          <ActionIcon key={one} size={26} variant={mode === one ? "light" : "default"} aria-label={t(`mode.${one}`)} aria-pressed={mode === one} onClick={() => void start(call, one)}>
            <Icon name={icon} size={14} />
          </ActionIcon>
        ),
      )}
    </span>
  );
}
