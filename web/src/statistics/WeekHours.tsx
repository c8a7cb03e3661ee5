/* When the phones ring, and when nobody answers: hours of the days of the week. A square opens its calls. */

import { SegmentedControl } from "@mantine/core";
import { useFormats } from "../formats";
import { Empty, Panel, Shown } from "../parts";
import { HeatMap } from "../parts/charts";
import { useWords } from "../words";
import type { Days } from "./choice";
import { shownHours } from "./figure";
import { useHours } from "./reading";
import type { Show } from "./Tiles";
import styles from "./index.module.css";

export interface WeekHoursProps {
  days: Days;
  heat: "calls" | "missed";
  change: (heat: string) => void;
  open: Show;
  current: string | undefined;
}

const WEEK = [1, 2, 3, 4, 5, 6, 7] as const;

export function WeekHours({ days, heat, change, open, current }: WeekHoursProps) {
  const t = useWords("statistics");
  const f = useFormats();
  const query = useHours(days);
  const name = t(heat === "missed" ? "heat.missed" : "heat.calls");
  return (
    <Panel
      title={name}
      acts={
        <SegmentedControl
          size="xs"
          aria-label={t("heat")}
          value={heat}
          data={[
            { value: "calls", label: t("heat.inbound") },
            { value: "missed", label: t("figure.missed") },
          ]}
          onChange={change}
        />
      }
      isPadded
    >
      <Shown query={query} isEmpty={({ lines }) => lines.every((line) => !line.cells["calls"]?.value)} empty={<Empty icon="figures" title={t("heat.none")} />}>
        {({ lines }) => {
          const hours = shownHours(lines.filter((line) => line.cells["calls"]?.value).map((line) => Number(line.key["hour"])));
          const cell = (day: number, hour: number) => lines.find((line) => line.key["weekday"] === day && line.key["hour"] === hour)?.cells[heat];
          const place = WEEK.flatMap((day, y) => hours.map((hour, x) => [y, x, cell(day, hour)?.rows] as const)).find(([, , rows]) => current !== undefined && rows?.endsWith(`?${current}`));
          return (
            <div className={styles["heat"]}>
              <HeatMap
                label={name}
                rows={WEEK.map((day) => t(`weekday.${day}`))}
                columns={hours.map(String)}
                values={WEEK.map((day) => hours.map((hour) => cell(day, hour)?.value ?? null))}
                colour={heat === "missed" ? "miss" : "accent"}
                format={f.count}
                current={place ? [place[0], place[1]] : null}
                onOpen={(y, x) => open(cell(WEEK[y] ?? 1, hours[x] ?? 0)?.rows ?? null)}
              />
              <p>{t("heat.how")}</p>
            </div>
          );
        }}
      </Shown>
    </Panel>
  );
}
