/* Everybody at once: who talks, rings, waits; who was not returned; who asks for help. Rows never jump: an order is made
   when it is chosen. */

import { Button, SegmentedControl } from "@mantine/core";
import { Suspense, useMemo, useRef, useState } from "react";
import { useLive } from "../api";
import { useCount } from "../app/counts";
import { useFormats } from "../formats";
import { useKeys } from "../keyboard";
import { Columns, Empty, Icon, KeyOf, Middle, PageHeader, Shown, SidePanel, SkeletonRows, useFilters, useMinute } from "../parts";
import { rowsQuery, type RowsQuery } from "../statistics/figure";
import { useWords } from "../words";
import { inFixedOrder, lateCount, ordered, ORDERS, type Board, type Order } from "./board";
import styles from "./index.module.css";
import { useBoard, useGoalRows } from "./queries";
import { Rows } from "./Rows";
import { Side } from "./Side";
import { Tiles } from "./Tiles";
import { late } from "../parts/late";

const FigurePanel = late(async () => ({ default: (await import("../statistics/FigurePanel")).FigurePanel }));
const FILTERS = ["team", "order", "open", "user"] as const;

export default function LivePage() {
  const t = useWords("live");
  const [filters] = useFilters(FILTERS);
  const team = filters.team && /^\d{1,15}$/.test(filters.team) ? Number(filters.team) : null;
  const query = useBoard(team);
  return (
    <Shown query={query} isPage skeleton={<Waiting />}>
      {(board) => <Live key={team} board={board} team={team} title={t("title")} />}
    </Shown>
  );
}

function Waiting() {
  const t = useWords("live");
  return (
    <>
      <PageHeader title={t("title")} />
      <div className={styles["waiting"]}>
        <SkeletonRows />
      </div>
    </>
  );
}

function Live({ board, team, title }: { board: Board; team: number | null; title: string }) {
  const t = useWords("live");
  const [filters, change] = useFilters(FILTERS);
  const place = useRef<HTMLDivElement>(null);
  const isNarrow = useRef(matchMedia("(width < 768px)").matches);
  const order = ORDERS.find((name) => name === filters.order) ?? (isNarrow.current ? "state" : "name");
  const managers = useFixedOrder(board, order);
  const minute = useMinute();
  useCount("live", lateCount(board, minute + 60_000), { isUrgent: true });
  const next = () => change({ order: ORDERS[(ORDERS.indexOf(order) + 1) % ORDERS.length] ?? "name" });
  useKeys({ "board.sort": next });
  const open = (figure: string, user?: number) => change({ open: figure, user: user === undefined ? null : String(user) });
  return (
    <>
      <PageHeader
        title={title}
        sub={<Line />}
        acts={
          <Button variant="default" className={styles["onWall"] ?? ""} leftSection={<Icon name="grid" />} onClick={() => void place.current?.requestFullscreen()}>
            {t("wall")}
          </Button>
        }
      >
        {board.teams.length > 0 && (
          <SegmentedControl
            aria-label={t("teams")}
            value={team === null ? "" : String(team)}
            data={[{ value: "", label: t("allTeams") }, ...board.teams.map(({ id, name, members }) => ({ value: String(id), label: `${name} ${members.length}` }))]}
            onChange={(value) => change({ team: value || null, open: null, user: null })}
          />
        )}
      </PageHeader>
      <div ref={place} className={styles["wall"]}>
      <Columns>
        <Middle>
          <div className={styles["board"]}>
            <Tiles board={board} managers={board.managers} />
            {managers.length === 0 ? (
              <Empty icon="clients" title={t("nobody")}>
                {t("nobody.how")}
              </Empty>
            ) : (
              <Rows managers={managers} day={board.day} open={open} />
            )}
            <p className={styles["order"]}>
              {t("fixed")}
              <button type="button" className={styles["sort"]} onClick={next}>
                <Icon name="filter" /> {t(`order.${order}`)} <KeyOf act="board.sort" />
              </button>
            </p>
          </div>
        </Middle>
        <Opened board={board} open={filters.open} user={filters.user} close={() => change({ open: null, user: null })}>
          <SidePanel label={t("side")} head={<SideHead board={board} />} width={300}>
            <Side board={board} team={team} open={open} />
          </SidePanel>
        </Opened>
      </Columns>
      </div>
    </>
  );
}

/** The order as it was when it was chosen; who comes later stands last. */
function useFixedOrder(board: Board, order: Order) {
  const f = useFormats();
  const [fixed, setFixed] = useState(() => ({ order, ids: ordered(board.managers, order, f.byName) }));
  if (fixed.order !== order) setFixed({ order, ids: ordered(board.managers, order, f.byName) });
  return useMemo(() => inFixedOrder(board.managers, fixed.ids), [board.managers, fixed.ids]);
}

function Line() {
  const t = useWords("live");
  const isLive = useLive((view) => view.line === "live");
  return (
    <span className={styles["line"]} data-away={isLive ? undefined : true}>
      <Icon name={isLive ? "doctor" : "offline"} /> {t(isLive ? "isLive" : "isAway")}
    </span>
  );
}

function SideHead({ board }: { board: Board }) {
  const t = useWords("live");
  const n = lateCount(board, useMinute() + 60_000);
  return (
    <h2 className={styles["head"]}>
      {t("late")} {n > 0 && <span className={styles["n"]}>{n}</span>}
    </h2>
  );
}

/** What a figure counts in the place of the side, while one is opened. */
function Opened({ board, open, user, close, children }: { board: Board; open?: string | undefined; user?: string | undefined; close: () => void; children: React.ReactNode }) {
  const manager = board.managers.find((one) => String(one.user) === user) ?? null;
  const isGoal = open === "goal" && manager !== null;
  const goal = useGoalRows(isGoal ? manager.user : null, manager?.goal?.goal);
  const days = { since: board.day, until: board.day };
  const query: RowsQuery | null = isGoal ? rowsQuery(goal.data) : rowsQuery(open && !open.includes("=") ? `figure=${open}&${new URLSearchParams(days).toString()}` : open);
  if (!open || (!query && !(isGoal && goal.isPending))) return children;
  const whole = query && manager && !isGoal ? { ...query, user: manager.user } : query;
  return (
    <Suspense fallback={children}>
      <FigurePanel query={whole} whose={manager?.name} onClose={close} />
    </Suspense>
  );
}
