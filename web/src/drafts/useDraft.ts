/* Text that is sent by an act (a note, a letter), kept in this browser until then. */

import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useSession } from "../app/session";
import { dropDraft, keepDraft, parseDraft, rawDraft, subscribe } from "./store";

/** What is typed, how to change it, and how to forget it once it was sent.
 * @param id unique and the same tomorrow, such as `contact/42/note`
 */
export function useDraft<T>(id: string, first: T): [T, (value: T) => void, () => void] {
  const who = useSession().id;
  const raw = useSyncExternalStore(subscribe, () => rawDraft(who, id));
  const draft = useMemo(() => parseDraft(raw), [raw]);
  const set = useCallback((value: T) => keepDraft(who, id, { value, base: null, version: null, at: Date.now() }), [who, id]);
  const drop = useCallback(() => dropDraft(who, id), [who, id]);
  return [draft ? (draft.value as T) : first, set, drop];
}
