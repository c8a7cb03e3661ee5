/* The live line in React: what is open, what was told, and the caches that facts touch. */

import { useQueryClient, type Query, type QueryClient } from "@tanstack/react-query";
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import { api, body, type Schemas } from "./client";
import { gate } from "./gate";
import { touchedBy, type Fact, type Family } from "./keys";
import { LiveLine, type LiveView, type OrderName } from "./live";
import type { LiveCall } from "./openCalls";
import { OrderKeys, repeated } from "./ordering";
import { ApiProblem } from "./problem";

const Context = createContext<LiveLine | null>(null);

/** How long facts of a family are gathered before what is made of many is read anew, in ms. */
const GATHER_MS: Partial<Record<Family, number>> = { statistics: 10_000, goals: 3000, reports: 10_000 };
const GATHER_ELSE_MS = 1000;
/** After the page's first rush of questions. */
const ONCE_MORE_MS = 1500;
/** What is answered so soon after the line stood was asked before. */
const UNDER_WAY_MS = 300;

/** Holds the line of whoever is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [line] = useState(() => new LiveLine(
        () => body(api.GET("/api/v1/session")),
        () => gate.wait(),
      ));
  useEffect(() => {
    const kept = keepCaches(line, client);
    line.start();
    return () => {
      kept();
      line.stop();
    };
  }, [line, client]);
  return <Context value={line}>{children}</Context>;
}

/** Read anew what facts touch; lists on the screen are only marked (see keys.ts). */
function keepCaches(line: LiveLine, client: QueryClient): () => void {
  const timers = new Map<Family, ReturnType<typeof setTimeout>>();
  let once: ReturnType<typeof setTimeout> | undefined;
  const soon = (family: Family) => {
    if (timers.has(family)) return;
    const then = () => {
      timers.delete(family);
      void client.invalidateQueries({ queryKey: [family, "view"] });
    };
    timers.set(family, setTimeout(then, GATHER_MS[family] ?? GATHER_ELSE_MS));
  };
  const ends = [
    line.onFact((fact) => {
      for (const { family, id } of touchedBy(fact)) {
        if (id !== null) void client.invalidateQueries({ queryKey: [family, "one", id] });
        else {
          soon(family);
          void client.invalidateQueries({ queryKey: [family, "list"], refetchType: "none" });
        }
      }
    }),
    // What was answered while the line was not heard yet may lack a fact of that moment.
    line.onBeginning(() => {
      const asked = Date.now() + UNDER_WAY_MS;
      const isOlder = ({ queryKey, state }: Query) => queryKey[1] !== "list" && state.dataUpdatedAt < asked;
      once = setTimeout(() => void client.invalidateQueries({ predicate: isOlder }), ONCE_MORE_MS);
    }),
    line.onGap(() => void client.invalidateQueries({ predicate: (query) => query.queryKey[1] !== "list" })),
  ];
  return () => {
    for (const end of ends) end();
    for (const timer of timers.values()) clearTimeout(timer);
    clearTimeout(once);
  };
}

/** The line itself, for orders: `useLine().order("hold", {call: id})`. */
export function useLine(): LiveLine {
  const line = use(Context);
  if (!line) throw new Error("no LiveProvider above");
  return line;
}

/** A part of what is live; the caller is drawn anew when that part is another one (Object.is). */
export function useLive<T>(select: (view: LiveView) => T): T {
  const line = useLine();
  return useSyncExternalStore(line.subscribe, () => select(line.view()));
}

/** Every open call the caller may see, by id. */
export function useOpenCalls(): ReadonlyMap<string, LiveCall> {
  return useLive((view) => view.calls);
}

/** One open call; null: it is not open, or not to be seen. */
export function useOpenCall(id: string | null | undefined): LiveCall | null {
  return useLive((view) => (id ? (view.calls.get(id) ?? null) : null));
}

/** Hear facts while the component stands. `hear` may be a new function at each drawing. */
export function useFacts(hear: (fact: Fact) => void): void {
  const line = useLine();
  const now = useRef(hear);
  useEffect(() => {
    now.current = hear;
  });
  useEffect(() => line.onFact((fact) => now.current(fact)), [line]);
}

/** Do something when the live line stands again after a gap, while the component stands. */
export function useAfterGap(then: () => unknown): void {
  const line = use(Context);
  const now = useRef(then);
  useEffect(() => {
    now.current = then;
  });
  useEffect(() => line?.onGap(() => void now.current()), [line]);
}

/** How many facts of these families came since `forget` was called last: "3 new, show". */
export function useNews(families: readonly Family[], counts?: (fact: Fact) => boolean): [number, () => void] {
  const [ids, setIds] = useState<ReadonlySet<string>>(() => new Set());
  useFacts((fact) => {
    if (!touchedBy(fact).some((touched) => families.includes(touched.family))) return;
    if (counts && !counts(fact)) return;
    const id = typeof fact.body["id"] === "string" || typeof fact.body["id"] === "number" ? String(fact.body["id"]) : fact.kind;
    setIds((old) => (old.has(id) ? old : new Set(old).add(id)));
  });
  const forget = useCallback(() => setIds(new Set()), []);
  return [ids.size, forget];
}

type Command = Schemas["CommandView"];
const given = new OrderKeys();
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Give an order over the live line, and over HTTP where the line is away; `viaHttp` sends it there with the same key. */
export function useOrder(): (
  what: OrderName,
  values: Record<string, unknown>,
  viaHttp: (key: string) => Promise<Command>,
) => Promise<Command> {
  const line = useLine();
  return useMemo(
    () => (what, values, viaHttp) =>
      given.give(`${what} ${JSON.stringify(values)}`, Date.now, async (key) => {
        if (line.view().line === "live") {
          try {
            return (await line.order(what, values, key)) as Command;
          } catch (fault) {
            if (!(fault instanceof ApiProblem) || fault.status !== 0) throw fault;
          }
        }
        return repeated(() => viaHttp(key), pause);
      }),
    [line],
  );
}
