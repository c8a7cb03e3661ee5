/* An act of the audit log in words: what thing, and what was done. Acts without words are told by their code. */

const SUBJECTS = [
  "card_rule", "demo", "dialling", "distribution_policy", "distribution_rule", "endpoint", "extension", "field", "form",
  "handover", "key", "missed", "number", "phone", "report", "routing_policy", "scheduled", "softphone", "spend", "state",
  "state_rule", "user", "working_hours", "recording", "call", "contact", "session", "webhook", "goal", "team", "task",
  "inbound_route", "routing_group", "absence", "audit", "caller_id", "organisation", "outcome", "contacts", "subscription",
  "profile",
] as const; // prettier-ignore
const ACTS = [
  "added", "changed", "change", "begun", "entered", "ended", "given", "taken", "created", "deleted", "made", "done", "undone",
  "stopped", "resumed",
  "issued", "revoked", "dismiss", "undismiss", "rule", "forgotten", "named", "password_made", "exported", "sent_again",
  "account_made", "removed", "chosen", "dropped", "deactivated", "password", "drop", "set", "listened", "read",
] as const; // prettier-ignore

export type Subject = (typeof SUBJECTS)[number];
export type ActWord = (typeof ACTS)[number];

export interface Said {
  readonly subject: Subject | null;
  readonly act: ActWord | null;
}

/** The words of a code such as `user.entered`; null for what has none. */
export function said(code: string): Said {
  const [subject, act] = code.split(".", 2);
  return { subject: SUBJECTS.find((some) => some === subject) ?? null, act: ACTS.find((some) => some === act) ?? null };
}
