/* Names are text from anywhere: never markup, cut at a length, without what moves or hides the text around them. */

const LONGEST = 80;
const signsOf = (text: string): string[] => Array.from(text);
// Control signs and those that turn the direction of writing round.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A name that may be shown: one line, at most 80 signs. */
export function tame(name: string | null | undefined): string {
  const clean = (name ?? "").replace(UNSEEN, " ").replace(/\s+/g, " ").trim();
  const signs = signsOf(clean);
  return signs.length > LONGEST ? signs.slice(0, LONGEST - 1).join("") + "…" : clean;
}

/** `МГ` for Мария Гончарова. */
export function initials(name: string): string {
  const words = tame(name).split(" ").filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => (signsOf(word ?? "")[0] ?? "").toUpperCase()).join("");
}

/** Compare names as the reader's language does. */
export function byName(language: string): (one: string, other: string) => number {
  return new Intl.Collator(language, { sensitivity: "base", numeric: true }).compare;
}
