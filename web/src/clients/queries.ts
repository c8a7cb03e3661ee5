/* Cards: reading, changing as typed, notes, merges. */

import { api, body, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../api";
import { useTellFault, useToast } from "../parts";
import { useWords } from "../words";
import { useMergeCards } from "./merging";

export type Card = Schemas["ContactWithCalls"];
export type Row = Schemas["ContactView"];
export type Change = Omit<Schemas["ContactChange"], "version">;

const at = (contact_id: number) => ({ path: { contact_id } });

export function useCard(id: number) {
  return useQuery({ queryKey: keys.one("contacts", id), queryFn: () => readCard(id) });
}

export const readCard = (id: number) => body(api.GET("/api/v1/contacts/{contact_id}", { params: at(id) }));

/** Sends one field of a card; the caches have the changed card afterwards. */
export function useChangeCard(id: number) {
  const cache = useQueryClient();
  return async (change: Change, version: number) => {
    const changed = await body(api.PATCH("/api/v1/contacts/{contact_id}", { params: at(id), body: { ...change, version } }));
    cache.setQueryData(keys.one("contacts", id), (old: Card | undefined) => (old ? { ...old, ...changed } : old));
    void cache.invalidateQueries({ queryKey: keys.list("contacts"), refetchType: "none" });
    return changed;
  };
}

export function useCustomFields() {
  return useQuery({ queryKey: keys.view("fields", "cards"), queryFn: () => body(api.GET("/api/v1/fields", { params: { query: { of: "contact" } } })) });
}

export const KINDS = {
  all: [],
  calls: ["call"],
  tasks: ["task", "task_ended", "scheduled", "scheduled_ended"],
  notes: ["note"],
  outcomes: ["outcome", "touch"],
} as const;
export type KindOfEntry = keyof typeof KINDS;

export function useTimeline(id: number, kind: KindOfEntry) {
  return usePages(keys.one("contacts", id, "timeline", kind), (cursor) =>
    body(
      api.GET("/api/v1/contacts/{contact_id}/timeline", {
        params: { ...at(id), query: { kind: [...KINDS[kind]], limit: 50, ...(cursor ? { cursor } : {}) } },
      }),
    ),
  );
}

export function useWriteNote(id: number, onDone: (note: Schemas["NoteView"], isRead: Promise<void>) => void) {
  const t = useWords("clients");
  const toast = useToast();
  const cache = useQueryClient();
  const again = () => cache.invalidateQueries({ queryKey: keys.one("contacts", id) });
  return useAct(
    (text: string, key) =>
      body(api.POST("/api/v1/contacts/{contact_id}/notes", { params: { ...at(id), header: once(key) }, body: { text } })),
    {
      onDone: (note) => {
        onDone(note, again());
        const path = { contact_id: id, note_id: note.id };
        const undo = async () => {
          await api.DELETE("/api/v1/contacts/{contact_id}/notes/{note_id}", { params: { path } });
          await again();
        };
        toast({ text: t("note.written"), icon: "note", undo });
      },
      onFault: useTellFault(),
    },
  );
}

/** Merges into a card that were not undone. */
export function useMerges(id: number) {
  return useQuery({
    queryKey: keys.one("contacts", id, "merges"),
    queryFn: () => body(api.GET("/api/v1/contacts/{contact_id}/merges", { params: at(id) })),
  });
}

/** Undo one merge: both cards are as they were. */
export function useUndoMerge(id: number) {
  const t = useWords("clients");
  const toast = useToast();
  const cache = useQueryClient();
  return useAct(
    (merge: number, key) =>
      body(api.POST("/api/v1/merges/{merge_id}/undo", { params: { path: { merge_id: merge }, header: once(key) } })),
    {
      onDone: () => {
        toast({ text: t("merge.undone"), icon: "undo" });
        void cache.invalidateQueries({ queryKey: keys.one("contacts", id) });
      },
      onFault: useTellFault(),
    },
  );
}

/** Put another card into this one, with Undo. */
export function useMerge(id: number, onDone: () => void) {
  const t = useWords("clients");
  const cache = useQueryClient();
  return useMergeCards({
    said: (name) => t("merge.done", { name }),
    again: () => cache.invalidateQueries({ queryKey: keys.one("contacts", id) }),
    onDone,
  });
}

/** The people of an organisation. */
export function useFellows(organisation: number | null) {
  return useQuery({
    queryKey: keys.view("contacts", "of organisation", organisation ?? 0),
    enabled: organisation !== null,
    queryFn: () => body(api.GET("/api/v1/contacts", { params: { query: { organisation: organisation ?? 0, limit: 20 } } })),
  });
}
