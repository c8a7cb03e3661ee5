/* One's own figures: the goal today and in the last days, calls, talk, missed, returned. Each opens what it counts. */

import { SegmentedControl } from "@mantine/core";
import type { ReactNode } from "react";
import { api, body, keys, useQuery, type Schemas } from "../api";
import { useReader } from "../app/reader";
import { useSession } from "../app/session";
import { daysOf } from "../calls/filters";
import { useFormats } from "../formats";
import { Columns, Empty, FigureLink, GoalBar, Middle, PageHeader, Panel, Shown, SkeletonBlock, Tag, useFilters, useMinute } from "../parts";
import { Bars, Legend, type Series } from "../parts/charts";
import { noon, rowsQuery } from "../statistics/figure";
import { FigurePanel } from "../statistics/FigurePanel";
import { useSeries } from "../statistics/reading";
import { useWords } from "../words";
import styles from "./index.module.css";

const SPANS = ["7", "14", "30"] as const;
type Open = (rows: string | null | undefined) => void;
type Day = Schemas["DayView"];

export default function FiguresPage() {
  const t = useWords("figures");
  const user = useSession().who.user?.id;
  const [filters, change] = useFilters(["days", "open"] as const);
  const span = SPANS.find((one) => one === filters.days) ?? "7";
  const opened = rowsQuery(filters.open);
  const open: Open = (rows) => {
    if (rows) change({ open: rows.slice(rows.indexOf("?") + 1) });
  };
  return (
    <>
      <PageHeader
        title={t("title")}
        acts={<SegmentedControl aria-label={t("span")} value={span} data={SPANS.map((value) => ({ value, label: t("days", { count: Number(value) }) }))} onChange={(value) => change({ days: value === "7" ? null : value, open: null })} />}
      />
      {user === undefined ? (
        <Empty icon="figures" title={t("noUser")} />
      ) : (
        <Columns>
          <Middle>
            <Today open={open} />
            <LastDays user={user} span={Number(span)} open={open} current={filters.open} />
          </Middle>
          {opened && <FigurePanel query={opened} onClose={() => change({ open: null })} />}
        </Columns>
      )}
    </>
  );
}

function Today({ open }: { open: Open }) {
  const query = useQuery({ queryKey: keys.view("queue", "day"), queryFn: () => body(api.GET("/api/v1/me/day", { params: { query: { days: 1, limit: 100 } } })) });
  return (
    <Shown query={query} skeleton={<SkeletonBlock height={96} />}>
      {(day) => (
        <>
          <Goals day={day} open={open} />
          <Tiles day={day} open={open} />
        </>
      )}
    </Shown>
  );
}

const TONES: Partial<Record<string, "talk" | "accent" | "warn">> = { reached: "talk", ahead: "talk", on: "accent", behind: "warn" };

