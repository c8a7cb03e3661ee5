/* How many tasks everybody has, by state, and each team; every figure opens its tasks. */

import { SegmentedControl } from "@mantine/core";
import type { Schemas } from "../api";
import { useFormats } from "../formats";
import { Avatar, Empty, FigureLink, Panel, Shown } from "../parts";
import { useWords } from "../words";
import { addressOf, FIGURES, PERIODS, type Bounds, type Figure, type Period } from "./filters";
import { useTasksOfPeople } from "./queries";
import styles from "./index.module.css";

interface PeopleProps {
  bounds: Bounds;
  period: Period;
  choose: (period: Period) => void;
}

export function People({ bounds, period, choose }: PeopleProps) {
  const t = useWords("tasks");
  const query = useTasksOfPeople(bounds, period);
  const shown = (figures: Sums) => figures.new + figures.in_progress + figures.done + figures.failed > 0;
  return (
    <Shown query={query} isEmpty={({ people }) => people.length === 0} empty={<Empty icon="clients" title={t("none")} />}>
      {({ people, teams }) => (
        <>
          <div className={styles.bar}>
            <span className="dim">{t("endedIn")}</span>
            <div className={styles.parts}>
              <SegmentedControl size="xs" aria-label={t("endedIn")} value={period} data={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))} onChange={(value) => choose(PERIODS.find((some) => some === value) ?? "week")} />
            </div>
          </div>
          {teams.length > 0 && (
            <Table title={t("byTeam")} period={period} rows={teams.map((team) => ({ key: `team ${team.team}`, name: team.name, whose: { team: String(team.team) }, sums: team }))} />
          )}
          <Table
            title={t("byPerson")}
            period={period}
            rows={people
              .filter((person) => person.user !== null || shown(person))
              .map((person) => ({ key: `person ${person.user ?? ""}`, name: person.name, whose: { owner: person.user === null ? "none" : String(person.user) }, sums: person }))}
          />
        </>
      )}
    </Shown>
  );
}

type Sums = Pick<Schemas["PersonTasks"], "new" | "in_progress" | "overdue" | "due" | "done" | "failed">;

interface Row {
  readonly key: string;
  /** Null: what is nobody's. */
  readonly name: string | null;
  readonly whose: Readonly<Record<string, string>>;
  readonly sums: Sums;
}

const valueOf = (sums: Sums, figure: Figure): number => (figure === "open" ? sums.new + sums.in_progress : sums[figure]);

function Table({ title, rows, period }: { title: string; rows: readonly Row[]; period: Period }) {
  const t = useWords("tasks");
  const f = useFormats();
  return (
    <Panel title={title}>
      <table className={styles.people} aria-label={title}>
        <thead>
          <tr>
            <th scope="col">
              <span className="unseen">{t("field.owner")}</span>
            </th>
            {FIGURES.map((figure) => (
              <th key={figure} scope="col" data-figure={figure}>
                {t(`figure.${figure}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, name, whose, sums }) => (
            <tr key={key}>
              <th scope="row">
                <span className={styles.person}>
                  {whose["owner"] !== undefined && name !== null && <Avatar name={name} size={20} />}
                  <span className="cut">{name ?? t("nobody")}</span>
                </span>
              </th>
              {FIGURES.map((figure) => (
                <td key={figure} data-figure={figure} data-late={figure === "overdue" && sums.overdue > 0 ? true : undefined}>
                  {valueOf(sums, figure) === 0 ? (
                    <span className="dim">0</span>
                  ) : (
                    <FigureLink to={addressOf(figure, whose, period)} definition={t(`figure.${figure}.how`)}>
                      {f.count(valueOf(sums, figure))}
                    </FigureLink>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
