/* Keys of what is kept of the server, and which of them a live fact touches.

   one(family, id)    a single thing: read anew at once when a fact names it
   view(family, ...)  what is made of many (figures, boards, queues): read anew soon after a fact of the family
   list(family, ...)  a list on the screen: never read anew by itself, for nothing moves unasked; it counts the facts
                      instead (`useNews`) and offers "3 new, show"
*/

export const FAMILIES = [
  "absences", "access", "calls", "commands", "contacts", "dialling", "distribution", "doctor", "duplicates", "fields",
  "goals", "hours", "imports", "keys", "missed", "organisations", "outcomes", "profile", "queue", "recordings",
  "reports", "routing", "scheduled", "search", "session", "states", "statistics", "tasks", "teams", "touches", "users",
  "webhooks",
] as const; // prettier-ignore
export type Family = (typeof FAMILIES)[number];

export type QueryPart = string | number | boolean | null | undefined | object;

export const keys = {
  /** Everything of a family. */
  all: (family: Family) => [family] as const,
  one: (family: Family, id: string | number, ...rest: QueryPart[]) => [family, "one", String(id), ...rest] as const,
  view: (family: Family, ...rest: QueryPart[]) => [family, "view", ...rest] as const,
  list: (family: Family, ...rest: QueryPart[]) => [family, "list", ...rest] as const,
};

export interface Fact {
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What of the kept things a fact touches. */
export interface Touched {
  readonly family: Family;
  /** The thing named; null: any of them. */
  readonly id: string | null;
}

interface Rule {
  readonly families: readonly Family[];
  /** Field of the body that holds the id, for each family that has single things. */
  readonly ids: Partial<Record<Family, string>>;
}

/** By the first word of the fact's kind (docs/events.md). */
const RULES: Readonly<Record<string, Rule>> = {
  absence: { families: ["absences", "states"], ids: { absences: "id" } },
  call: { families: ["calls", "statistics", "queue"], ids: { calls: "id", contacts: "contact_id" } },
  card: { families: ["contacts"], ids: { contacts: "contact_id" } },
  command: { families: ["commands"], ids: { commands: "id", calls: "call_id" } },
  contact: { families: ["contacts"], ids: { contacts: "id" } },
  dialling: { families: ["dialling"], ids: {} },
  duplicate: { families: ["duplicates"], ids: {} },
  field: { families: ["fields"], ids: {} },
  goal: { families: ["goals"], ids: { goals: "goal" } },
  import: { families: ["imports"], ids: { imports: "id" } },
  inbound_route: { families: ["routing"], ids: { routing: "id" } },
  lead: { families: ["distribution", "queue"], ids: { contacts: "contact" } },
  manager: { families: ["states"], ids: { states: "user" } },
  missed: { families: ["missed", "queue"], ids: { missed: "id", contacts: "contact" } },
  organisation: { families: ["organisations"], ids: { organisations: "id" } },
  outcome: { families: ["outcomes", "queue"], ids: { outcomes: "id", calls: "call", contacts: "contact" } },
  pbx: { families: ["doctor"], ids: {} },
  recording: { families: ["recordings"], ids: { recordings: "call_id", calls: "call_id" } },
  recordings: { families: ["doctor"], ids: {} },
  report: { families: ["reports"], ids: {} },
  routing_group: { families: ["routing"], ids: { routing: "id" } },
  scheduled: { families: ["scheduled", "queue"], ids: { scheduled: "id", contacts: "contact" } },
  task: { families: ["tasks", "queue"], ids: { tasks: "id", contacts: "contact" } },
  team: { families: ["teams"], ids: { teams: "id" } },
  touch: { families: ["touches"], ids: { contacts: "contact" } },
  transcript: { families: ["recordings"], ids: { recordings: "call_id", calls: "call_id" } },
  webhook: { families: ["webhooks"], ids: { webhooks: "id" } },
};

/** What a fact touches; nothing for kinds that we do not know. */
export function touchedBy(fact: Fact): Touched[] {
  const rule = RULES[fact.kind.split(".", 1)[0] ?? ""];
  if (!rule) return [];
  const named = Object.entries(rule.ids).flatMap(([family, field]) => {
    const id = fact.body[field];
    const known = typeof id === "string" || typeof id === "number";
    return known ? [{ family: family as Family, id: String(id) }] : [];
  });
  return [...rule.families.map((family) => ({ family, id: null })), ...named];
}
