/* Who is signed in, what he may do, and the way in and out. */

import { useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { api, body, done, type Schemas } from "../api";
import { gate } from "../api/gate";
import { ApiProblem } from "../api/problem";
import { speak } from "../words";
import { takePreferences } from "./preferences";
import { hasCome, hasLeft, isSharedBy } from "./shared";
import { tellTabs, useTabNews } from "./tabs";

export type Who = Schemas["Who"];
export type Right = Schemas["Right"];

export interface Session {
  readonly who: Who;
  /** Id under which things are kept in this browser, such as `user:17`. */
  readonly id: string;
  /** The person's number; null for a key that belongs to nobody. */
  readonly userId: number | null;
  readonly name: string;
  /** Whether he holds a right, perhaps over his own things only. */
  readonly may: (right: Right) => boolean;
  readonly signOut: () => Promise<void>;
  /** Read anew who this is: after a change of the profile. */
  readonly refresh: () => Promise<void>;
}

type State =
  | { readonly kind: "asking" }
  | { readonly kind: "failed"; readonly problem: ApiProblem }
  | { readonly kind: "out" }
  | { readonly kind: "in"; readonly who: Who };

interface Door {
  readonly state: State;
  /** Ask anew who is signed in. */
  readonly ask: () => void;
  /** Sign in; throws the problem. `isShared`: on a computer that others use too. */
  readonly signIn: (login: string, password: string, isShared: boolean) => Promise<void>;
}

/** The question who this is, asked before anything is drawn; undefined: it was not, or it has been used. */
let early: Promise<Who> | undefined;

const askWho = (): Promise<Who> => body(api.GET("/api/v1/session"));

/** Ask at once who this is, while the page is still being made ready. */
export function askEarly(): void {
  early = askWho();
  // Whoever uses the answer is told of its fault.
  early.catch(() => {});
}

const DoorContext = createContext<Door | null>(null);
const SessionContext = createContext<Session | null>(null);

/** So long at most the first drawing waits for its page. */
const PATIENCE_MS = 500;

export interface SessionProviderProps {
  /** Loads the page that somebody is to see first. Drawn before it, its place would stand empty, and then for 300 ms by
   * React's pace. */
  load: (who: Who) => Promise<void>;
  children: ReactNode;
}

export function SessionProvider({ load, children }: SessionProviderProps) {
  const client = useQueryClient();
  const [state, setState] = useState<State>({ kind: "asking" });

  const before = useRef<string | null>(null);

  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const enter = useCallback(
    async (who: Who) => {
      setColorScheme(who.theme);
      takePreferences(who.id, who.preferences);
      await speak(who.language);
      await Promise.race([load(who), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      before.current = who.id;
      setState({ kind: "in", who });
      gate.open();
    },
    [setColorScheme, load],
  );

  const ask = useCallback(() => {
    void (async () => {
      try {
        const answer = early ?? askWho();
        early = undefined;
        await enter(await answer);
      } catch (fault) {
        if (!(fault instanceof ApiProblem)) throw fault;
        setState(fault.status === 401 ? { kind: "out" } : { kind: "failed", problem: fault });
      }
    })();
  }, [enter]);

  const hasAsked = useRef(false);
  useEffect(() => {
    if (!hasAsked.current) ask();
    hasAsked.current = true;
  }, [ask]);

  const present = state.kind === "in" ? state.who.id : null;
  const signIn = useCallback(
    async (login: string, password: string, isShared: boolean) => {
      const who = await body(api.POST("/api/v1/session", { body: { login, password } }));
      hasCome(who.id, isShared);
      // Another person on the same screen: nothing that was kept for the first one is shown to him.
      if (before.current !== null && before.current !== who.id) {
        location.reload();
        return;
      }
      await enter(who);
      tellTabs({ kind: "signed-in", who: who.id });
    },
    [enter],
  );

  const leave = useCallback(() => {
    client.clear();
    setState({ kind: "out" });
    gate.abandon();
  }, [client]);

  useTabNews((news) => {
    if (news.kind === "signed-out" && present !== null) leave();
    if (news.kind === "signed-in" && news.who === present) gate.open();
    else if (news.kind === "signed-in") location.reload();
  });

  const session = useMemo<Session | null>(() => {
    if (state.kind !== "in") return null;
    const { who } = state;
    return {
      who,
      id: who.id,
      userId: who.user?.id ?? null,
      name: who.user?.name ?? who.id,
      may: (right) => who.rights.includes(right),
      refresh: async () => enter(await askWho()),
      signOut: async () => {
        const isShared = isSharedBy(who.id);
        await done(api.DELETE("/api/v1/session", { params: { query: { forget: isShared } } })).catch((fault: unknown) => {
          if (!(fault instanceof ApiProblem) || fault.status !== 401) throw fault;
        });
        tellTabs({ kind: "signed-out" });
        leave();
        if (!isShared) return;
        hasLeft(who.id);
        history.replaceState(null, "", "/"); // the next one does not come to this one's client
      },
    };
  }, [state, leave, enter]);

  const door = useMemo(() => ({ state, ask, signIn }), [state, ask, signIn]);
  return (
    <DoorContext value={door}>
      <SessionContext value={session}>{children}</SessionContext>
    </DoorContext>
  );
}

/** The way in. */
export function useDoor(): Door {
  const door = use(DoorContext);
  if (!door) throw new Error("no SessionProvider above");
  return door;
}

/** Who is signed in; only below the frame, where somebody is. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("nobody is signed in");
  return session;
}

/** Who is signed in; null: nobody. */
export function useMaybeSession(): Session | null {
  return use(SessionContext);
}

/** Whether the session is over and requests wait for a new sign-in. */
export function useSessionOver(): boolean {
  return useSyncExternalStore(gate.subscribe, gate.isClosed);
}
