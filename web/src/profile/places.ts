/* Zones and countries to choose from. */

import countries from "./countries.json";

/** Every zone this browser knows, in the IANA spelling. */
export function zones(): string[] {
  return Intl.supportedValuesOf("timeZone");
}

/** Countries and territories with a telephone code of their own (ISO 3166-1). */
export const COUNTRIES: readonly string[] = countries;

const made = new Map<string, ReadonlyMap<string, string>>();

/** What countries are called in a language. */
export function countryNames(language: string): ReadonlyMap<string, string> {
  let found = made.get(language);
  if (!found) {
    const names = new Intl.DisplayNames([language], { type: "region" });
    found = new Map(COUNTRIES.map((code) => [code, names.of(code) ?? code]));
    made.set(language, found);
  }
  return found;
}
