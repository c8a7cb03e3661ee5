/* Keys in React: `useKeys({"list.next": () => move(1)})` while a component stands. */

import { createContext, use, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { usePreference } from "../app/preferences";
import { Dispatcher, type Handlers } from "./dispatch";
import { keysOf, shownKeys, type Act, type Rebound } from "./keymap";

const Context = createContext<Dispatcher | null>(null);
const NOTHING: Rebound = {};
const FIELDS = "input:not([type=checkbox],[type=radio],[type=button],[type=range]), textarea, select, [contenteditable=true]";

export function KeyboardProvider({ children }: { children: ReactNode }) {
  const [dispatcher] = useState(() => new Dispatcher());
  const [rebound] = usePreference<Rebound>("keys", NOTHING);
  const [letters] = usePreference("letters", true);
  useEffect(() => {
    dispatcher.follow({ rebound, letters });
  }, [dispatcher, rebound, letters]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : null;
      const isWriting = target?.closest(FIELDS) !== null && target !== null;
      if (!isWriting && ownsKey(event, target)) return;
      const isAltGraph = event.getModifierState("AltGraph");
      const { code, key, ctrlKey, metaKey, altKey, shiftKey, isComposing } = event;
      const seen = { code, key, ctrlKey, metaKey, altKey, shiftKey, isComposing, isAltGraph };
      if (dispatcher.press(seen, isWriting, event.timeStamp)) event.preventDefault();
      else if (isWriting && code === "Escape") leaveField(target);
    };
    // A field with a list takes Enter for itself, whatever is held with it: what Ctrl+Enter does comes before.
    const early = (event: KeyboardEvent) => {
      const isSending = (event.ctrlKey || event.metaKey) && event.code.endsWith("Enter");
      if (isSending && event.target instanceof Element && !event.target.closest("[role=dialog], dialog, [role=menu]")) pressed(event);
      if (isSending && event.defaultPrevented) event.stopPropagation();
    };
    document.addEventListener("keydown", early, true);
    document.addEventListener("keydown", pressed);
    return () => {
      document.removeEventListener("keydown", early, true);
      document.removeEventListener("keydown", pressed);
    };
  }, [dispatcher]);
  return <Context value={dispatcher}>{children}</Context>;
}

/** Esc takes one out of a field, so that digits and letters are keys again; Tab goes on from there. A field that has a
 * list open, and a dialog, understand Esc themselves. */
function leaveField(field: Element): void {
  if (field.closest("[role=dialog], dialog, [aria-expanded=true]") === null && field instanceof HTMLElement) field.blur();
}

/** Keys that the focused part itself understands: a button's Enter and Space, everything within a menu or a dialog. */
function ownsKey(event: KeyboardEvent, target: Element | null): boolean {
  if (target?.closest("[role=menu], [role=listbox], [role=dialog], dialog")) return !/^F\d+$/.test(event.code);
  if (event.code === "Enter") return target?.closest("a, button, summary, [role=button]") !== null && target !== null;
  if (event.code === "Space") return target?.closest("button, summary, [role=button], [type=checkbox], [type=radio]") !== null && target !== null;
  if (event.code.startsWith("Arrow")) return target?.closest("[role=radiogroup], [role=tablist], [role=slider], [type=radio], [type=range]") !== null && target !== null;
  return false;
}

export function useDispatcher(): Dispatcher {
  const dispatcher = use(Context);
  if (!dispatcher) throw new Error("no KeyboardProvider above");
  return dispatcher;
}

/** Keys while the component stands. A handler that gives `false` did nothing, and the part below is asked.
 * @param when false: none of them for now
 */
export function useKeys(handlers: Handlers, when = true): void {
  const dispatcher = useDispatcher();
  const layer = useRef<ReturnType<Dispatcher["add"]> | null>(null);
  const now = useRef(handlers);
  useEffect(() => {
    now.current = handlers;
    layer.current?.set(handlers);
  });
  useEffect(() => {
    if (!when) return;
    const added = dispatcher.add(now.current);
    layer.current = added;
    return () => {
      layer.current = null;
      added.remove();
    };
  }, [dispatcher, when]);
}

/** The first key of an act as it is shown: `["⇧F8"]`; empty where letters are off. */
export function useKeyOf(act: Act): readonly string[] {
  const [rebound] = usePreference<Rebound>("keys", NOTHING);
  const first = keysOf(act, rebound)[0];
  return first ? shownKeys(first) : [];
}

/** Acts that do something now. */
export function useActsInForce(): readonly Act[] {
  const dispatcher = useDispatcher();
  return useSyncExternalStore(dispatcher.subscribe, dispatcher.inForce);
}

export { closeOverlay, openKeys, openPalette } from "./openers";
export type { Act, Rebound } from "./keymap";
export type { Handlers } from "./dispatch";
