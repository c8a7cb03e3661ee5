/* What an entry of the time line says, from the gateway's body. Bodies are read with care: they may gain fields. */

import type { Schemas } from "../api";
import type { IconName } from "../parts";

export type Entry = Schemas["TimelineEntryView"];
type Body = Entry["body"];

export const text = (body: Body, name: string): string => (typeof body[name] === "string" ? body[name] : "");
export const number = (body: Body, name: string): number => (typeof body[name] === "number" ? body[name] : 0);

/** The icon of an entry, and the colour of its state. */
export function signOf(entry: Entry): { icon: IconName; tone: "talk" | "miss" | "accent" | "quiet" } {
  const result = text(entry.body, "result");
  switch (entry.kind) {
    case "call": {
      if (text(entry.body, "state") !== "ended") return { icon: "phone", tone: "talk" };
      if (result === "missed") return { icon: "missed", tone: "miss" };
      const icon = text(entry.body, "direction") === "outbound" ? "outgoing" : "incoming";
      return { icon, tone: result === "answered" ? "talk" : "quiet" };
    }
    case "note":
      return { icon: "note", tone: "quiet" };
    case "merge":
      return { icon: "merge", tone: "quiet" };
    case "owner":
      return { icon: "person", tone: "quiet" };
    case "task":
      return { icon: "task", tone: "quiet" };
    case "task_ended":
      return { icon: "done", tone: "quiet" };
    case "scheduled":
    case "scheduled_ended":
      return { icon: "clock", tone: "quiet" };
    case "outcome":
      return { icon: "flag", tone: "accent" };
    case "touch":
      return { icon: "globe", tone: "accent" };
    case "import":
      return { icon: "import", tone: "quiet" };
    default:
      return { icon: "info", tone: "quiet" };
  }
}

export interface Talker {
  readonly name: string;
  readonly seconds: number;
  /** User; null: the extension belongs to nobody. */
  readonly user: number | null;
}

/** Who of us talked in a call, in their order; of a call that nobody answered, whose phones rang. */
export function talkersOf(body: Body): Talker[] {
  const managers: readonly unknown[] = Array.isArray(body["managers"]) ? body["managers"] : [];
  const answered: readonly unknown[] = Array.isArray(body["answered_by"]) ? body["answered_by"] : [];
  const seen = managers.flatMap((some) => {
    if (some === null || typeof some !== "object" || Array.isArray(some)) return [];
    const { extension, name, talk_seconds, user_id } = some as Readonly<Record<string, unknown>>;
    if (typeof extension !== "string") return [];
    const talker: Talker = {
      name: typeof name === "string" && name ? name : extension,
      seconds: typeof talk_seconds === "number" ? talk_seconds : 0,
      user: typeof user_id === "number" ? user_id : null,
    };
    return [{ extension, talker }];
  });
  const talked = answered.flatMap((extension) => seen.find((some) => some.extension === extension) ?? []);
  return (talked.length > 0 ? talked : seen).map(({ talker }) => talker);
}

/** Whether the client was passed on from one of us to another. */
export function wasTransferred(body: Body): boolean {
  return Array.isArray(body["transfers"]) && body["transfers"].length > 0 && talkersOf(body).length > 1;
}

/** A text in a language, else in any; undefined: there is none. */
export function labelIn(labels: unknown, language: string): string | undefined {
  if (labels === null || typeof labels !== "object" || Array.isArray(labels)) return undefined;
  const known = Object.entries(labels as Readonly<Record<string, unknown>>);
  const found = known.find(([tag]) => tag === language)?.[1] ?? known[0]?.[1];
  return typeof found === "string" && found ? found : undefined;
}

/** The label of an outcome or reason in a language, else any, else its key. */
export function labelOf(body: Body, name: "outcome" | "reason", language: string): string {
  return labelIn(body[`${name}_labels`], language) ?? text(body, name);
}

/** Entries by the reader's days, in their order. */
export function byDay(entries: readonly Entry[], dayOf: (at: string) => string): { day: string; entries: Entry[] }[] {
  const days: { day: string; entries: Entry[] }[] = [];
  for (const entry of entries) {
    const day = dayOf(entry.at);
    const last = days.at(-1);
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}

/** What is shown of a time line whose newest entry was `edge` when it was opened: all up to it, and what one did oneself;
 * a colleague's later entries wait.
 * @param written notes of one's own that may not be among the rows yet
 * @param live the call on the line, which stands above the list
 */
export function settled(
  rows: readonly Entry[],
  written: readonly Entry[],
  edge: string | null,
  { me, live }: { readonly me: number | null; readonly live: string | null },
): { readonly shown: readonly Entry[]; readonly waiting: number } {
  const known = new Set(rows.map(({ kind, id }) => `${kind} ${id}`));
  const all = [...written.filter(({ kind, id }) => !known.has(`${kind} ${id}`)), ...rows].filter(({ kind, id }) => kind !== "call" || id !== live);
  const isOwn = ({ kind, by, body }: Entry) => by === `user:${me}` || (kind === "call" && talkersOf(body).some(({ user }) => user === me));
  const shown = edge === null ? all : all.filter((entry) => Date.parse(entry.at) <= Date.parse(edge) || (me !== null && isOwn(entry)));
  return { shown, waiting: all.length - shown.length };
}
