/* A new goal, and one with its versions: new values from a day on, or its end. */

import { Button, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { asProblem, type ApiProblem } from "../../api";
import { useFormats } from "../../formats";
import { DayField, SidePanel, Tag, useMinute } from "../../parts";
import { useWords } from "../../words";
import { useChangeGoal, useKinds, useNames, useNewGoal, useSentence, type Goal } from "./queries";
import { hasKind, hasSeconds, hasWay, isWhole, MEASURES, PERIODS, ruleOf, standOf, WAYS, type Wanted } from "./rules";
import styles from "./index.module.css";

const WHOSE = ["everybody", "user", "team"] as const;

interface RuleProps {
  wanted: Wanted;
  change: (some: Partial<Wanted>) => void;
  problem: ApiProblem | null;
}

/** So many, of what, in which direction. */
function Rule({ wanted, change, problem }: RuleProps) {
  const t = useWords("goals");
  const kinds = useKinds();
  const { measure } = wanted;
  return (
    <>
      {hasKind(measure) && (
        <Select
          label={t(measure === "outcomes" ? "kind.outcome" : "kind.task")}
          clearable={measure === "tasks"}
          placeholder={measure === "tasks" ? t("kind.all") : ""}
          value={wanted.kind}
          data={measure === "outcomes" ? kinds.outcomes : kinds.tasks}
          error={problem?.field("kind")}
          onChange={(kind) => change({ kind })}
        />
      )}
      <NumberInput label={t(measure === "talk_minutes" ? "target.minutes" : "target")} min={1} allowDecimal={false} value={wanted.target ?? ""} error={problem?.field("target")} onChange={(typed) => change({ target: typed === "" ? null : Number(typed) })} />
      {hasSeconds(measure) && (
        <NumberInput label={t("seconds")} description={t("seconds.how")} min={0} allowDecimal={false} value={wanted.seconds ?? ""} error={problem?.field("seconds")} onChange={(typed) => change({ seconds: typed === "" ? null : Number(typed) })} />
      )}
      {hasWay(measure) && (
        <Select label={t("way")} allowDeselect={false} value={wanted.direction} data={WAYS.map((value) => ({ value, label: t(`way.${value}`) }))} onChange={(value) => change({ direction: WAYS.find((way) => way === value) ?? "both" })} />
      )}
    </>
  );
}

function Fault({ problem }: { problem: ApiProblem | null }): ReactNode {
  return problem && <p role="alert">{problem.errors[0]?.detail ?? problem.detail}</p>;
}

export function NewGoal({ close }: { close: () => void }) {
  const t = useWords("goals");
  const today = useFormats().isoDay(useMinute());
  const names = useNames();
  const [name, setName] = useState("");
  const [whose, setWhose] = useState<(typeof WHOSE)[number]>("everybody");
  const [whom, setWhom] = useState<string | null>(null);
  const [together, setTogether] = useState(false);
  const [period, setPeriod] = useState<(typeof PERIODS)[number]>("day");
  const [since, setSince] = useState(today);
  const [wanted, setWanted] = useState<Wanted>({ measure: "numbers", direction: "outbound", seconds: 120, kind: null, target: 50 });
  const act = useNewGoal(close);
  const problem = asProblem(act.error);
  const id = whom === null ? null : Number(whom);
  const send = () =>
    act.run({
      name: name.trim(),
      whose,
      user: whose === "user" ? id : null,
      team: whose === "team" ? id : null,
      together: whose === "team" && together,
      period,
      measure: wanted.measure,
      ...ruleOf(wanted),
      since: since || null,
    });
  const isReady = isWhole(wanted) && (whose === "everybody" || whom !== null);
  const change = (some: Partial<Wanted>) => setWanted({ ...wanted, ...some });
  return (
    <SidePanel
      label={t("new")}
      onClose={close}
      foot={
        <Button fullWidth disabled={!isReady} loading={act.isPending} onClick={send}>
          {t("make")}
        </Button>
      }
    >
      <div className={styles["form"]}>
        <Select
          label={t("whose")}
          allowDeselect={false}
          value={whose}
          data={WHOSE.map((value) => ({ value, label: t(`whose.${value}`) }))}
          onChange={(value) => {
            setWhose(WHOSE.find((some) => some === value) ?? "everybody");
            setWhom(null);
          }}
        />
        {whose !== "everybody" && <Select label={t(`whose.${whose}`)} searchable value={whom} data={whose === "user" ? names.people : names.teams} onChange={setWhom} />}
        {whose === "team" && <Switch label={t("together")} checked={together} onChange={(event) => setTogether(event.currentTarget.checked)} />}
        <Select label={t("measure")} allowDeselect={false} value={wanted.measure} data={MEASURES.map((value) => ({ value, label: t(`measure.${value}`) }))} onChange={(value) => change({ measure: MEASURES.find((some) => some === value) ?? "numbers", kind: null })} />
        <Rule wanted={wanted} change={change} problem={problem} />
        <Select label={t("period")} allowDeselect={false} value={period} data={PERIODS.map((value) => ({ value, label: t(`per.${value}`) }))} onChange={(value) => setPeriod(PERIODS.find((some) => some === value) ?? "day")} />
        <TextInput label={t("name")} description={t("name.how")} maxLength={80} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <DayField label={t("since")} value={since || null} error={problem?.field("since")} onChange={(day) => setSince(day ?? "")} />
        <Fault problem={problem} />
      </div>
    </SidePanel>
  );
}

export function OneGoal({ goal, close }: { goal: Goal; close: () => void }) {
  const t = useWords("goals");
  const f = useFormats();
  const today = f.isoDay(useMinute());
  const sentence = useSentence();
  const [since, setSince] = useState(today);
  const [until, setUntil] = useState(goal.until ?? "");
  const [wanted, setWanted] = useState<Wanted>({ measure: goal.measure, direction: goal.direction, seconds: goal.seconds, kind: goal.kind, target: goal.target });
  const act = useChangeGoal(close);
  const problem = asProblem(act.error);
  if (goal.id === 0) {
    return (
      <SidePanel label={sentence(goal)} onClose={close}>
        <p className={styles["form"]}>{t("settings.how")}</p>
      </SidePanel>
    );
  }
  const send = () => act.run({ id: goal.id, change: { version: goal.version, ...ruleOf(wanted), since: since || null, until: until || null } });
  const day = (at: string | null) => (at === null ? t("always") : f.shortDay(at));
  return (
    <SidePanel
      label={goal.name || sentence(goal)}
      onClose={close}
      foot={
        <Button fullWidth disabled={!isWhole(wanted)} loading={act.isPending} onClick={send}>
          {t("change", { day: since ? f.shortDay(since) : f.shortDay(today) })}
        </Button>
      }
    >
      <div className={styles["form"]}>
        <Rule wanted={wanted} change={(some) => setWanted({ ...wanted, ...some })} problem={problem} />
        <DayField label={t("from")} description={t("from.how")} value={since || null} error={problem?.field("since")} onChange={(day) => setSince(day ?? "")} />
        <DayField label={t("until")} description={t("until.how")} value={until || null} error={problem?.field("until")} onChange={(day) => setUntil(day ?? "")} />
        <Fault problem={problem} />
        <h3>{t("versions")}</h3>
        <ol className={styles["versions"]}>
          {goal.versions.map((version) => {
            const stand = standOf(version, today);
            return (
              <li key={version.version}>
                <b>
                  {day(version.since)}
                  {version.until && ` – ${f.shortDay(version.until)}`}
                </b>{" "}
                {stand !== "over" && <Tag tone={stand === "now" ? "talk" : "accent"}>{t(`stand.${stand}`)}</Tag>}
                <small>
                  {sentence({ ...version, period: goal.period, measure: goal.measure })}
                </small>
              </li>
            );
          })}
        </ol>
      </div>
    </SidePanel>
  );
}