function Goals({ day, open }: { day: Day; open: Open }) {
  const t = useWords("figures");
  const f = useFormats();
  const { goals, week } = day.figures;
  if (goals.length === 0) return null;
  return (
    <Panel title={t("goals")} isPadded>
      <ul className={styles["goals"]}>
        {goals.map((goal) => (
          <li key={`${goal.goal} ${goal.team ?? ""}`}>
            <span className={styles["goal"]}>
              <b className="cut">{goal.name || t("goal")}</b>
              <small>{t(`period.${goal.period}` as "period.day")}</small>
            </span>
            <GoalBar value={goal.done} goal={goal.target} pace={goal.expected} height={8} />
            <span className={styles["done"]}>
              <FigureLink definition={t("goal.how", { expected: f.count(goal.expected) })} {...(rowsQuery(goal.rows) ? { onOpen: () => open(goal.rows) } : {})}>
                <b>{f.count(goal.done)}</b> / {f.count(goal.target)}
              </FigureLink>
              <Tag tone={TONES[goal.pace] ?? "plain"}>{t(`pace.${goal.pace}` as "pace.on")}</Tag>
              {week?.goal === goal.goal && week.share !== null && goal.period === "day" && <small>{t("week", { share: f.share(week.share) })}</small>}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Tiles({ day, open }: { day: Day; open: Open }) {
  const t = useWords("figures");
  const f = useFormats();
  const own = day.figures;
  const rows = (figure: string, direction = "") => `?figure=${figure}&since=${day.day}&until=${day.day}&user=${day.user}${direction && `&direction=${direction}`}`;
  const { returned } = own;
  return (
    <dl className={styles["tiles"]} aria-label={t("today")}>
      <Tile name={t("calls")} sub={t("inOut", { in: f.count(own.calls_in), out: f.count(own.calls_out) })}>
        <FigureLink onOpen={() => open(rows("calls"))}>{f.count(own.calls)}</FigureLink>
      </Tile>
      <Tile name={t("answered")} sub={t("answered.how")}>
        <FigureLink onOpen={() => open(rows("answered"))}>{f.count(own.answered)}</FigureLink>
      </Tile>
      <Tile name={t("talk")} sub={t("talk.how")}>
        <FigureLink onOpen={() => open(rows("talk_seconds"))}>{f.sum(own.talk_seconds)}</FigureLink>
      </Tile>
      <Tile name={t("missed")} sub={t("missed.how")}>
        <FigureLink onOpen={() => open(rows("missed"))}>{f.count(own.missed)}</FigureLink>
      </Tile>
      <Tile name={t("returned")} sub={returned.median_seconds === null ? t("returned.how") : t("returned.median", { time: f.duration(returned.median_seconds) })}>
        <FigureLink definition={t("returned.how")} onOpen={() => open(rows("missed"))}>
          {t("of", { n: f.count(returned.in_time), all: f.count(returned.of) })}
        </FigureLink>
      </Tile>
    </dl>
  );
}

function Tile({ name, sub, children }: { name: string; sub: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{children}</b>
        <small>{sub}</small>
      </dd>
    </div>
  );
}

/** The first of so many days, the last of which is today. */
function spanOf(today: string, days: number): { period: "dates"; since: string; until: string } {
  const since = new Date(Date.parse(`${today}T00:00:00Z`) - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  return { period: "dates", since, until: today };
}

function LastDays({ user, span, open, current }: { user: number; span: number; open: Open; current: string | undefined }) {
  const t = useWords("figures");
  const reader = useReader();
  const today = daysOf("today", useMinute(), reader).from;
  const days = spanOf(today, span);
  return (
    <div className={styles["two"]}>
      <Chart title={t("chart.goal")} days={days} user={user} direction="outbound" figures={[["numbers_long", "accent"]]} open={open} current={current} />
      <Chart title={t("chart.calls")} days={days} user={user} figures={[["missed", "miss"], ["answered", "accent"]]} open={open} current={current} />
    </div>
  );
}

interface ChartProps {
  title: string;
  days: { period: "dates"; since: string; until: string };
  user: number;
  direction?: "outbound";
  figures: readonly (readonly ["numbers_long" | "missed" | "answered", string])[];
  open: Open;
  current: string | undefined;
}

function Chart({ title, days, user, direction, figures, open, current }: ChartProps) {
  const t = useWords("figures");
  const f = useFormats();
  const query = useSeries(days, "day", { user, ...(direction ? { direction } : {}) });
  const series: Series[] = figures.map(([name, colour]) => ({ name, label: t(`figure.${name}`), colour, stack: "own" }));
  return (
    <Panel title={title} acts={figures.length > 1 ? <Legend series={series} /> : undefined}>
      <Shown query={query} skeleton={<SkeletonBlock height={220} />}>
        {({ lines }) => {
          const at = lines.findIndex((line) => current !== undefined && figures.some(([name]) => line.cells[name]?.rows?.endsWith(`?${current}`)));
          return (
            <Bars
              label={`${title}, ${f.shortDay(noon(days.since))} – ${f.shortDay(noon(days.until))}`}
              series={series}
              points={lines.map((line) => {
                const day = noon(String(line.key["since"]));
                return {
                  label: lines.length > 7 ? f.shortDay(day) : f.weekDay(day),
                  values: Object.fromEntries(figures.map(([name]) => [name, line.cells[name]?.value ?? 0])),
                };
              })}
              current={at < 0 ? null : at}
              onOpen={(index, name) => open(lines[index]?.cells[name]?.rows)}
            />
          );
        }}
      </Shown>
    </Panel>
  );
}
