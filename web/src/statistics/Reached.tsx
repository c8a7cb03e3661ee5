/* How quickly missed clients were reached, by manager or by our number; and by which kinds of conversation one spoke. */

import { SegmentedControl } from "@mantine/core";
import { useFormats } from "../formats";
import { FigureLink, Icon, Notice, Panel, Shown } from "../parts";
import { useWords } from "../words";
import { REACHED, type Days, type ReachedBy } from "./choice";
import { useKinds, useReached, type Returned } from "./origins";
import { rowsQuery, writeRows, type RowsQuery } from "./figure";
import type { Line } from "./reading";
import { Scrolled } from "./Scrolled";
import type { Show } from "./Tiles";
import styles from "./RatingTable.module.css";

export interface ReachedProps {
  days: Days;
  team: number | null;
  by: ReachedBy;
  change: (by: ReachedBy) => void;
  /** Opens the missed clients of a figure one by one. */
  open: Show;
}

export function Reached({ days, team, by, change, open }: ReachedProps) {
  const t = useWords("statistics");
  const query = useReached(days, by, team);
  const data = REACHED.map((value) => ({ value, label: t(`reached.${value}`) }));
  return (
    <Panel title={t("reached")} acts={<SegmentedControl size="xs" aria-label={t("reached.by")} value={by} data={data} onChange={change} />}>
      <Shown query={query} isEmpty={({ items }) => items.length === 0} empty={<Notice icon="done" title={t("returned.none")} />}>
        {(report) => <ReachedTable report={report} by={by} team={team} open={open} />}
      </Shown>
    </Panel>
  );
}

const FATES = [
  ["of", "returned"],
  ["in_time", "returned_in_time"],
  ["later", "returned_later"],
  ["never", "returned_never"],
] as const;

function ReachedTable({ report, by, team, open }: { report: Returned; by: ReachedBy; team: number | null; open: Show }) {
  const t = useWords("statistics");
  const f = useFormats();
  const cells = (counted: Returned["items"][number]["now"], whose: Partial<RowsQuery>, who?: string) =>
    FATES.map(([name, figure]) => (
      <td key={name} data-verdict={name === "never" && counted.never > 0 ? "bad" : undefined}>
        {counted[name] > 0 ? (
          <FigureLink onOpen={() => open(writeRows({ figure, since: report.since, until: report.until, ...whose }), who)}>{f.count(counted[name])}</FigureLink>
        ) : (
          0
        )}
      </td>
    ));
  const waited = report.now.median_wait_seconds;
  return (
    <>
      <Scrolled label={t("reached")}>
        <thead>
          <tr>
            <th scope="col">{t(`reached.${by}`)}</th>
            {(["figure.missed", "fate.inTime", "fate.later", "fate.never", "reached.after"] as const).map((word) => (
              <th key={word} scope="col">
                {t(word)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {report.items.map(({ user, did, name, now }) => {
            const shown = name ?? (did || t("channels.unknown"));
            return (
              <tr key={user ?? did ?? ""}>
                <th scope="row">{shown}</th>
                {cells(now, user === null ? { by: "did", channel: did ?? "" } : { user }, shown)}
                <td>{now.median_seconds === null ? "–" : f.duration(now.median_seconds)}</td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("all")}</th>
            {cells(report.now.returned, team === null ? {} : { team })}
            <td>{report.now.returned.median_seconds === null ? "–" : f.duration(report.now.returned.median_seconds)}</td>
          </tr>
        </tfoot>
      </Scrolled>
      {waited !== null && (
        <p className={styles["note"]}>
          <Icon name="info" /> {t("reached.waited", { length: f.duration(waited) })}
        </p>
      )}
    </>
  );
}

/** Calls, letters, visits: how many in and out, beside the days before. */
export function Kinds({ days, team, open }: { days: Days; team: number | null; open: Show }) {
  const t = useWords("statistics");
  const query = useKinds(days, team);
  return (
    <Panel title={t("kinds")}>
      <Shown query={query} isEmpty={({ lines }) => lines.length === 0} empty={<Notice icon="list" title={t("none")} />}>
        {({ lines }) => <KindTable lines={lines} open={open} />}
      </Shown>
    </Panel>
  );
}

function KindTable({ lines, open }: { lines: readonly Line[]; open: Show }) {
  const t = useWords("statistics");
  const f = useFormats();
  const kinds = [...new Set(lines.map((line) => String(line.key["kind"])))];
  const cell = (kind: string, direction: string) => lines.find(({ key }) => key["kind"] === kind && key["direction"] === direction)?.cells["touches"];
  return (
    <Scrolled label={t("kinds")}>
      <thead>
        <tr>
          <th scope="col">{t("kinds.kind")}</th>
          <th scope="col">{t("kinds.in")}</th>
          <th scope="col">{t("kinds.out")}</th>
          <th scope="col">{t("chart.before")}</th>
        </tr>
      </thead>
      <tbody>
        {kinds.map((kind) => {
          const [inbound, outbound] = [cell(kind, "inbound"), cell(kind, "outbound")];
          const name = t(`kinds.${kind}` as "kinds.call", { defaultValue: kind });
          const figure = (one: typeof inbound) =>
            one?.value && rowsQuery(one.rows) ? <FigureLink onOpen={() => open(one.rows, name)}>{f.count(one.value)}</FigureLink> : f.count(one?.value ?? 0);
          return (
            <tr key={kind}>
              <th scope="row">{name}</th>
              <td>{figure(inbound)}</td>
              <td>{figure(outbound)}</td>
              <td>{f.count((inbound?.before ?? 0) + (outbound?.before ?? 0))}</td>
            </tr>
          );
        })}
      </tbody>
    </Scrolled>
  );
}
