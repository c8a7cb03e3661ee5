/* Goals: what is wanted from whom, since when, and how far everybody is now. */

import { Button } from "@mantine/core";
import { useFormats } from "../../formats";
import { Columns, Empty, GoalBar, Icon, Middle, PageHeader, Panel, Shown, Tag, useFilters, useMinute } from "../../parts";
import { useWords } from "../../words";
import { NewGoal, OneGoal } from "./Forms";
import { useGoals, useNames, useProgress, useSentence, type Goal } from "./queries";
import { standOf } from "./rules";
import styles from "./index.module.css";

const PACES = ["reached", "ahead", "on", "behind"] as const;
const TONES = { reached: "talk", ahead: "talk", on: "accent", behind: "warn" } as const;

export default function GoalsPage() {
  const t = useWords("goals");
  const [filters, change] = useFilters(["goal"] as const);
  const found = useGoals();
  const opened = found.data?.items.find((goal) => String(goal.id) === filters.goal);
  const close = () => change({ goal: null });
  const button = (
    <Button leftSection={<Icon name="plus" />} onClick={() => change({ goal: "new" })}>
      {t("new")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} acts={button} />
      <Columns>
        <Middle>
          <Panel title={t("all")} sub={t("how")}>
            <Shown query={found} isEmpty={({ items }) => items.length === 0} empty={<Empty icon="goal" title={t("none")} act={button} />}>
              {({ items }) => (
                <ul className={styles["rows"]} aria-label={t("all")}>
                  {items.map((goal) => (
                    <Row key={goal.id} goal={goal} isOpen={goal === opened} open={() => change({ goal: String(goal.id) })} />
                  ))}
                </ul>
              )}
            </Shown>
          </Panel>
          <Progress goal={opened?.id ?? null} />
        </Middle>
        {filters.goal === "new" && <NewGoal close={close} />}
        {opened && <OneGoal key={`${opened.id}/${opened.version}`} goal={opened} close={close} />}
      </Columns>
    </>
  );
}

function Row({ goal, isOpen, open }: { goal: Goal; isOpen: boolean; open: () => void }) {
  const t = useWords("goals");
  const f = useFormats();
  const today = f.isoDay(useMinute());
  const sentence = useSentence();
  const { nameOf } = useNames();
  const stand = standOf(goal, today);
  const comes = goal.versions.find((version) => standOf(version, today) === "comes");
  return (
    <li className={styles["row"]} data-open={isOpen || undefined}>
      <button type="button" className={styles["name"]} onClick={open} aria-expanded={isOpen}>
        <b>{goal.name || sentence(goal)}</b>
        {goal.name && <small>{sentence(goal)}</small>}
      </button>
      <span>
        {nameOf(goal) ?? t("whose.everybody")}
        {goal.together && ` · ${t("together.short")}`}
      </span>
      {goal.id === 0 && <Tag>{t("settings")}</Tag>}
      {comes?.since && comes.since !== goal.since && <Tag tone="accent">{t("changes", { day: f.shortDay(comes.since) })}</Tag>}
      {stand !== "now" && <Tag tone="pause">{t(`stand.${stand}`)}</Tag>}
    </li>
  );
}

function Progress({ goal }: { goal: number | null }) {
  const t = useWords("goals");
  const f = useFormats();
  const found = useProgress();
  const sentence = useSentence();
  const { nameOf } = useNames();
  return (
    <Panel title={t("progress")} sub={t("progress.how")}>
      <Shown query={found} isEmpty={({ items }) => items.length === 0} empty={<Empty icon="goal" title={t("progress.none")} />}>
        {({ items }) => (
          <ul className={styles["rows"]} aria-label={t("progress")}>
            {items
              .filter((one) => goal === null || one.goal === goal)
              .map((one) => {
                const pace = PACES.find((some) => some === one.pace) ?? "on";
                return (
                  <li key={`${one.goal}/${one.user}/${one.team}`} className={styles["row"]}>
                    <span className={styles["name"]}>
                      <b>{nameOf(one) ?? t("whose.everybody")}</b>
                      <small>{one.name || sentence(one)}</small>
                    </span>
                    <GoalBar value={one.done} goal={one.target} pace={one.expected} width={120} />
                    <span className={styles["done"]}>
                      <b>{f.count(one.done)}</b> / {f.count(one.target)}
                    </span>
                    <Tag tone={TONES[pace]}>{t(`pace.${pace}`)}</Tag>
                  </li>
                );
              })}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}
