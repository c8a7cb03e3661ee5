/* How quickly missed clients were reached, by manager or by our number; and by which kinds of conversation one spoke. */

import { SegmentedControl } from "@mantine/core";
import { useFormats } from "../formats";
import { FigureLink, Icon, Notice, Panel, Shown } from "../parts";
import { useWords } from "../words";
import { REACHED, type Days, type ReachedBy } from "./choice";
import { useKinds, useReached, type Returned } from "./origins";
import type { Line } from "./reading";
import { Scrolled } from "./Scrolled";
import styles from "./RatingTable.module.css";

export interface ReachedProps {
  days: Days;
  team: number | null;
  by: ReachedBy;
  change: (by: ReachedBy) => void;
  /** Opens the missed clients one by one. */
  open: () => void;
}

export function Reached({ days, team, by, change, open }: ReachedProps) {
  const t = useWords("statistics");
  const query = useReached(days, by, team);
  const data = REACHED.map((value) => ({ value, label: t(`reached.${value}`) }));
  return (
    <Panel title={t("reached")} acts={<SegmentedControl size="xs" aria-label={t("reached.by")} value={by} data={data} onChange={change} />}>
      <Shown query={query} isEmpty={({ items }) => items.length === 0} empty={<Notice icon="done" title={t("returned.none")} />}>
        {(report) => <ReachedTable report={report} by={by} open={open} />}
      </Shown>
    </Panel>
  );
}

function ReachedTable({ report, by, open }: { report: Returned; by: ReachedBy; open: () => void }) {
  const t = useWords("statistics");
  const f = useFormats();
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
          {report.items.map(({ user, did, name, now }) => (
            <tr key={user ?? did ?? ""}>
              <th scope="row">{name ?? (did || t("channels.unknown"))}</th>
              <td>{now.of}</td>
              <td>{now.in_time}</td>
              <td>{now.later}</td>
              <td data-verdict={now.never > 0 ? "bad" : undefined}>{now.never}</td>
              <td>{now.median_seconds === null ? "–" : f.duration(now.median_seconds)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("all")}</th>
            <td>
              <FigureLink onOpen={open}>{report.now.returned.of}</FigureLink>
            </td>
            <td>{report.now.returned.in_time}</td>
            <td>{report.now.returned.later}</td>
            <td>{report.now.returned.never}</td>
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
export function Kinds({ days }: { days: Days }) {
  const t = useWords("statistics");
  const query = useKinds(days);
  return (
    <Panel title={t("kinds")}>
      <Shown query={query} isEmpty={({ lines }) => lines.length === 0} empty={<Notice icon="list" title={t("none")} />}>
        {({ lines }) => <KindTable lines={lines} />}
      </Shown>
    </Panel>
  );
}

function KindTable({ lines }: { lines: readonly Line[] }) {
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
          return (
            <tr key={kind}>
              <th scope="row">{t(`kinds.${kind}` as "kinds.call", { defaultValue: kind })}</th>
              <td>{f.count(inbound?.value ?? 0)}</td>
              <td>{f.count(outbound?.value ?? 0)}</td>
              <td>{f.count((inbound?.before ?? 0) + (outbound?.before ?? 0))}</td>
            </tr>
          );
        })}
      </tbody>
    </Scrolled>
  );
}
