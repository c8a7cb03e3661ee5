/* Signing out: at once, but on a shared computer that holds unsent texts only after they were shown. */

import { useSyncExternalStore } from "react";
import { unsentOf, type Unsent } from "../drafts/unsent";
import { draftsOf } from "../drafts/store";
import { useTellFault } from "../parts/Toast";
import { useSession } from "./session";
import { isSharedBy } from "./shared";

let isAsked = false;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Show what is not sent yet, or show it no more. */
export function askBeforeLeaving(asks: boolean): void {
  isAsked = asks;
  for (const listener of listeners) listener();
}

/** Whether it is shown. */
export function useIsLeaving(): boolean {
  return useSyncExternalStore(subscribe, () => isAsked);
}

/** What a person has typed here and not sent. */
export const unsentBy = (who: string): readonly Unsent[] => unsentOf(draftsOf(who));

/** Sign out; `now`: with what is not sent. */
export function useLeave(): (now?: boolean) => void {
  const { id, signOut } = useSession();
  const tell = useTellFault();
  return (now = false) => {
    const asks = !now && isSharedBy(id) && unsentBy(id).length > 0;
    askBeforeLeaving(asks);
    if (!asks) signOut().catch(tell);
  };
}
