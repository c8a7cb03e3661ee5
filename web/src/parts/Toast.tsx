/* One sentence at the bottom, for ten seconds, with Undo where there is something to undo (also Ctrl+Z). It stops under
   the pointer and the focus, and makes room for a field beneath it. */

import { Button, CloseButton } from "@mantine/core";
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { asProblem, useQueryClient } from "../api";
import { useKeys } from "../keyboard";
import { useWords } from "../words";
import { Icon, type IconName } from "./Icon";
import { KeyOf } from "./Key";
import styles from "./Toast.module.css";

const SHOWN_MS = 10_000;

export interface ToastNote {
  readonly text: string;
  readonly icon?: IconName;
  /** Undoes what was just done. What it throws is told in its own toast. */
  readonly undo?: () => unknown;
  /** Another act than Undo. */
  readonly act?: { readonly word: string; readonly run: () => void };
}

interface Toaster {
  toast: (note: ToastNote) => void;
  /** Undo what was done last, while its toast stands. */
  undo: () => boolean;
}

const Context = createContext<Toaster | null>(null);

export function ToastProvider({ children }: { children: ReactNode }) {
  const [note, setNote] = useState<ToastNote | null>(null);
  const present = useRef<ToastNote | null>(null);
  const show = useCallback((next: ToastNote | null) => {
    present.current = next;
    setNote(next);
  }, []);
  const undo = useCallback(() => {
    const undone = present.current?.undo;
    if (!undone) return false;
    show(null);
    void (async () => {
      try {
        await undone();
      } catch (fault) {
        const problem = asProblem(fault);
        if (!problem) throw fault;
        show({ text: problem.detail || problem.message, icon: "warn" });
      }
    })();
    return true;
  }, [show]);
  useKeys({ undo });
  const toaster = useMemo(() => ({ toast: show, undo }), [show, undo]);
  return (
    <Context value={toaster}>
      {children}
      <div className={styles["place"]} role="status">
        {note && <Toast key={note.text} note={note} undo={undo} close={() => show(null)} />}
      </div>
    </Context>
  );
}

function Toast({ note, undo, close }: { note: ToastNote; undo: () => void; close: () => void }) {
  const t = useWords("parts");
  const [isHeld, setHeld] = useState(false);
  const end = useRef(close);
  useEffect(() => {
    end.current = close;
  });
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => end.current(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isHeld, note]);
  const hold = { onPointerEnter: () => setHeld(true), onFocus: () => setHeld(true) };
  const release = { onPointerLeave: () => setHeld(false), onBlur: () => setHeld(false) };
  return (
    <div className={styles["toast"]} {...hold} {...release}>
      {note.icon && <Icon name={note.icon} />}
      <span>{note.text}</span>
      {note.undo && (
        <Button size="xs" variant="outline" className={styles["act"] ?? ""} leftSection={<Icon name="undo" size={14} />} onClick={undo}>
          {t("undo")}
          <span className={styles["keys"]}>
            <KeyOf act="undo" />
          </span>
        </Button>
      )}
      {note.act && (
        <Button size="xs" variant="outline" className={styles["act"] ?? ""} onClick={note.act.run}>
          {note.act.word}
        </Button>
      )}
      <CloseButton className={styles["close"] ?? ""} aria-label={t("close")} onClick={close} />
    </div>
  );
}

/** `toast({text: t("moved"), undo: () => move(back)})` */
export function useToast(): (note: ToastNote) => void {
  const toaster = use(Context);
  if (!toaster) throw new Error("no ToastProvider above");
  return toaster.toast;
}

/** Long lists, which never move by themselves. */
const STILL = new Set(["calls", "contacts", "tasks", "queue", "missed"]);

/** Tell what an act failed of, in the gateway's words; anything else is thrown on. What somebody else changed meanwhile is
    read anew, so that one sees it and can act upon it. */
export function useTellFault(): (fault: unknown) => void {
  const toast = useToast();
  const t = useWords("parts");
  const cache = useQueryClient();
  return useCallback(
    (fault: unknown) => {
      const problem = asProblem(fault);
      if (!problem) throw fault;
      if (problem.isStale) void cache.invalidateQueries({ predicate: ({ queryKey: [what, how] }) => how !== "list" || !STILL.has(String(what)) });
      toast({ icon: "warn", text: problem.status === 0 ? t("failed.away") : (problem.errors[0]?.detail ?? problem.detail) });
    },
    [toast, t, cache],
  );
}
