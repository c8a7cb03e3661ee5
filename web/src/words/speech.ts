/* A catalogue spoken: `t("left", { count: 3, name })` takes the form for three in this language and puts the values in.
   Pure. The files are those of i18next, whose types check every key; its program would be a tenth of the first load. */

export type Catalogue = Readonly<Record<string, string>>;
export type Values = Readonly<Record<string, unknown>>;

/** What says the words of one catalogue; a key that it lacks is said as it is.
 * @param language of the words: chooses the form by `count` (`_one`, `_few`, `_many`, `_other`)
 */
export function speech(language: string, words: Catalogue): (key: string, values?: Values) => string {
  const plurals = new Intl.PluralRules(language);
  const form = (key: string, count: unknown): string | undefined =>
    typeof count === "number" ? (words[`${key}_${plurals.select(count)}`] ?? words[`${key}_other`]) : undefined;
  return (key, values) => {
    const text = form(key, values?.["count"]) ?? words[key] ?? key;
    if (!values || !text.includes("{{")) return text;
    return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => said(values[name]));
  };
}

function said(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : "";
}
