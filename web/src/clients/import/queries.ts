/* Imports: a file is sent, its columns are named, it is tried, imported, watched and taken back. */

import { api, body, done, keys, once, useAct, usePages, useQuery, useQueryClient, type Schemas } from "../../api";
import { useTellFault } from "../../parts";
import { isActive, mediaOf, type Options } from "./steps";

export type Import = Schemas["ImportView"];
export type ImportRow = Schemas["ImportRowView"];

const AGAIN_MS = 1000;

export function useImports() {
  return usePages(keys.list("imports"), (cursor) => body(api.GET("/api/v1/imports", { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
}

/** One import, read anew while it goes on. */
export function useImport(id: number) {
  return useQuery({
    queryKey: keys.one("imports", id),
    queryFn: () => body(api.GET("/api/v1/imports/{import_id}", { params: { path: { import_id: id } } })),
    refetchInterval: (query) => (query.state.data && isActive(query.state.data.state) ? AGAIN_MS : false),
  });
}

/** Rows of a verdict, or those of which something was left out. */
export function useRows(of: Import, shown: "refused" | "told") {
  const query = shown === "told" ? { told: true } : { verdict: "refused" as const };
  return usePages(keys.one("imports", of.id, "rows", shown, of.state, of.version), (cursor) =>
    body(api.GET("/api/v1/imports/{import_id}/rows", { params: { path: { import_id: of.id }, query: { ...query, limit: 50, ...(cursor ? { cursor } : {}) } } })),
  );
}

/** Cards of which taking an import back left something. */
export function useLeft(of: Import) {
  return useQuery({
    queryKey: keys.one("imports", of.id, "kept", of.state),
    enabled: of.state === "undone",
    queryFn: () => body(api.GET("/api/v1/imports/{import_id}/kept", { params: { path: { import_id: of.id }, query: { limit: 50 } } })),
  });
}

/** Send a file; the answer says what it is. */
export function useUpload(onDone: (made: Import) => void) {
  const cache = useQueryClient();
  return useAct(
    (file: File, key) =>
      body(
        api.POST("/api/v1/imports", {
          params: { query: { name: file.name.slice(0, 200) }, header: once(key) },
          headers: { "Content-Type": mediaOf(file.name) },
          // The file itself, not as JSON.
          body: file as unknown as string,
          bodySerializer: (sent: unknown) => sent as Blob,
        }),
      ),
    {
      onDone: (made) => {
        void cache.invalidateQueries({ queryKey: keys.list("imports") });
        onDone(made);
      },
    },
  );
}

/** Correct how the file is read, what its columns become, and what the rows do. */
export function useCorrect(id: number) {
  const cache = useQueryClient();
  return useAct(
    (change: { version: number; targets?: string[]; options?: Options; writing?: Schemas["WritingChange"] }) =>
      body(api.PATCH("/api/v1/imports/{import_id}", { params: { path: { import_id: id } }, body: change as Schemas["ImportChange"] })),
    { onDone: (changed) => cache.setQueryData(keys.one("imports", id), changed) },
  );
}

type Order = "check" | "run" | "cancel" | "undo";

/** Order the next step of an import. */
export function useImportOrder(id: number) {
  const cache = useQueryClient();
  const send = (order: Order, isForced: boolean, key: string): Promise<Import> => {
    const params = { path: { import_id: id }, header: once(key) };
    switch (order) {
      case "check":
        return body(api.POST("/api/v1/imports/{import_id}/check", { params }));
      case "run":
        return body(api.POST("/api/v1/imports/{import_id}/run", { params, body: { again: isForced } }));
      case "cancel":
        return body(api.POST("/api/v1/imports/{import_id}/cancel", { params }));
      case "undo":
        return body(api.POST("/api/v1/imports/{import_id}/undo", { params, body: { force: isForced } }));
    }
  };
  return useAct(({ order, isForced = false }: { order: Order; isForced?: boolean }, key) => send(order, isForced, key), {
    onDone: (changed) => {
      cache.setQueryData(keys.one("imports", id), changed);
      void cache.invalidateQueries({ queryKey: keys.list("imports") });
    },
    onFault: useTellFault(),
  });
}

/** Forget an import that was never run. */
export function useForget(onDone: () => void) {
  const cache = useQueryClient();
  return useAct((id: number) => done(api.DELETE("/api/v1/imports/{import_id}", { params: { path: { import_id: id } } })), {
    onDone: () => {
      void cache.invalidateQueries({ queryKey: keys.list("imports") });
      onDone();
    },
    onFault: useTellFault(),
  });
}
