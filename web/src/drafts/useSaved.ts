/* A field that is saved as it is typed. What was typed is in this browser from the first key on, until the server has it:
   a reload, a lost connection, an ended session or a closed tab loses nothing. */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { asProblem, useLive, type ApiProblem } from "../api";
import { useSession } from "../app/session";
import { againAfter, isOvertaken, outcomeOf, PAUSE_MS, rebased, same, type Saving } from "./saving";
import { dropDraft, keepDraft, parseDraft, rawDraft, subscribe, type Draft } from "./store";

export interface SavedOptions<T> {
  /** Where its draft is kept: unique and the same tomorrow, such as `contact/42/city`. */
  id: string;
  /** Its name in the body of the change, for faults: `city`, `fields/size`. */
  field: string;
  /** What the server has. */
  value: T;
  /** Version of the thing as it was read. */
  version: number;
  /** Send it; throws ApiProblem. Gives nothing: the caches are kept by whoever sends. */
  save: (value: T, version: number) => Promise<unknown>;
  /** Read the thing anew after a conflict, so that `value` and `version` are the present ones. */
  refresh: () => Promise<{ value: T; version: number }>;
  /** Send at once instead of after a pause: for choices and dates. */
  atOnce?: boolean;
}

export interface SavedField<T> {
  /** What to show: the draft where there is one. */
  value: T;
  set: (value: T) => void;
  state: Saving;
  /** Send now: on leaving the field. */
  flush: () => void;
  /** After a conflict: mine over theirs. */
  keepMine: () => void;
  /** After a conflict: theirs, mine is dropped. */
  takeTheirs: () => void;
}

export function useSaved<T>({ id, field, value, version, save, refresh, atOnce }: SavedOptions<T>): SavedField<T> {
  const who = useSession().id;
  const raw = useSyncExternalStore(subscribe, () => rawDraft(who, id));
  const draft = useMemo(() => parseDraft(raw), [raw]);
  const [state, setState] = useState<Saving>({ kind: "quiet" });
  const isLive = useLive((view) => view.line === "live");
  // What was read after a conflict may be newer than what the page has.
  const [read, setRead] = useState<{ readonly value: T; readonly version: number } | null>(null);
  const present = read !== null && read.version > version ? read.value : value;
  const latest = Math.max(version, read?.version ?? 0);
  const server = useRef({ value: present, version: latest, save, refresh });
  useEffect(() => {
    server.current = { value: present, version: latest, save, refresh };
  });
  const run = useRef<{ timer?: ReturnType<typeof setTimeout>; isSending: boolean; failures: number }>({ isSending: false, failures: 0 });

  const again = useRef<() => Promise<void>>(() => Promise.resolve());
  const send = useCallback(async () => {
    clearTimeout(run.current.timer);
    const kept = parseDraft(rawDraft(who, id));
    if (!kept || run.current.isSending) return;
    if (same(kept.value, server.current.value)) { settled({ kind: "saved" }, kept, null); return; }
    if (isOvertaken(kept, server.current)) { setState({ kind: "conflict", theirs: server.current.value }); return; }
    run.current.isSending = true;
    setState({ kind: "saving" });
    const version = Math.max(kept.version ?? 0, server.current.version);
    try {
      settled({ kind: "saved" }, kept, await server.current.save(kept.value as T, version));
    } catch (fault) {
      const problem = asProblem(fault);
      if (!problem) throw fault;
      settled(problem.isStale ? await upon(kept, problem) : outcomeOf(problem, field), kept, null);
    } finally {
      run.current.isSending = false;
    }

    /** The version was old: if this field itself is unchanged, send it upon the new one; else it is a conflict. */
    async function upon(old: Draft, refusal: ApiProblem): Promise<Saving> {
      try {
        const fresh = await server.current.refresh();
        if (fresh.version <= version) return outcomeOf(refusal, field); // nobody changed it: it is refused for another reason
        setRead(fresh);
        if (isOvertaken(old, fresh)) return { kind: "conflict", theirs: fresh.value };
        if (!same(fresh.value, old.value)) await server.current.save(old.value as T, fresh.version);
        return { kind: "saved" };
      } catch (fault) {
        const problem = asProblem(fault);
        if (!problem) throw fault;
        return problem.isStale ? { kind: "kept" } : outcomeOf(problem, field);
      }
    }
    function settled(next: Saving, sent: Draft, answer: unknown): void {
      const now = parseDraft(rawDraft(who, id));
      const typedOn = now !== null && !same(now.value, sent.value);
      if (next.kind === "saved") {
        run.current.failures = 0;
        if (typedOn) keepDraft(who, id, rebased(now, sent.value, answer));
        else dropDraft(who, id);
      }
      setState(typedOn && next.kind === "saved" ? { kind: "typed" } : next);
      if (next.kind === "kept") later(againAfter(++run.current.failures));
      else if (typedOn && next.kind !== "conflict") later(PAUSE_MS);
    }
    function later(pause: number): void {
      clearTimeout(run.current.timer);
      run.current.timer = setTimeout(() => void again.current(), pause);
    }
  }, [who, id, field]);
  useEffect(() => {
    again.current = send;
  }, [send]);

  const set = useCallback(
    (typed: T) => {
      const { value: base, version: upon } = server.current;
      keepDraft(who, id, { base, version: upon, ...parseDraft(rawDraft(who, id)), value: typed, at: Date.now() });
      setState({ kind: "typed" });
      clearTimeout(run.current.timer);
      run.current.timer = setTimeout(() => void again.current(), atOnce ? 0 : PAUSE_MS);
    },
    [who, id, atOnce],
  );

  // What was left over from a reload, or waits for the line, is sent as soon as it can be.
  useEffect(() => {
    if (isLive && rawDraft(who, id) !== null) run.current.timer = setTimeout(() => void again.current(), PAUSE_MS);
  }, [isLive, who, id]);
  // A closing page sends nothing more, but a page that is left does.
  useEffect(() => {
    const held = run.current;
    return () => {
      clearTimeout(held.timer);
      void again.current();
    };
  }, [id]);

  const flush = useCallback(() => void again.current(), []);
  const takeTheirs = useCallback(() => {
    dropDraft(who, id);
    setState({ kind: "quiet" });
  }, [who, id]);
  const keepMine = useCallback(() => {
    const kept = parseDraft(rawDraft(who, id));
    const { value: base, version: upon } = server.current;
    if (kept) keepDraft(who, id, { ...kept, base, version: upon });
    void again.current();
  }, [who, id]);

  return { value: draft ? (draft.value as T) : present, set, state, flush, keepMine, takeTheirs };
}
