/* Figures of the company and of managers for some days, beside the days before. Every figure opens what it counts. */

import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useSession } from "../app/session";
import { useFormats } from "../formats";
import { Columns, DayField, Icon, Middle, PageHeader, Shown, SidePanel, useFilters, useToast } from "../parts";
import { LateMenu } from "../parts/LateMenu";
import { useWords } from "../words";
import { Channels } from "./Channels";
import { CHANNELS, daysOf, PERIODS, RATINGS, REACHED, TABS, type Days } from "./choice";
import { noon, rowsQuery } from "./figure";
import { FigurePanel } from "./FigurePanel";
import { Files } from "./Files";
import { GoalPeople } from "./People";
import { PerDay } from "./PerDay";
import { RatingTable } from "./RatingTable";
import { Kinds, Reached } from "./Reached";
import { useCompany } from "./reading";
import { Tiles } from "./Tiles";
import { TeamChoice } from "./TeamChoice";
import { HEATS, WeekHours } from "./WeekHours";
import styles from "./index.module.css";

const FILTERS = ["period", "since", "until", "by", "team", "heat", "from", "reached", "open", "who"] as const;
const DAY_WIDTH = 156;

export default function StatisticsPage() {
  const t = useWords("statistics");
  const f = useFormats();
  const [filters, change] = useFilters(FILTERS);
  const days = daysOf(filters);
  const tab = TABS.find((name) => name === filters.by) ?? "goal";
  const team = filters.team && /^\d{1,15}$/.test(filters.team) ? Number(filters.team) : null;
  const company = useCompany(days, team);
  const { data } = company;
  const open = (rows: string | null, who?: string) => {
    if (rows) change({ open: rows.slice(rows.indexOf("?") + 1), who: who ?? null });
  };
  const close = () => change({ open: null, who: null });
  return (
    <>
      <PageHeader title={t("title")} acts={<Export days={days} by={RATINGS[tab].query} team={team} />}>
        <SegmentedControl
          aria-label={t("period")}
          value={filters.period === "dates" ? "dates" : days.period}
          data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          onChange={(value) => change({ period: value, since: data?.since ?? null, until: data?.until ?? null, open: null, who: null })}
        />
        {filters.period === "dates" && <Dates />}
        <TeamChoice team={team} choose={(value) => change({ team: value, open: null, who: null })} />
        {data?.before_since && data.before_until && (
          <span className={styles["against"]}>
            {t("against", {
              days: data.before_since === data.before_until ? f.weekDay(noon(data.before_since)) : `${f.shortDay(noon(data.before_since))} – ${f.shortDay(noon(data.before_until))}`,
            })}
          </span>
        )}
      </PageHeader>
      <Columns>
        <Middle>
          <Shown query={company}>
            {(report) => (
              <>
                <Tiles company={report} days={days} team={team} open={open} current={filters.open} />
                <div className={styles["two"]}>
                  <PerDay report={report} days={days} team={team} open={open} current={filters.open} />
                  <WeekHours days={days} team={team} heat={HEATS.find((name) => name === filters.heat) ?? "missed"} change={(heat) => change({ heat })} open={open} current={filters.open} />
                </div>
                <RatingTable days={days} tab={tab} team={team} change={change} open={open} />
                <Channels days={days} isNarrowed={team !== null} by={CHANNELS.find((name) => name === filters.from) ?? "did"} change={(from) => change({ from })} open={open} />
                <div className={styles["two"]}>
                  <Reached
                    days={days}
                    team={team}
                    by={REACHED.find((name) => name === filters.reached) ?? "manager"}
                    change={(reached) => change({ reached })}
                    open={open}
                  />
                  <Kinds days={days} team={team} open={open} />
                </div>
              </>
            )}
          </Shown>
        </Middle>
        {data && filters.open && <Opened days={days} team={team} open={filters.open} who={filters.who} show={open} close={close} />}
      </Columns>
    </>
  );
}

interface OpenedProps {
  days: Days;
  team: number | null;
  open: string;
  who: string | undefined;
  show: (rows: string | null, who?: string) => void;
  close: () => void;
}

function Opened({ days, team, open, who, show, close }: OpenedProps) {
  const t = useWords("statistics");
  if (open === "goal") return <GoalPeople days={days} team={team} show={show} close={close} />;
  const query = rowsQuery(open);
  if (!query) return <SidePanel label={t("unknownFigure")} onClose={close} />;
  return <FigurePanel query={query} whose={who} onClose={close} />;
}

/** Two days of one's own; they hold when both are right. Until then they stay here, unless the address changes. */
function Dates() {
  const t = useWords("statistics");
  const [params, setParams] = useSearchParams();
  const held = { since: params.get("since"), until: params.get("until") };
  const address = `${held.since} ${held.until}`;
  const [draft, setDraft] = useState<typeof held & { instead: string; sent: string | undefined }>();
  // The address follows a little later than it is set.
  const { since, until } = draft && [draft.instead, draft.sent].includes(address) ? draft : held;
  const isWrong = since !== null && until !== null && until < since;
  const set = (first: string | null, last: string | null) => {
    const isWhole = first !== null && last !== null && last >= first;
    setDraft({ since: first, until: last, instead: address, sent: isWhole ? `${first} ${last}` : draft?.sent });
    if (!isWhole) return;
    const next = new URLSearchParams(params);
    next.set("period", "dates");
    next.set("since", first);
    next.set("until", last);
    next.delete("open");
    setParams(next, { replace: true });
  };
  return (
    <span className={styles["dates"]}>
      <DayField name={t("since")} width={DAY_WIDTH} value={since} onChange={(day) => set(day, until)} />
      <DayField name={t("until")} width={DAY_WIDTH} value={until} error={isWrong && t("wrongDays")} onChange={(day) => set(since, day)} />
    </span>
  );
}

function Export({ days, by, team }: { days: Days; by: { by: string; direction?: string }; team: number | null }) {
  const t = useWords("statistics");
  const toast = useToast();
  const [isOpen, setOpen] = useState(false);
  const { may } = useSession();
  if (!may("statistics.read_all")) return null;
  return (
    <LateMenu
      isOpen={isOpen}
      onChange={setOpen}
      position="bottom-end"
      target={
        <Button variant="default" leftSection={<Icon name="export" />} onClick={() => setOpen(!isOpen)}>
          {t("export")}
        </Button>
      }
    >
      <Files days={days} by={by} team={team} told={() => toast({ text: t("exported"), icon: "export" })} />
    </LateMenu>
  );
}
