/* The steps of a route, each with whom it rings and for how long; a change is saved at once. */

import { ActionIcon, NumberInput, SegmentedControl, Select } from "@mantine/core";
import { useFormats } from "../../formats";
import { Icon, Panel, type IconName } from "../../parts";
import { useWords } from "../../words";
import { useGroups, usePolicy, useRoutes, useSetStrategy, type Group, type Route, type Step, type StepKind } from "./queries";
import { useColleagues } from "../../app/colleagues";
import { added, bodyOf, isFixed, longest, raised, stepOf, type StepBody } from "./steps";
import styles from "./index.module.css";

const ICONS: Readonly<Record<StepKind, IconName>> = {
  owner: "person",
  group: "clients",
  manager: "person",
  announcement: "speaker",
  route: "routing",
  site: "phone",
  hang_up: "missed",
};
const STRATEGIES = ["all", "turn", "longest_idle"] as const;

export interface StepsProps {
  title: string;
  route: Route;
  steps: readonly Step[];
  /** Why the gateway refused the last change of these steps. */
  fault: string | null;
  showGroup: (group: string) => void;
  change: (steps: StepBody[]) => void;
}

export function Steps({ title, route, steps, fault, showGroup, change }: StepsProps) {
  const t = useWords("routing");
  const f = useFormats();
  const choices = useChoices(route);
  const bodies = steps.map(bodyOf);
  return (
    <Panel title={title} sub={longest(steps) > 0 ? t("longest", { time: f.duration(longest(steps)) }) : undefined}>
      {steps.length === 0 && <p className={styles.part}>{t("steps.none")}</p>}
      <ol className={styles.steps} aria-label={title}>
        {steps.map((step, at) => (
          <OneStep
            key={`${at} ${step.kind} ${step.seconds}`}
            at={at}
            step={step}
            wait={(seconds) => change(bodies.with(at, { ...bodyOf(step), seconds }))}
            raise={() => change(raised(bodies, at))}
            drop={() => change(bodies.toSpliced(at, 1))}
            showGroup={showGroup}
          />
        ))}
      </ol>
      <div className={styles.add}>
        <Select
          key={steps.length}
          aria-label={t("add.to", { title })}
          placeholder={t("add")}
          searchable
          error={fault}
          value={null}
          data={choices}
          leftSection={<Icon name="plus" />}
          onChange={(value) => value && change(added(bodies, stepOf(value)))}
        />
      </div>
    </Panel>
  );
}

/** What a step can be, by its kind. */
function useChoices(route: Route) {
  const t = useWords("routing");
  const groups = useGroups().data?.items ?? [];
  const people = useColleagues().data?.items ?? [];
  const routes = useRoutes().data?.items ?? [];
  const sounds = usePolicy().data?.sounds ?? [];
  const parts = [
    { group: t("kind.call"), items: (["owner", "site", "hang_up"] as const).map((kind) => ({ value: kind, label: t(`kind.${kind}`) })) },
    { group: t("groups"), items: groups.map(({ id, name }) => ({ value: `group:${id}`, label: name })) },
    { group: t("people"), items: people.map(({ id, name }) => ({ value: `manager:${id}`, label: name })) },
    { group: t("sounds"), items: sounds.map((sound) => ({ value: `announcement:${sound}`, label: sound })) },
    { group: t("routes"), items: routes.filter(({ id }) => id !== route.id).map(({ id, name }) => ({ value: `route:${id}`, label: name })) },
  ];
  return parts.filter(({ items }) => items.length > 0);
}

interface OneStepProps {
  at: number;
  step: Step;
  wait: (seconds: number) => void;
  raise: () => void;
  drop: () => void;
  showGroup: (group: string) => void;
}

function OneStep({ at, step, wait, raise, drop, showGroup }: OneStepProps) {
  const t = useWords("routing");
  const group = useGroups().data?.items.find(({ id }) => id === step.group);
  const name = useStepName()(step);
  return (
    <li>
      <span className={styles.at}>{at + 1}</span>
      <Icon name={ICONS[step.kind]} />
      <span className={styles.what}>
        {group ? (
          <button type="button" className={styles.group} onClick={() => showGroup(String(group.id))}>
            {name}
          </button>
        ) : (
          <b>{name}</b>
        )}
        <small>{step.kind === "group" && group ? t("members", { count: group.members.length }) : t(`how.${step.kind}`)}</small>
      </span>
      {group && <StrategyChoice group={group} />}
      {step.seconds !== null && (
        <NumberInput
          w={84}
          hideControls
          min={5}
          max={120}
          allowDecimal={false}
          aria-label={t("seconds.of", { name })}
          suffix={` ${t("seconds")}`}
          defaultValue={step.seconds}
          onBlur={(event) => {
            const typed = Number.parseInt(event.currentTarget.value, 10);
            const seconds = Math.min(120, Math.max(5, typed)); // as the field shows it then
            if (Number.isFinite(typed) && seconds !== step.seconds) wait(seconds);
          }}
        />
      )}
      {at > 0 && !isFixed(step) && (
        <ActionIcon variant="subtle" color="gray" aria-label={t("raise", { name })} onClick={raise}>
          <Icon name="arrowUp" />
        </ActionIcon>
      )}
      <ActionIcon variant="subtle" color="gray" aria-label={t("drop", { name })} onClick={drop}>
        <Icon name="close" />
      </ActionIcon>
    </li>
  );
}

function StrategyChoice({ group }: { group: Group }) {
  const t = useWords("routing");
  const set = useSetStrategy();
  return (
    <SegmentedControl
      size="xs"
      className={styles.strategy ?? ""}
      aria-label={t("strategy.of", { name: group.name })}
      value={group.strategy}
      data={STRATEGIES.map((value) => ({ value, label: t(`strategy.${value}`) }))}
      onChange={(value) => {
        const strategy = STRATEGIES.find((some) => some === value);
        if (strategy && strategy !== group.strategy) set.run({ group, strategy });
      }}
    />
  );
}

/** What a step is called. */
export function useStepName(): (step: Step) => string {
  const t = useWords("routing");
  const groups = useGroups().data?.items ?? [];
  const people = useColleagues().data?.items ?? [];
  const routes = useRoutes().data?.items ?? [];
  return (step) => {
    if (step.kind === "group") return groups.find(({ id }) => id === step.group)?.name ?? t("kind.group");
    if (step.kind === "manager") return people.find(({ id }) => id === step.user)?.name ?? t("kind.manager");
    if (step.kind === "route") return routes.find(({ id }) => id === step.route)?.name ?? t("kind.route");
    if (step.kind === "announcement") return step.sound ?? t("kind.announcement");
    return t(`kind.${step.kind}`);
  };
}
