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

export const HEATS = ["calls", "missed", "wait"] as const;
type Heat = (typeof HEATS)[number];
/** What is drawn, the figure whose calls a square opens, and the colour. */
const SHOWN = {
  calls: { value: "calls", rows: "calls", colour: "accent" },
  missed: { value: "missed", rows: "missed", colour: "miss" },
  wait: { value: "average_wait_seconds", rows: "answered", colour: "warn" },
} as const;

export interface WeekHoursProps {
  days: Days;
  team: number | null;
  heat: Heat;
  change: (heat: string) => void;
  open: Show;
  current: string | undefined;
}

const WEEK = [1, 2, 3, 4, 5, 6, 7] as const;

export function WeekHours({ days, team, heat, change, open, current }: WeekHoursProps) {
  const t = useWords("statistics");
  const f = useFormats();
  const query = useHours(days, team);
  const name = t(`heat.${heat}`);
  return (
    <Panel
      title={t("heat.title")}
      acts={
        <SegmentedControl
          size="xs"
          aria-label={t("heat")}
          value={heat}
          data={[
            { value: "calls", label: t("heat.inbound") },
            { value: "missed", label: t("figure.missed") },
            { value: "wait", label: t("figure.wait_seconds") },
          ]}
          onChange={change}
        />
      }
      isPadded
    >
      <Shown query={query} isEmpty={({ lines }) => lines.every((line) => !line.cells["calls"]?.value)} empty={<Empty icon="figures" title={t("heat.none")} />}>
        {({ lines }) => {
          const hours = shownHours(lines.filter((line) => line.cells["calls"]?.value).map((line) => Number(line.key["hour"])));
          const cell = (day: number, hour: number) => lines.find((line) => line.key["weekday"] === day && line.key["hour"] === hour)?.cells;
          const place = WEEK.flatMap((day, y) => hours.map((hour, x) => [y, x, cell(day, hour)?.[SHOWN[heat].rows]?.rows] as const)).find(([, , rows]) => current !== undefined && rows?.endsWith(`?${current}`));
          return (
            <div className={styles["heat"]}>
              <HeatMap
                label={name}
                rows={WEEK.map((day) => t(`weekday.${day}`))}
                columns={hours.map(String)}
                values={WEEK.map((day) => hours.map((hour) => cell(day, hour)?.[SHOWN[heat].value]?.value ?? null))}
                colour={SHOWN[heat].colour}
                format={heat === "wait" ? (seconds) => f.duration(Math.round(seconds)) : f.count}
                current={place ? [place[0], place[1]] : null}
                onOpen={(y, x) => open(cell(WEEK[y] ?? 1, hours[x] ?? 0)?.[SHOWN[heat].rows]?.rows ?? null)}
              />
              <p>{t(heat === "wait" ? "heat.how.wait" : "heat.how")}</p>
            </div>
          );
        }}
      </Shown>
    </Panel>
  );
}
