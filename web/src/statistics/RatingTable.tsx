/* Managers by a figure, the best first. Every counted figure opens what it counts. */

import { SegmentedControl } from "@mantine/core";
import { useFormats, type Formats } from "../formats";
import { Empty, FigureLink, Panel, Shown } from "../parts";
import { useWords } from "../words";
import { RATINGS, TABS, type Days, type Tab } from "./choice";
import { rowsQuery } from "./figure";
import { useRating, type Line, type Report } from "./reading";
import type { Show } from "./Tiles";
import { Part, Scrolled } from "./Scrolled";

export interface RatingTableProps {
  days: Days;
  tab: Tab;
  team: number | null;
  change: (some: { by?: string | null }) => void;
  open: Show;
}

export function RatingTable({ days, tab, team, change, open }: RatingTableProps) {
  const t = useWords("statistics");
  const query = useRating(days, RATINGS[tab], team);
  return (
    <Panel
      title={t("rating")}
      acts={
        <SegmentedControl size="xs" aria-label={t("rating.by")} value={tab} data={TABS.map((value) => ({ value, label: t(`tab.${value}`) }))} onChange={(value) => change({ by: value })} />
      }
    >
      <Shown query={query} isEmpty={({ lines }) => lines.length === 0} empty={<Empty icon="clients" title={t("rating.none")} />}>
        {(report) => <Table report={report} columns={RATINGS[tab].columns} open={open} />}
      </Shown>
    </Panel>
  );
}

/** How a figure is written: seconds as hours, shares in hundredths, money whole, the rest as a number. */
function written(name: string, value: number | null | undefined, f: Formats): string {
  if (value === null || value === undefined) return "–";
  if (name.startsWith("spend.") || name.startsWith("cost_per")) return f.count(Math.round(value));
  if (name.startsWith("average_")) return f.duration(value);
  if (name.endsWith("_seconds")) return f.hoursAndMinutes(value);
  return name.endsWith("_share") ? f.share(value) : f.count(value);
}

function Table({ report, columns, open }: { report: Report; columns: readonly string[]; open: Show }) {
  const t = useWords("statistics");
  const [first = "calls", ...others] = columns;
  const highest = Math.max(1, ...report.lines.map((line) => line.cells[first]?.value ?? 0));
  const head = (name: string) => (name === "talk_seconds" ? t("head.talk") : t(`figure.${name}` as "figure.calls"));
  return (
    <Scrolled label={t("rating")} isPlaced>
      <thead>
        <tr>
          <th scope="col">{t("place")}</th>
          <th scope="col">{t("manager")}</th>
          <th scope="col">{head(first)}</th>
          <th scope="col">{t("change")}</th>
          <td aria-hidden="true" />
          {others.map((name) => (
            <th key={name} scope="col">
              {head(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {report.lines.map((line) => (
          <tr key={line.key["user"]}>
            <td>{line.place}</td>
            <th scope="row">{line.name}</th>
            <Figure line={line} name={first} open={open} />
            <Moved line={line} name={first} />
            <Part of={line.cells[first]?.value ?? 0} most={highest} />
            {others.map((name) => (
              <Figure key={name} line={line} name={name} open={open} />
            ))}
          </tr>
        ))}
      </tbody>
    </Scrolled>
  );
}

export function Figure({ line, name, open }: { line: Line; name: string; open: Show }) {
  const f = useFormats();
  const cell = line.cells[name];
  const text = written(name, cell?.value, f);
  const opens = cell?.value && rowsQuery(cell.rows) ? cell.rows : null;
  return <td>{opens ? <FigureLink onOpen={() => open(opens, line.name)}>{text}</FigureLink> : text}</td>;
}

function Moved({ line, name }: { line: Line; name: string }) {
  const f = useFormats();
  const cell = line.cells[name];
  if (cell?.value == null || cell.before === null) return <td>–</td>;
  const moved = cell.value - cell.before;
  const text = name.endsWith("_seconds") ? `${moved < 0 ? "−" : moved > 0 ? "+" : ""}${f.hoursAndMinutes(Math.abs(moved))}` : f.change(moved);
  return <td data-verdict={moved === 0 ? undefined : cell.verdict}>{text}</td>;
}
