/* What the page of the day reads, and what can be done from it. */

import { api, body, keys, once, useAct, useQuery, useQueryClient } from "../api";
import { useTellFault, useToast } from "../parts";
import { useFormats } from "../formats";
import { useWords } from "../words";
import type { TaskRow } from "./day";

const SOON = { params: { query: { days: 1, limit: 100 } } };

/** The whole day in one read; read anew when a fact touches the queue, missed clients, plans, tasks or goals. */
export function useDay() {
  return useQuery({ queryKey: keys.view("queue", "day"), queryFn: () => body(api.GET("/api/v1/me/day", SOON)) });
}

/** What is in the card of a row. */
export function useGlance(contact: number | null) {
  return useQuery({
    queryKey: keys.one("contacts", contact ?? 0, "glance"),
    enabled: contact !== null,
    queryFn: async () => {
      const path = { contact_id: contact ?? 0 };
      const [card, line] = await Promise.all([
        body(api.GET("/api/v1/contacts/{contact_id}", { params: { path } })),
        body(api.GET("/api/v1/contacts/{contact_id}/timeline", { params: { path, query: { limit: 8 } } })),
      ]);
      return { card, touches: line.items };
    },
  });
}

/** Move a task to another moment, with Undo. */
export function useMoveTask() {
  const t = useWords("today");
  const f = useFormats();
  const toast = useToast();
  const cache = useQueryClient();
  const move = async (row: TaskRow["entry"]["task"], due: string | null, version: number) => {
    const changed = await body(
      api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: row.id } }, body: { due_at: due, version } }),
    );
    await cache.invalidateQueries({ queryKey: keys.view("queue") });
    return changed;
  };
  return useAct(({ task, due }: { task: TaskRow["entry"]["task"]; due: string }) => move(task, due, task.version), {
    onDone: (changed, { task, due }) =>
      toast({ text: t("moved", { when: f.moment(due) }), icon: "clock", undo: () => move(task, task.due_at, changed.version) }),
    onFault: useTellFault(),
  });
}

/** Mark a task as done, with Undo. */
export function useFinishTask() {
  const t = useWords("today");
  const toast = useToast();
  const cache = useQueryClient();
  const set = async (id: number, state: "done" | "new" | "in_progress", version: number) => {
    const changed = await body(api.PATCH("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } }, body: { state, version } }));
    await cache.invalidateQueries({ queryKey: keys.view("queue") });
    return changed;
  };
  return useAct((task: TaskRow["entry"]["task"]) => set(task.id, "done", task.version), {
    onDone: (changed, task) =>
      toast({
        text: t("finished", { title: task.title }),
        icon: "done",
        undo: () => set(task.id, task.state === "in_progress" ? "in_progress" : "new", changed.version),
      }),
    onFault: useTellFault(),
  });
}

/** Write a note on a card. */
export function useNote(contact: number, onDone: () => void) {
  const cache = useQueryClient();
  return useAct(
    (text: string, key) =>
      body(
        api.POST("/api/v1/contacts/{contact_id}/notes", {
          params: { path: { contact_id: contact }, header: once(key) },
          body: { text },
        }),
      ),
    {
      onDone: () => {
        onDone();
        void cache.invalidateQueries({ queryKey: keys.one("contacts", contact) });
      },
      onFault: useTellFault(),
    },
  );
}
