/* What of the kept texts is not sent yet, in words for their writer: what it is, how it begins, and where it goes on. */

export type UnsentKind = "note" | "field" | "task" | "client" | "outcome" | "organisation" | "other";

export interface Unsent {
  readonly field: string;
  readonly kind: UnsentKind;
  /** Its first words; empty: it has none. */
  readonly begin: string;
  /** The address at which it goes on; null: not known. */
  readonly to: string | null;
}

interface Kept {
  readonly field: string;
  readonly value: unknown;
}

/** @param drafts as `draftsOf` gives them */
export function unsentOf(drafts: readonly Kept[]): readonly Unsent[] {
  const cards = cardsOf(drafts.find(({ field }) => field === "wrapups")?.value);
  return drafts.flatMap(({ field, value }) => {
    const known = read(field, value, cards);
    return known ? [{ field, ...known }] : [];
  });
}

function read(field: string, value: unknown, cards: ReadonlyMap<string, number>): Omit<Unsent, "field"> | null {
  const [family = "", id = "", part = ""] = field.split("/");
  switch (family) {
    case "wrapups":
      return null; // which calls there were: nothing that was typed
    case "wrapup": {
      if (!hasAny(value, ["outcome", "reason", "note", "step"])) return null;
      const card = cards.get(id);
      return { kind: "outcome", begin: textOf(value, ["note"]), to: card === undefined ? `/calls/${id}` : `/clients/${card}` };
    }
    case "contact":
      if (part === "new-reach") return plain(value) ? { kind: "field", begin: plain(value), to: `/clients/${id}` } : null;
      if (part !== "new-note") return { kind: "field", begin: plain(value), to: `/clients/${id}` };
      return plain(value) ? { kind: "note", begin: plain(value), to: `/clients/${id}` } : null;
    case "contacts":
      if (!hasAny(value, ["name", "city"])) return null;
      return { kind: "client", begin: textOf(value, ["name", "city"]), to: `/clients?new=${encodeURIComponent(part || "1")}` };
    case "tasks":
      if (!hasAny(value, ["title", "note"])) return null;
      return { kind: "task", begin: textOf(value, ["title", "note"]), to: part ? `/clients/${part}?task=new` : "/tasks?task=new" };
    case "task":
      return { kind: "task", begin: plain(value), to: `/tasks?task=${id}` };
    case "organisation":
      return { kind: "organisation", begin: plain(value), to: `/organisations/${id}` };
    default:
      return { kind: "other", begin: plain(value), to: null };
  }
}

/** The card of each call whose outcome is still to be given. */
function cardsOf(value: unknown): ReadonlyMap<string, number> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(
    list.flatMap((one) => {
      const { call, contact } = (one ?? {}) as { call?: unknown; contact?: unknown };
      return typeof call === "string" && typeof contact === "number" ? [[call, contact] as const] : [];
    }),
  );
}

const plain = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value).trim() : "");

function at(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

const hasAny = (value: unknown, names: readonly string[]): boolean => names.some((name) => plain(at(value, name)) !== "");
const textOf = (value: unknown, names: readonly string[]): string => names.map((name) => plain(at(value, name))).find((text) => text !== "") ?? "";
