/* Half-typed text, kept in this browser per person and field until the server has it. A reload, a lost connection or an
   ended session loses nothing; other tabs see it. */

const PREFIX = "trunkline.draft.";
/** Drafts nobody came back to in so long are forgotten. */
const OLD_MS = 30 * 86_400_000;

export interface Draft {
  readonly value: unknown;
  /** What the server had when it was begun. */
  readonly base: unknown;
  /** Version of the thing it was typed upon; null: of something new. */
  readonly version: number | null;
  /** Date.now() of the last key. */
  readonly at: number;
}

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

if (typeof addEventListener === "function") addEventListener("storage", tell);

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function place(who: string, field: string): string {
  return `${PREFIX}${who}.${field}`;
}

/** The text as it is kept, for comparing; null: nothing. */
export function rawDraft(who: string, field: string): string | null {
  return localStorage.getItem(place(who, field));
}

/** What is kept of a field, such as `contact/42/city`; null: nothing. */
export function readDraft(who: string, field: string): Draft | null {
  return parseDraft(rawDraft(who, field));
}

export function parseDraft(raw: string | null): Draft | null {
  if (raw === null) return null;
  try {
    return JSON.parse(raw) as Draft;
  } catch {
    return null;
  }
}

/** Keep what was typed. */
export function keepDraft(who: string, field: string, draft: Draft): void {
  try {
    localStorage.setItem(place(who, field), JSON.stringify(draft));
  } catch {
    forgetOld(Date.now(), 0); // the browser's room is used up: make some, and try once more
    localStorage.setItem(place(who, field), JSON.stringify(draft));
  }
  tell();
}

/** The server has it, or nobody wants it. */
export function dropDraft(who: string, field: string): void {
  localStorage.removeItem(place(who, field));
  tell();
}

/** Everything that is kept of one person, by field. */
export function draftsOf(who: string): readonly { readonly field: string; readonly value: unknown }[] {
  const begin = place(who, "");
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(begin))
    .sort()
    .flatMap((key) => {
      const draft = parseDraft(localStorage.getItem(key));
      return draft ? [{ field: key.slice(begin.length), value: draft.value }] : [];
    });
}

/** Forget everything of one person. */
export function dropAll(who: string): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(place(who, ""))) localStorage.removeItem(key);
  tell();
}

/** Forget what is older than 30 days, or all but the last hour's where `age` says so. */
export function forgetOld(now: number, age = OLD_MS): void {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const draft = parseDraft(localStorage.getItem(key));
    if (!draft || now - draft.at > Math.max(age, 3_600_000)) localStorage.removeItem(key);
  }
}
