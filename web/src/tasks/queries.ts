/* Tasks: reading, making, moving, ending; every change has its Undo. */

import { api, body, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../api";
import { useFormats } from "../formats";
import { useTellFault, useToast, type IconName } from "../parts";
import { useWords } from "../words";
import type { queryOf } from "./filters";

export type Task = Schemas["TaskView"];
export type Change = Omit<Schemas["TaskChange"], "version">;

export function useTasks(query: ReturnType<typeof queryOf>) {
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

/** Change a task, say so, and offer to take it back. */
export function useChangeTask() {
  const toast = useToast();
  const cache = useQueryClient();
  const send = async (id: number, change: Change, version: number) => {
    const changed = await body(api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } }, body: { ...change, version } }));
    await Promise.all([cache.invalidateQueries({ queryKey: keys.all("tasks") }), cache.invalidateQueries({ queryKey: keys.view("queue") })]);
    return changed;
  };
  return useAct(({ task, change }: { task: Task; change: Change; said: string; icon?: IconName }) => send(task.id, change, task.version), {
    onDone: (changed, { task, change, said, icon = "done" }) =>
      toast({ text: said, icon, undo: () => send(task.id, before(task, change), changed.version) }),
    onFault: useTellFault(),
  });
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
        onMade();
      },
    },
  );
}
