/* A computer that several people use: whoever says so at the sign-in leaves nothing half-typed in the browser when he goes.
   It is remembered per browser. Where nobody says so, nothing typed is ever lost. */

import { dropAll } from "../drafts/store";

const PLACE = "trunkline.shared";

interface Kept {
  readonly isShared: boolean;
  /** Who signed in with it and has not signed out: what they left goes when the next one comes. */
  readonly people: readonly string[];
}

const NOT: Kept = { isShared: false, people: [] };

function read(): Kept {
  try {
    return { ...NOT, ...(JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Kept>) };
  } catch {
    return NOT;
  }
}

const write = (kept: Kept): void => localStorage.setItem(PLACE, JSON.stringify(kept));

/** As it was said at the last sign-in. */
export const isSharedComputer = (): boolean => read().isShared;

/** Whether a person signed in here as on a shared computer. */
export const isSharedBy = (who: string): boolean => read().people.includes(who);

/** Somebody has signed in: what people before him left on the shared computer goes. */
export function hasCome(who: string, isShared: boolean): void {
  for (const gone of read().people) if (gone !== who) dropAll(gone);
  write({ isShared, people: isShared ? [who] : [] });
}

/** Somebody has signed out. */
export function hasLeft(who: string): void {
  const { isShared, people } = read();
  if (!people.includes(who)) return;
  dropAll(who);
  write({ isShared, people: people.filter((one) => one !== who) });
}
