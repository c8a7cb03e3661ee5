/* Where calls come from: by our number, or by the source behind it, with the new clients each brought and what it cost. */

import { SegmentedControl } from "@mantine/core";
import { Empty, Panel, Shown } from "../parts";
import { useWords } from "../words";
import { CHANNELS, type ChannelBy, type Days } from "./choice";
import { useChannels } from "./origins";
import { Figure } from "./RatingTable";
import type { Line } from "./reading";
import type { Show } from "./Tiles";
import { Part, Scrolled } from "./Scrolled";

export interface ChannelsProps {
  days: Days;
  /** The page shows a team; a number and a source belong to the whole company. */
  isNarrowed: boolean;
  by: ChannelBy;
  change: (by: ChannelBy) => void;
  open: Show;
}

const COLUMNS = ["calls", "answered", "missed", "missed_share", "leads", "talk_seconds"];

/** The columns of the table: what was spent stands there where somebody told it, in its currency. */
function columnsOf(known: readonly string[]): readonly string[] {
  return [...COLUMNS.filter((name) => known.includes(name)), ...known.filter((name) => name.startsWith("spend.") || name.startsWith("cost_per_lead."))];
}

export function Channels({ days, isNarrowed, by, change, open }: ChannelsProps) {
  const t = useWords("statistics");
  const query = useChannels(days, by);
  const data = CHANNELS.map((value) => ({ value, label: t(`channels.${value}`) }));
  return (
    <Panel title={t("channels")} sub={isNarrowed ? t("channels.whole") : undefined} acts={<SegmentedControl size="xs" aria-label={t("channels.by")} value={by} data={data} onChange={change} />}>
      <Shown query={query} isEmpty={({ lines }) => lines.length === 0} empty={<Empty icon="numbers" title={t("heat.none")} />}>
        {({ lines, columns }) => <Table lines={lines} columns={columnsOf(columns)} by={by} open={open} />}
      </Shown>
    </Panel>
  );
}

function Table({ lines, columns, by, open }: { lines: readonly Line[]; columns: readonly string[]; by: ChannelBy; open: Show }) {
  const t = useWords("statistics");
  const most = Math.max(1, ...lines.map((line) => line.cells["calls"]?.value ?? 0));
  const head = (name: string) => {
    const [figure, currency] = name.split(".");
    return (figure === "talk_seconds" ? t("head.talk") : t(`figure.${figure}` as "figure.calls")) + (currency ? `, ${currency}` : "");
  };
  return (
    <Scrolled label={t("channels")}>
      <thead>
        <tr>
          <th scope="col">{t(`channels.${by}`)}</th>
          <td aria-hidden="true" />
          {columns.map((name) => (
            <th key={name} scope="col">
              {head(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={`${line.key["kind"] ?? ""} ${line.key["name"] ?? ""}`}>
            <th scope="row">{line.name || t("channels.unknown")}</th>
            <Part of={line.cells["calls"]?.value ?? 0} most={most} />
            {columns.map((name) => (
              <Figure key={name} line={line} name={name} open={open} />
            ))}
          </tr>
        ))}
      </tbody>
    </Scrolled>
  );
}
