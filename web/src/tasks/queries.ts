/* Tasks: reading, making, moving, ending, handing over; every change has its Undo. */

import { useMemo } from "react";
import { api, asProblem, body, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../api";
import { useFormats } from "../formats";
import { useTellFault, useToast, type IconName } from "../parts";
import { useWords } from "../words";
import { useReader } from "../app/reader";
import { beginOf, daysOf } from "../calls/filters";
import { PERIODS, type Bounds, type Period, type TasksQuery } from "./filters";

export type Task = Schemas["TaskView"];
export type Change = Omit<Schemas["TaskChange"], "version">;

/** The moments that divide the reader's tasks, as they were when the page was opened. */
export function useBounds(): Bounds {
  const reader = useReader();
  return useMemo(() => {
    const now = Date.now();
    const begins = Object.fromEntries(PERIODS.map((period) => [period, beginOf(daysOf(period, now, reader).from, reader)])) as Record<Period, string>;
    return { endOfToday: beginOf(daysOf("today", now, reader).until, reader), begins };
  }, [reader]);
}

/** How many tasks everybody has, by state. */
export function useTasksOfPeople(bounds: Bounds, period: Period) {
  const query = { until: bounds.endOfToday, ended_since: bounds.begins[period] };
  return useQuery({
    queryKey: keys.view("tasks", "people", query),
    queryFn: () => body(api.GET("/api/v1/tasks/people", { params: { query } })),
  });
}

/** How many tasks a list has. */
export function useTaskCount(query: TasksQuery) {
  return useQuery({
    queryKey: keys.list("tasks", "count", query),
    queryFn: () => body(api.GET("/api/v1/tasks/count", { params: { query } })),
  });
}

export function useTasks(query: TasksQuery) {
  return usePages(keys.list("tasks", query), (cursor) =>
    body(api.GET("/api/v1/tasks", { params: { query: { ...query, limit: 100, ...(cursor ? { cursor } : {}) } } })),
  );
}

export function useTask(id: number | null) {
  return useQuery({
    queryKey: keys.one("tasks", id ?? 0),
    enabled: id !== null,
    queryFn: () => body(api.GET("/api/v1/tasks/{task_id}", { params: { path: { task_id: id ?? 0 } } })),
  });
}

const AT_ONCE = 4;

interface Changed {
  /** The tasks before, each with its version after the change. */
  readonly done: readonly { readonly task: Task; readonly version: number }[];
  /** Why the first of the others was refused; null: none was. */
  readonly why: string | null;
}

/** Change a task, or several at once; say it in one sentence, with one Undo for all of them. */
export function useChangeTasks() {
  const t = useWords("tasks");
  const toast = useToast();
  const cache = useQueryClient();
  const send = (id: number, change: Change, version: number) =>
    body(api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } }, body: { ...change, version } }));
  const again = () => Promise.all([cache.invalidateQueries({ queryKey: keys.all("tasks") }), cache.invalidateQueries({ queryKey: keys.view("queue") })]);
  const all = async (tasks: readonly Task[], change: Change): Promise<Changed> => {
    const done: { task: Task; version: number }[] = [];
    const faults: unknown[] = [];
    for (let at = 0; at < tasks.length; at += AT_ONCE) {
      const some = tasks.slice(at, at + AT_ONCE);
      const answers = await Promise.allSettled(some.map((task) => send(task.id, change, task.version)));
      answers.forEach((answer, place) => {
        const task = some[place];
        if (answer.status === "rejected") faults.push(answer.reason);
        else if (task) done.push({ task, version: answer.value.version });
      });
    }
    await again();
    if (done.length === 0) throw faults[0];
    const problem = asProblem(faults[0]);
    return { done, why: faults.length === 0 ? null : (problem?.errors[0]?.detail ?? problem?.detail ?? "") };
  };
  return useAct(({ tasks, change }: { tasks: readonly Task[]; change: Change; said: string; icon?: IconName }) => all(tasks, change), {
    onDone: ({ done, why }, { tasks, change, said, icon = "done" }) => {
      const undo = async () => {
        await Promise.all(done.map(({ task, version }) => send(task.id, before(task, change), version)));
        await again();
      };
      toast({ text: why === null ? said : t("some", { done: done.length, count: tasks.length, why }), icon: why === null ? icon : "warn", undo });
    },
    onFault: useTellFault(),
  });
}

/** The same for one task. */
export function useChangeTask() {
  const change = useChangeTasks();
  return {
    ...change,
    run: ({ task, ...rest }: { task: Task; change: Change; said: string; icon?: IconName }) => change.run({ tasks: [task], ...rest }),
  };
}

/** The values that a change replaces. */
function before(task: Task, change: Change): Change {
  const names = Object.keys(change) as (keyof Change)[];
  const old = Object.fromEntries(names.map((name) => [name, name === "contact" ? (task.contact?.id ?? null) : task[name as keyof Task]]));
  return old;
}

export function useMakeTask(onMade: () => void) {
  const t = useWords("tasks");
  const f = useFormats();
  const toast = useToast();
  const cache = useQueryClient();
  return useAct(
    (task: Schemas["NewTaskBody"], key) => body(api.POST("/api/v1/tasks", { params: { header: once(key) }, body: task })),
    {
      onDone: (made) => {
        toast({ text: made.due_at ? t("made.due", { when: f.moment(made.due_at) }) : t("made"), icon: "task" });
        void cache.invalidateQueries({ queryKey: keys.all("tasks") });
        if (made.contact) void cache.invalidateQueries({ queryKey: keys.one("contacts", made.contact.id) });
        onMade();
      },
    },
  );
}
