/* Goals with their versions, how far everybody is, and how goals are changed. */

import { api, body, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useColleagues } from "../../app/colleagues";
import { useFormats } from "../../formats";
import { useToast } from "../../parts";
import { useWords } from "../../words";
import { labelOf } from "../fields/order";
import { MEASURES, PERIODS, TASKS } from "./rules";

export type Goal = Schemas["GoalView"];
export type Version = Schemas["GoalVersionView"];

export function useGoals() {
  return useQuery({ queryKey: keys.view("goals", "all"), queryFn: () => body(api.GET("/api/v1/goals")) });
}

export function useProgress() {
  return useQuery({ queryKey: keys.view("goals", "progress"), queryFn: () => body(api.GET("/api/v1/goals/progress")) });
}

/** Names of people and teams, for reading and for choosing. */
export function useNames() {
  const f = useFormats();
  const people = useColleagues();
  const teams = useQuery({ queryKey: keys.view("teams", "all"), queryFn: () => body(api.GET("/api/v1/teams")) });
  const choices = (items: readonly { id: number; name: string }[]) =>
    [...items].sort((one, other) => f.byName(one.name, other.name)).map(({ id, name }) => ({ value: String(id), label: name }));
  const nameIn = (items: readonly { id: number; name: string }[] | undefined, id: number | null) => items?.find((some) => some.id === id)?.name ?? null;
  return {
    people: choices(people.data?.items ?? []),
    teams: choices((teams.data?.items ?? []).filter((team) => !team.archived)),
    nameOf: (of: { user: number | null; team: number | null }) => nameIn(people.data?.items, of.user) ?? nameIn(teams.data?.items, of.team),
  };
}

/** Outcomes that a goal can count. */
export function useKinds() {
  const t = useWords("goals");
  const f = useFormats();
  const found = useQuery({ queryKey: keys.view("outcomes", "lists"), queryFn: () => body(api.GET("/api/v1/dispositions")) });
  const outcomes = (found.data?.dispositions ?? []).map((row) => ({ value: row.key, label: labelOf(row, f.language), isOld: row.archived_at !== null }));
  const tasks = TASKS.map((value) => ({ value, label: t(`task.${value}`), isOld: false }));
  return {
    outcomes: outcomes.filter((row) => !row.isOld).map(({ value, label }) => ({ value, label })),
    tasks: tasks.map(({ value, label }) => ({ value, label })),
    wordOf: (kind: string) => [...outcomes, ...tasks].find((row) => row.value === kind)?.label ?? kind,
  };
}

interface Ruled {
  readonly period: string;
  readonly measure: Schemas["Measure"];
  readonly direction: Schemas["GoalWay"];
  readonly seconds: number | null;
  readonly kind: string | null;
  readonly target: number;
}

/** What a goal asks for, in one line: "50 · Different numbers · over 120 s · outbound · a day". */
export function useSentence() {
  const t = useWords("goals");
  const f = useFormats();
  const kinds = useKinds();
  return ({ period, measure, direction, seconds, kind, target }: Ruled) =>
    [
      f.count(target),
      t(`measure.${MEASURES.find((some) => some === measure) ?? "calls"}`),
      kind === null ? null : kinds.wordOf(kind),
      seconds === null ? null : t("over", { n: f.count(seconds) }),
      measure === "tasks" ? null : t(`way.${direction}`),
      t(`per.${PERIODS.find((some) => some === period) ?? "day"}`),
    ]
      .filter((part) => part !== null)
      .join(" · ");
}

function useKept(close: () => void) {
  const t = useWords("goals");
  const toast = useToast();
  const cache = useQueryClient();
  return () => {
    void cache.invalidateQueries({ queryKey: keys.all("goals") });
    toast({ text: t("kept"), icon: "goal" });
    close();
  };
}

export function useNewGoal(close: () => void) {
  return useAct((goal: Schemas["NewGoal"], key) => body(api.POST("/api/v1/goals", { params: { header: once(key) }, body: goal })), { onDone: useKept(close) });
}

export function useChangeGoal(close: () => void) {
  return useAct(
    ({ id, change }: { id: number; change: Schemas["GoalChange"] }) => body(api.PATCH("/api/v1/goals/{goal_id}", { params: { path: { goal_id: id } }, body: change })),
    { onDone: useKept(close) },
  );
}
