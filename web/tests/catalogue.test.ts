/* Every word for people stands in the catalogues, in three languages, with the forms that each language needs. */

import { describe, expect, it } from "vitest";
import { literalsOf, parsed, SOURCES, textsIn } from "./sources";

type Catalogue = Readonly<Record<string, string>>;

const FILES = import.meta.glob<Catalogue>("../src/words/*/*.json", { import: "default", eager: true });
const LANGUAGES = ["en", "ru", "pl"] as const;
const FORMS: Readonly<Record<string, readonly string[]>> = {
  en: ["one", "other"],
  ru: ["one", "few", "many", "other"],
  pl: ["one", "few", "many", "other"],
};
const FORM = /_(zero|one|two|few|many|other)$/;
const FEATURES = [...new Set(Object.keys(FILES).map((path) => path.split("/").at(-2) ?? ""))].sort();
/** Words that a page of ours never says (the brief: say what happened, what is kept, what to do). */
const UNSAID = /!|\b[Ee]rrors?\b|[Оо]шибк|\b[Bb]łąd/u;

function catalogue(feature: string, language: string): Catalogue {
  return FILES[`../src/words/${feature}/${language}.json`] ?? {};
}

/** Keys without their forms; `_other` of the English catalogue marks those that count. */
function countsOf(feature: string): Set<string> {
  const keys = Object.keys(catalogue(feature, "en"));
  return new Set(keys.filter((key) => key.endsWith("_other")).map((key) => key.replace(FORM, "")));
}

function baseOf(key: string, counted: ReadonlySet<string>): string {
  const base = key.replace(FORM, "");
  return counted.has(base) ? base : key;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\{\{-?\s*(\w+)/g)].map((found) => found[1] ?? "").sort();
}

describe("texts for people", () => {
  it.each([...SOURCES.keys()])("of %s stand in the catalogues", (path) => {
    const source = SOURCES.get(path);
    expect(source && textsIn(source)).toEqual([]);
  });

  it.each([
    "<p>Nobody rings</p>",
    '<b title="Close it">x</b>',
    '<input aria-label={busy ? "Wait" : "Go"} />',
    '<p>{late && "Too late"}</p>',
    "<p>{`${count} calls`}</p>",
    'toast("Your text was not saved")',
    'const word = "Звонок"',
  ])("are found in %s", (text) => {
    expect(textsIn(parsed("a.tsx", text))).not.toEqual([]);
  });

  it.each([
    "<Key>Ctrl</Key>",
    '<b className="row wide">{t("title")}</b>',
    '<p>{kind === "call" ? t("call") : t("task")}</p>',
    'throw new TypeError("This text is for engineers")',
    "<p>· — {count}</p>",
  ])("are not seen in %s", (text) => {
    expect(textsIn(parsed("a.tsx", text))).toEqual([]);
  });
});

describe.each(FEATURES)("the words of %s", (feature) => {
  const english = catalogue(feature, "en");
  const counted = countsOf(feature);
  const bases = new Set(Object.keys(english).map((key) => baseOf(key, counted)));

  it.each(LANGUAGES)("are all there in %s, with its forms", (language) => {
    const forms = FORMS[language] ?? [];
    const wanted = [...bases].flatMap((base) => (counted.has(base) ? forms.map((form) => `${base}_${form}`) : [base]));
    expect(Object.keys(catalogue(feature, language)).sort()).toEqual(wanted.sort());
  });

  it.each(LANGUAGES)("say something in %s, and politely", (language) => {
    const words = Object.entries(catalogue(feature, language));
    expect(words.filter(([, text]) => text.trim() === "" || UNSAID.test(text))).toEqual([]);
  });

  it.each(LANGUAGES)("name the same things in braces in %s", (language) => {
    const there = catalogue(feature, language);
    const differing = [...bases].filter((base) => {
      if (!counted.has(base)) return namesIn(there[base] ?? "").join() !== namesIn(english[base] ?? "").join();
      const wanted = namesIn(english[`${base}_other`] ?? "").join();
      // English "one" is 1 alone and may say so in words; elsewhere it is 21 too, or stands beside forms that count.
      const forms = (FORMS[language] ?? []).filter((form) => form !== "one" || language === "ru");
      return forms.some((form) => namesIn(there[`${base}_${form}`] ?? "").join() !== wanted);
    });
    expect(differing).toEqual([]);
  });

  it("are all used", () => {
    const literals = [...SOURCES.values()].map(literalsOf);
    const texts = new Set(literals.flatMap((of) => of.texts).map((text) => text.replace(/^[a-z]+:/, "")));
    const patterns = literals.flatMap((of) => of.patterns);
    const unused = [...bases].filter((key) => !texts.has(key) && !patterns.some((pattern) => pattern.test(key)));
    expect(unused).toEqual([]);
  });
});
