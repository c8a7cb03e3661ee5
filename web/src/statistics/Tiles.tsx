/* The figures of the company, each beside the one of the days before. */

import { UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import type { Schemas } from "../api";
import { useFormats } from "../formats";
import { Icon } from "../parts";
import { useWords } from "../words";
import { RATINGS, type Days } from "./choice";
import { writeRows } from "./figure";
import { useReached } from "./origins";
import { useRating, type Report } from "./reading";
import styles from "./Tiles.module.css";

type Cell = Schemas["CellView"];
export type Show = (rows: string | null, who?: string) => void;

export function Tiles({ company, days, team, open, current }: { company: Report; days: Days; team: number | null; open: Show; current: string | undefined }) {
  const t = useWords("statistics");
  const f = useFormats();
  const inbound = company.lines.find((line) => line.key["direction"] === "inbound");
  const rating = useRating(days, RATINGS.goal, team);
  const goal = rating.data ? sum(rating.data.lines.map((line) => line.cells["numbers_long"])) : null;
  const total = company.total?.cells ?? {};
  const figures: { name: "calls" | "talk_seconds" | "missed"; cell: Cell | undefined; write: (n: number) => string }[] = [
    { name: "calls", cell: total["calls"], write: f.count },
    { name: "talk_seconds", cell: total["talk_seconds"], write: f.sum },
    { name: "missed", cell: inbound?.cells["missed"], write: f.count },
  ];
  const [calls, talk, missed] = figures.map(({ name, cell, write }) => (
    <Tile key={name} name={t(`tile.${name}`)} isOpen={rowsOf(cell) !== null && current === rowsOf(cell)} onOpen={() => open(cell?.rows ?? null)}>
      <b>{write(cell?.value ?? 0)}</b>
      <Change cell={cell} write={write} />
    </Tile>
  ));
  return (
    <div className={styles["tiles"]} role="group" aria-label={t("tiles")}>
      {calls}
      <Tile name={t("tile.goal")} isOpen={current === "goal"} onOpen={() => open("goal")}>
        <b>{goal ? f.count(goal.value ?? 0) : "…"}</b>
        {goal && <Change cell={goal} write={f.count} />}
      </Tile>
      {talk}
      {missed}
      <ReturnedTile days={days} team={team} open={open} current={current} />
    </div>
  );
}

const rowsOf = (cell: Cell | undefined): string | null => (cell?.rows ? cell.rows.slice(cell.rows.indexOf("?") + 1) : null);

function sum(cells: readonly (Cell | undefined)[]): Cell {
  const value = cells.reduce((all, cell) => all + (cell?.value ?? 0), 0);
  const before = cells.every((cell) => cell?.before === null) ? null : cells.reduce((all, cell) => all + (cell?.before ?? 0), 0);
  const percent = before ? ((value - before) / before) * 100 : null;
  return { value, before, percent, verdict: before === null || before === value ? "same" : value > before ? "good" : "bad", rows: null };
}

function Tile({ name, isOpen, onOpen, children }: { name: string; isOpen: boolean; onOpen: () => void; children: ReactNode }) {
  return (
    <UnstyledButton className={styles["tile"]} aria-pressed={isOpen} onClick={onOpen}>
      <span>{name}</span>
      {children}
    </UnstyledButton>
  );
}

/** How a figure moved, in words and not by colour alone. */
export function Change({ cell, write }: { cell: Cell | undefined; write: (n: number) => string }) {
  const t = useWords("statistics");
  if (cell?.before == null || cell.value === null) return <small>{"\u00a0"}</small>;
  const { value, before, percent, verdict } = cell;
  const isUp = value > before;
  return (
    <small>
      {value !== before && (
        <span className={styles["change"]} data-verdict={verdict}>
          <Icon name={isUp ? "arrowUp" : "arrowDown"} size={12} /> {percent === null || Math.abs(percent) >= 1000 ? write(Math.abs(value - before)) : `${Math.abs(percent).toFixed(percent < 10 ? 1 : 0)}\u00a0%`}
          {verdict === "bad" && ` ${t("worse")}`}
        </span>
      )}{" "}
      {t("was", { n: write(before) })}
    </small>
  );
}

function ReturnedTile({ days, team, open, current }: { days: Days; team: number | null; open: Show; current: string | undefined }) {
  const t = useWords("statistics");
  const f = useFormats();
  const report = useReached(days, "manager", team).data;
  const [share, before] = [report?.now.in_time_share ?? null, report?.before.in_time_share ?? null];
  const points = share !== null && before !== null ? Math.round(share * 100) - Math.round(before * 100) : 0;
  const rows = report && writeRows({ figure: "returned", since: report.since, until: report.until, ...(team === null ? {} : { team }) });
  const { in_time: inTime, of } = report?.now.returned ?? { in_time: 0, of: 0 };
  return (
    <Tile name={t("tile.returned")} isOpen={rows !== undefined && current === rows} onOpen={() => open(rows ?? null)}>
      <b>{report ? f.share(share) : "…"}</b>
      <small>
        {points !== 0 && (
          <span className={styles["change"]} data-verdict={points > 0 ? "good" : "bad"}>
            <Icon name={points > 0 ? "arrowUp" : "arrowDown"} size={12} /> {f.points(Math.abs(points)).replace("+", "")}
          </span>
        )}{" "}
        {before !== null ? t("was", { n: f.share(before) }) : of > 0 ? t("of", { n: f.count(inTime), all: f.count(of) }) : "\u00a0"}
      </small>
    </Tile>
  );
}
