/* Own fields and the lists of outcomes, and how they are changed. */

import { api, body, keys, once, useAct, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault, useToast } from "../../parts";
import { useWords } from "../../words";
import { moved, type Placed } from "./order";

export type Field = Schemas["FieldView"];
export type FieldOf = Schemas["FieldOf"];
export type Disposition = Schemas["DispositionView"];
export type Reason = Schemas["ReasonView"];
export type Lists = Schemas["CatalogueView"];

const readFields = (of: FieldOf) => body(api.GET("/api/v1/fields", { params: { query: { of, archived: true } } }));
const readLists = () => body(api.GET("/api/v1/dispositions"));

export function useFields(of: FieldOf) {
  return useQuery({ queryKey: keys.view("fields", "all", of), queryFn: () => readFields(of) });
}

export function useLists() {
  return useQuery({ queryKey: keys.view("outcomes", "lists"), queryFn: readLists });
}

/** The row of a list that was read; it cannot have gone, for nothing is deleted. */
function rowOf<T extends { id: number }>(rows: readonly T[], id: number): T {
  const row = rows.find((some) => some.id === id);
  if (!row) throw new Error(`no row ${id}`);
  return row;
}

/** What is done with one row of a list. */
export interface Rows<T, Change> {
  change: (row: { id: number }, change: Change & { version: number }) => Promise<T>;
  /** Read the row anew. */
  again: (id: number) => Promise<T>;
}

export function useFieldRows(of: FieldOf): Rows<Field, Schemas["FieldChange"]> {
  const cache = useQueryClient();
  const queryKey = keys.view("fields", "all", of);
  return {
    change: async ({ id }, change) => {
      const row = await body(api.PATCH("/api/v1/fields/{field_id}", { params: { path: { field_id: id } }, body: change }));
      cache.setQueryData<Schemas["FieldList"]>(queryKey, (old) => old && { items: old.items.map((some) => (some.id === id ? row : some)) });
      void cache.invalidateQueries({ queryKey: keys.all("fields") });
      return row;
    },
    again: async (id) => {
      const list = await readFields(of);
      cache.setQueryData(queryKey, list);
      return rowOf(list.items, id);
    },
  };
}

/** Keep the lists, and have everything read anew that shows them. */
function useKeepLists() {
  const cache = useQueryClient();
  return (lists: Lists) => {
    cache.setQueryData(keys.view("outcomes", "lists"), lists);
    void cache.invalidateQueries({ queryKey: keys.all("outcomes") });
  };
}

export function useDispositionRows(): Rows<Disposition, Schemas["DispositionChange"]> {
  const keep = useKeepLists();
  return {
    change: async ({ id }, change) => {
      const lists = await body(api.PATCH("/api/v1/dispositions/{row_id}", { params: { path: { row_id: id } }, body: change }));
      keep(lists);
      return rowOf(lists.dispositions, id);
    },
    again: async (id) => {
      const lists = await readLists();
      keep(lists);
      return rowOf(lists.dispositions, id);
    },
  };
}

export function useReasonRows(): Rows<Reason, Schemas["ReasonChange"]> {
  const keep = useKeepLists();
  return {
    change: async ({ id }, change) => {
      const lists = await body(api.PATCH("/api/v1/dispositions/reasons/{row_id}", { params: { path: { row_id: id } }, body: change }));
      keep(lists);
      return rowOf(lists.reasons, id);
    },
    again: async (id) => {
      const lists = await readLists();
      keep(lists);
      return rowOf(lists.reasons, id);
    },
  };
}

interface Arranged extends Placed {
  readonly version: number;
}

/** Archive with a way back, and the order. */
export function useArrange<T extends Arranged>(rows: Rows<T, { place?: number; archived?: boolean | null; version?: number }>) {
  const t = useWords("fields");
  const toast = useToast();
  const onFault = useTellFault();
  const archive = useAct(({ row, archived }: { row: T; archived: boolean; name: string }) => rows.change(row, { archived, version: row.version }), {
    onDone: (changed, { archived, name }) =>
      toast({
        text: t(archived ? "archived.done" : "restored.done", { name }),
        icon: "archive",
        undo: () => rows.change(changed, { archived: !archived, version: changed.version }),
      }),
    onFault,
  });
  const move = useAct(
    async ({ list, id, by }: { list: readonly T[]; id: number; by: -1 | 1 }) => {
      for (const { row, place } of moved(list, id, by)) await rows.change(row, { place, version: row.version });
    },
    { onFault },
  );
  return { archive, move };
}

export function useNewField(of: FieldOf, onDone: () => void) {
  const cache = useQueryClient();
  return useAct((field: Schemas["NewFieldBody"], key) => body(api.POST("/api/v1/fields", { params: { header: once(key) }, body: { ...field, of } })), {
    onDone: () => {
      void cache.invalidateQueries({ queryKey: keys.all("fields") });
      onDone();
    },
  });
}

export function useNewDisposition(onDone: () => void) {
  const keep = useKeepLists();
  return useAct((row: Schemas["NewDisposition"], key) => body(api.POST("/api/v1/dispositions", { params: { header: once(key) }, body: row })), {
    onDone: (lists) => {
      keep(lists);
      onDone();
    },
  });
}

export function useNewReason(onDone: () => void) {
  const keep = useKeepLists();
  return useAct((row: Schemas["NewReason"], key) => body(api.POST("/api/v1/dispositions/reasons", { params: { header: once(key) }, body: row })), {
    onDone: (lists) => {
      keep(lists);
      onDone();
    },
  });
}
