/* What somebody typed into the dial field: a number in any form, or words to search. Pure. */

import { dialable } from "../formats/phones";

export type Typed =
  | { readonly kind: "nothing" }
  /** Digits as they will be sent; the gateway reads them by the country of the line. */
  | { readonly kind: "number"; readonly number: string }
  /** Letters, or too few digits for anything but a search. */
  | { readonly kind: "words"; readonly words: string };

const SHORTEST = 3;

/** `8 (916) 123-45-67`, `+48 12 345 67 89`, `00 44 20 7946 0958`, `12/345-67`, `tel:+48...`, or a name. */
export function read(text: string): Typed {
  const bare = text.replace(/^\s*tel:/i, "").replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "").trim();
  if (bare === "") return { kind: "nothing" };
  const number = dialable(bare);
  if (number !== null && number.replace(/\D/g, "").length >= SHORTEST) return { kind: "number", number };
  return { kind: "words", words: bare };
}

/** The field after a key of the number pad: behind what is there; `0` twice at the begin is the `+` of abroad. */
export function pressed(text: string, digit: string): string {
  return text === "0" && digit === "0" ? "+" : text + digit;
}

/** The field without its last digit, and without the sign before it. */
export function erased(text: string): string {
  return text.replace(/[\s().\-/]*[^\s().\-/]?[\s().\-/]*$/, "");
}
