/* An act of the audit log in words: what thing, what was done, and what belongs to it. What has no words is told by its code. */

import type { Catalogues } from "../../words/catalogues";

type Words = keyof Catalogues["audit"];
type Has<Prefix extends string> = Words extends infer Word ? (Word extends `${Prefix}.${infer Name}` ? Name : never) : never;

export type Subject = Has<"subject">;
export type ActWord = Has<"act">;
export type ThingWord = Has<"thing"> | Subject;
export type DetailWord = Has<"detail">;

const SUBJECTS: readonly Subject[] = [
  "card_rule", "demo", "dialling", "distribution_policy", "distribution_rule", "endpoint", "extension", "field", "form",
  "handover", "key", "missed", "number", "phone", "report", "routing_policy", "scheduled", "softphone", "spend", "state",
  "state_rule", "user", "working_hours", "recording", "call", "contact", "session", "webhook", "goal", "team", "task",
  "inbound_route", "routing_group", "absence", "audit", "caller_id", "organisation", "outcome", "contacts", "subscription",
  "profile", "disposition", "disposition_rule", "reason", "import", "transcript", "distribution",
]; // prettier-ignore
const ACTS: readonly ActWord[] = [
  "added", "changed", "change", "begun", "entered", "ended", "given", "taken", "created", "deleted", "made", "done", "undone",
  "issued", "revoked", "dismiss", "undismiss", "rule", "forgotten", "named", "password_made", "exported", "sent_again",
  "account_made", "removed", "chosen", "dropped", "deactivated", "password", "drop", "set", "listened", "read", "resent",
  "secret_replaced", "export_started", "started", "stopped", "failed", "undo_started", "retried", "ordered", "noted",
  "note_changed", "note_removed", "listen", "whisper", "barge", "whispered", "barged", "hold", "resume", "resumed", "transfer", "consult",
  "complete", "abandon", "digits", "hang_up", "pause_recording", "resume_recording", "originate", "listened.ended",
  "whispered.ended", "barged.ended",
]; // prettier-ignore
const THINGS: readonly Has<"thing">[] = ["user", "key", "trunkline", "hours", "did", "number", "note", "delivery", "thing", "actor", "scheduled_rule"];
const DETAILS: readonly DetailWord[] = [
  "role", "fields", "what", "kinds", "format", "rows", "lines", "cards", "filters", "pbx", "extension", "endpoints", "state",
  "reason", "since", "until", "first", "last", "period", "report", "delivery", "sees", "name", "letters", "number", "kind",
  "counts", "language", "model",
]; // prettier-ignore
const FAMILIES: readonly Has<"family">[] = ["call", "contact", "missed", "task", "outcome", "recording", "transcript", "lead", "goal"];
const ROLES: readonly Has<"role">[] = ["manager", "supervisor", "admin"];

export interface Said {
  readonly subject: Subject | null;
  readonly act: ActWord | null;
}

/** The words of a code such as `user.entered`; null for what has none. */
export function said(code: string): Said {
  const at = code.indexOf(".");
  const [subject, act] = at < 0 ? [code, ""] : [code.slice(0, at), code.slice(at + 1)];
  return { subject: SUBJECTS.find((some) => some === subject) ?? null, act: ACTS.find((some) => some === act) ?? null };
}

/** The word of a kind of thing, as `thing.hours` or `subject.webhook`; null: it has none. */
export function thingWord(kind: string): Words | null {
  const thing = THINGS.find((some) => some === kind);
  if (thing) return `thing.${thing}`;
  const subject = SUBJECTS.find((some) => some === kind);
  return subject ? `subject.${subject}` : null;
}

/** What is told of an act beside it, name by name: `version` and ids of the gateway's own are for programs. */
export function detailsOf(params: Readonly<Record<string, unknown>>, t: (word: Words) => string): string {
  return Object.entries(params)
    .flatMap(([name, value]) => {
      const known = DETAILS.find((some) => some === name);
      const text = written(name, value, t);
      if (name === "version" || name.endsWith("_id") || text === "") return [];
      return `${known ? t(`detail.${known}`) : name}: ${text}`;
    })
    .join(", ")
    .slice(0, 300);
}

function written(name: string, value: unknown, t: (word: Words) => string): string {
  if (value === null || value === undefined || value === "") return "";
  if (Array.isArray(value)) return value.map((one) => written(name, one, t)).filter(Boolean).join(", ");
  if (typeof value === "object") {
    return Object.entries(value as Record<string, unknown>)
      .map(([part, one]) => `${part} ${written(part, one, t)}`)
      .join(", ");
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (name === "kinds") return familyOf(text, t);
  const role = name === "role" && ROLES.find((some) => some === text);
  return role ? t(`role.${role}`) : text;
}

/** `call.*` as "calls", `*` as "everything"; a single kind by its code. */
function familyOf(kind: string, t: (word: Words) => string): string {
  if (kind === "*") return t("family.all");
  const family = FAMILIES.find((some) => kind === `${some}.*`);
  return family ? t(`family.${family}`) : kind;
}
