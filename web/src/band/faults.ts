/* Why an order was not done: the gateway's codes for which we have words in every language. */

import type { ApiProblem } from "../api/problem";

export const FAULT_WORDS = [
  // not sent
  "call_ended", "not_in_call", "order_running", "no_consultation", "already_listening", "barged_already", "no_person",
  // somebody has the client
  "in_flight", "in_call", "colleague_calls", "colleague_talks", "client_calls", "colleague_claimed",
  // the manager's side
  "no_answer", "busy", "refused", "no_phone",
  // the client's side
  "client_busy", "client_refused", "client_no_answer", "client_no_response", "no_such_number", "number_changed",
  "line_overloaded", "trunk_unreachable", "client_failed", "manager_hung_up", "lost_in_transfer",
  // the order
  "not_connected", "not_allowed", "not_possible", "not_passed_on", "leg_gone", "not_sent", "interrupted", "not_seen", "connection_lost",
  "no_reply", "failed", "cancelled",
  // the number
  "empty", "letters", "too_short", "too_long", "international_prefix", "extension", "unknown_extension", "own_number",
  "emergency", "invalid", "forbidden_prefix", "country", "premium", "shared_cost", "personal", "satellite", "network",
  "world_premium", "nobody", "limit", "hidden", "short", "own",
  // the connection
  "away", "forbidden",
] as const; // prettier-ignore
export type FaultWord = (typeof FAULT_WORDS)[number];

const KNOWN: ReadonlySet<string> = new Set(FAULT_WORDS);

/** A code of the gateway as one of our words; null: there is none for it. */
export function wordOf(code: string | null | undefined): FaultWord | null {
  if (!code) return null;
  if (/^(user|key|company)_(minute|hour|day|foreign_day)$/.test(code)) return "limit";
  return KNOWN.has(code) ? (code as FaultWord) : null;
}

/** The word for a problem; null: only the gateway's own sentence says it. */
export function faultWord(problem: ApiProblem): FaultWord | null {
  for (const fault of problem.errors) {
    const word = wordOf(fault.code);
    if (word) return word;
  }
  if (problem.isPassing) return problem.slug.includes("pbx-away") ? "not_connected" : "away";
  if (problem.isForbidden) return "forbidden";
  return problem.slug.includes("on-the-phone") ? "leg_gone" : null;
}
