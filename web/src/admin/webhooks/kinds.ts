/* Which facts a receiver gets: kinds, families and everything, as people type them. */

/** Families that are offered; anything else of docs/events.md can be typed. */
export const FAMILIES = ["*", "call.*", "contact.*", "missed.*", "task.*", "outcome.*", "recording.*", "transcript.*", "lead.*", "goal.*"] as const;

/** Kinds after a change: everything leaves nothing beside it, and a family stands for its kinds. */
export function narrowed(kinds: readonly string[]): string[] {
  const tidy = [...new Set(kinds.map((kind) => kind.trim()).filter(Boolean))];
  if (tidy.at(-1) === "*") return ["*"];
  const named = tidy.filter((kind) => kind !== "*");
  const families = new Set(named.filter((kind) => kind.endsWith(".*")).map((kind) => kind.slice(0, -1)));
  return named.filter((kind) => kind.endsWith(".*") || ![...families].some((family) => kind.startsWith(family)));
}

const NAMED = ["call", "contact", "missed", "task", "outcome", "recording", "transcript", "lead", "goal"] as const;

/** The family that a kind such as `call.*` stands for; null: it is a single kind, or everything. */
export function familyOf(kind: string): (typeof NAMED)[number] | null {
  return NAMED.find((family) => kind === `${family}.*`) ?? null;
}
