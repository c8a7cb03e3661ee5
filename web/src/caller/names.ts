/* By which name a caller is shown. Names come from anywhere: text, one line, at most 80 signs. Pure. */

import type { LiveCall } from "../api";
import { tame } from "../formats";

export type CallerName =
  | { readonly kind: "card"; readonly name: string; readonly contact: number }
  | { readonly kind: "several"; readonly count: number }
  /** What the line says of him; anybody can send anything. */
  | { readonly kind: "line"; readonly name: string }
  | { readonly kind: "number"; readonly number: string }
  | { readonly kind: "hidden" };

/** The best that is known of who is at the other end. */
export function nameOf(call: Pick<LiveCall, "contact_id" | "contact_name" | "choices" | "client">): CallerName {
  const name = tame(call.contact_name);
  if (name && call.contact_id !== null) return { kind: "card", name, contact: call.contact_id };
  if (call.contact_id === null && call.choices.length > 1) return { kind: "several", count: call.choices.length };
  const told = tame(call.client.name);
  const number = call.client.number;
  if (told && told.replace(/\D/g, "") !== number?.replace(/\D/g, "")) return { kind: "line", name: told };
  return number ? { kind: "number", number } : { kind: "hidden" };
}

/** Who shares a number, with a digit for each: the first nine. */
export function choicesOf(call: Pick<LiveCall, "choices" | "contact_id">): readonly { digit: number; contact: number; name: string; organisation: string }[] {
  if (call.contact_id !== null) return [];
  return call.choices.slice(0, 9).map((choice, at) => ({
    digit: at + 1,
    contact: choice.contact_id,
    name: tame(choice.name),
    organisation: tame(choice.organisation),
  }));
}
