/* How a file is written, as a person corrects what was guessed. */

import type { Schemas } from "../../api";

export type Writing = Schemas["WritingChange"];
type Found = Schemas["WritingView"];

export const ENCODINGS = [
  "utf-8", "cp1251", "koi8_r", "cp866", "cp1250", "iso8859_2", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be",
] as const; // prettier-ignore
export const DELIMITERS = [
  { name: "semicolon", sign: ";" },
  { name: "comma", sign: "," },
  { name: "tab", sign: "\t" },
  { name: "bar", sign: "|" },
  { name: "none", sign: "" },
] as const;
const LAST_ROW = 1_048_576;

/** The whole writing with one thing of it corrected. The row of names is found anew, unless it is what was corrected; so
 * is everything of another sheet.
 */
export function written(found: Found, corrected: { readonly encoding?: string; readonly delimiter?: string; readonly sheet?: string; readonly header?: number }): Writing {
  const { encoding, delimiter, sheet } = { ...found, ...corrected };
  return {
    ...(encoding === null ? {} : { encoding: encoding as NonNullable<Writing["encoding"]> }),
    ...(delimiter === null ? {} : { delimiter }),
    ...(sheet === null ? {} : { sheet }),
    ...(corrected.header === undefined ? {} : { header: corrected.header }),
  };
}

/** The number of a row as it is typed; nothing typed: no row; null: this is none. */
export function rowOf(text: string): number | null {
  const typed = text.trim() || "0";
  return /^\d{1,7}$/.test(typed) && Number(typed) <= LAST_ROW ? Number(typed) : null;
}
