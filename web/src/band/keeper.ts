/* Keeps the phone of this page: open calls from the live line, his own state, his orders. A reload, a lost connection or
   another tab changes nothing, for everything is asked of the gateway. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, body, keys, useFacts, useOpenCalls, useQuery, useQueryClient, type LiveCall } from "../api";
import { useSession } from "../app/session";
import { phoneOf, withCommand, type Command, type OwnState, type Phone } from "./phone";
import { publish, useChosen } from "./store";

const ASK_AGAIN_MS = 120;
const RECENT = 50;

interface OwnAnswer {
  readonly own: OwnState | null;
  readonly skew: number;
  /** When the question was sent (Date.now()). */
  readonly askedAt: number;
}

/** The phone as it is now; written into the store too. One part of the page calls it: the band. */
export function usePhoneKeeper(): { phone: Phone; skew: number; commands: readonly Command[] } {
  const me = useSession().userId;
  const calls = useNamed(useOpenCalls());
  const { own, skew, ownAt } = useOwnState(me, calls);
  const heardAt = useHeardAt(calls);
  const commands = useOwnCommands(me);
  const chosen = useChosen();
  const phone = useMemo(
    () => phoneOf({ me, calls, heardAt, own, ownAt, commands }, chosen),
    [me, calls, heardAt, own, ownAt, commands, chosen],
  );
  useEffect(() => publish(phone, skew), [phone, skew]);
  return { phone, skew, commands };
}

/** The open calls with the cards that were chosen since for those whom several may have called. */
function useNamed(calls: ReadonlyMap<string, LiveCall>): ReadonlyMap<string, LiveCall> {
  const [chosen, setChosen] = useState<ReadonlyMap<string, LiveCall>>(new Map());
  useFacts(({ kind, body: told }) => {
    const id = told["id"];
    if (kind !== "call.identified" || typeof id !== "string" || !calls.has(id)) return;
    void body(api.GET("/api/v1/calls/{call_id}", { params: { path: { call_id: id } } })).then((call) =>
      setChosen((old) => new Map(old).set(id, call)),
    );
  });
  return useMemo(() => {
    if (chosen.size === 0) return calls;
    const named = ([id, call]: [string, LiveCall]): [string, LiveCall] => {
      const card = chosen.get(id);
      return [id, card ? { ...call, contact_id: card.contact_id, contact_name: card.contact_name, choices: card.choices } : call];
    };
    return new Map([...calls].map(named));
  }, [calls, chosen]);
}

/** When this page heard of the last change of each open call, by its own clock. */
function useHeardAt(calls: ReadonlyMap<string, LiveCall>): ReadonlyMap<string, number> {
  const [kept] = useState(() => new Map<string, { revision: number; at: number }>());
  return useMemo(() => {
    const now = Date.now();
    for (const id of [...kept.keys()]) if (!calls.has(id)) kept.delete(id);
    for (const call of calls.values()) {
      if (kept.get(call.id)?.revision !== call.revision) kept.set(call.id, { revision: call.revision, at: now });
    }
    return new Map([...kept].map(([id, { at }]) => [id, at]));
  }, [calls, kept]);
}

function useOwnState(me: number | null, calls: ReadonlyMap<string, LiveCall>) {
  const client = useQueryClient();
  const queryKey = useMemo(() => keys.one("states", me ?? 0, "own"), [me]);
  const query = useQuery({
    queryKey,
    queryFn: async (): Promise<OwnAnswer> => {
      const askedAt = Date.now();
      const { at, items } = await body(api.GET("/api/v1/states"));
      return { own: items.find((state) => state.user === me) ?? null, skew: Date.parse(at) - Date.now(), askedAt };
    },
    enabled: me !== null,
  });
  // What a fact says is there at once; the query, which the fact makes stale, brings the rest.
  useFacts(({ kind, body: told }) => {
    if (kind !== "manager.state_changed" || told["user"] !== me) return;
    client.setQueryData<OwnAnswer>(queryKey, (old) => {
      if (!old?.own) return old;
      const { state, reason, since, call_id, ends_at, by } = told as Record<string, string | null>;
      return { ...old, own: { ...old.own, state, reason: reason ?? "", since, call: call_id, ends_at, by: by ?? "" } as OwnState };
    });
  });
  // Whose phone rings is told by no fact: ask after each change of a call in which he has a part.
  const mine = [...calls.values()].filter((call) => call.managers.some((part) => part.user_id === me));
  const changes = mine.map((call) => `${call.id}:${call.revision}`).join();
  const asked = useRef("");
  useEffect(() => {
    if (me === null || asked.current === changes) return;
    const timer = setTimeout(() => {
      asked.current = changes;
      void client.invalidateQueries({ queryKey });
    }, ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [client, queryKey, me, changes]);
  return { own: query.data?.own ?? null, skew: query.data?.skew ?? 0, ownAt: query.data?.askedAt ?? 0 };
}

/** His last orders, those that go on among them. */
function useOwnCommands(me: number | null): readonly Command[] {
  const client = useQueryClient();
  const { may } = useSession();
  const queryKey = useMemo(() => ["band", "commands", me], [me]);
  const earlier = useRef<readonly Command[]>([]);
  const query = useQuery({
    queryKey,
    queryFn: async () => {
      const { items } = await body(api.GET("/api/v1/commands", { params: { query: { mine: true, limit: RECENT } } }));
      // What facts told while the answer was on its way is later than the answer.
      return earlier.current.reduceRight(withCommand, [...items].reverse().reduce<readonly Command[]>(withCommand, []));
    },
    enabled: me !== null && may("calls.control_own"),
    staleTime: Infinity,
  });
  const take = useCallback(
    (command: Command) => {
      earlier.current = withCommand(earlier.current, command);
      client.setQueryData<readonly Command[]>(queryKey, (old) => withCommand(old ?? [], command));
    },
    [client, queryKey],
  );
  useFacts(({ kind, body: told }) => {
    const command = told as unknown as Command;
    if (kind.startsWith("command.") && "ordered_at" in told && (command.user_id === me || command.ordered_by === me)) take(command);
  });
  return query.data ?? NONE;
}

const NONE: readonly Command[] = [];
