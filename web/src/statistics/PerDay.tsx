/* Calls of each day (of each week in a quarter) beside those of the days before. */

import { useFormats } from "../formats";
import { Panel } from "../parts";
import { Bars, Legend, type Series } from "../parts/charts";
import { useWords } from "../words";
import type { Days } from "./choice";
import { noon } from "./figure";
import { useSeries, type Report } from "./reading";
import type { Show } from "./Tiles";

export function PerDay({ report, days, team, open, current }: { report: Report; days: Days; team: number | null; open: Show; current: string | undefined }) {
  const t = useWords("statistics");
  const f = useFormats();
  const step = days.period === "quarter" ? "week" : "day";
  const { before_since: since, before_until: until } = report;
  const whose = team === null ? {} : { team };
  const now = useSeries(days, step, whose);
  const before = useSeries(since && until ? { period: "dates", since, until } : null, step, whose);
  const lines = now.data?.lines ?? [];
  const points = lines.map((line, at) => {
    const [calls, missed] = [line.cells["calls"]?.value ?? 0, line.cells["missed"]?.value ?? 0];
    const day = noon(String(line.key["since"]));
    return {
      label: lines.length > 7 ? f.shortDay(day) : f.weekDay(day),
      whole: { calls },
      values: { missed, calls: calls - missed, before: before.data?.lines[at]?.cells["calls"]?.value ?? 0 },
    };
  });
  const series: Series[] = [
    { name: "missed", label: t("figure.missed"), colour: "miss", stack: "now" },
    { name: "calls", label: t("chart.these"), colour: "accent", stack: "now" },
    { name: "before", label: t("chart.before"), colour: "prev" },
  ];
  const rows = (line: (typeof lines)[number] | undefined, name: string) => line?.cells[name === "missed" ? "missed" : "calls"]?.rows ?? null;
  const at = lines.findIndex((line) => current !== undefined && ["calls", "missed"].some((name) => rows(line, name)?.endsWith(`?${current}`)));
  return (
    <Panel title={t(step === "day" ? "perDay" : "perWeek")} acts={<Legend series={series} />}>
      <Bars
        label={t(step === "day" ? "perDay" : "perWeek")}
        points={points}
        series={series}
        height={200}
        current={at < 0 ? null : at}
        onOpen={(index, name) => open(rows((name === "before" ? before.data?.lines : lines)?.[index], name))}
      />
    </Panel>
  );
}
