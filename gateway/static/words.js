/* The words of the screen in three languages: chosen by the browser, switched by hand, kept in this browser. */

import en from "./words/en.js";
import pl from "./words/pl.js";
import ru from "./words/ru.js";

export const LANGUAGES = { en: "English", ru: "Русский", pl: "Polski" };
const WORDS = { en, ru, pl };
const LOCALES = { en: "en-GB", ru: "ru-RU", pl: "pl-PL" };
const KEPT = "trunkline.language";

let language = first();

function first() {
  const wanted = [kept(), ...(navigator.languages ?? [navigator.language])];
  return wanted.map((tag) => String(tag ?? "").slice(0, 2)).find((tag) => tag in WORDS) ?? "en";
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage is switched off: the browser's language stays
  }
}

/** The language of the screen, `en`, `ru` or `pl`. */
export function languageNow() {
  return language;
}

/** The locale for Intl. */
export function locale() {
  return LOCALES[language];
}

/** Switch the language; what is on the screen has to be drawn again. */
export function speak(tag) {
  language = tag in WORDS ? tag : "en";
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    return; // it holds until the page is closed
  }
}

/** The words for a key.
 * @param {string} key as in `words/en.js`
 * @param {object} given values for the names in braces; `n` also chooses the plural
 */
export function t(key, given = {}) {
  let found = WORDS[language][key] ?? WORDS.en[key] ?? key;
  if (typeof found === "object") found = found[new Intl.PluralRules(locale()).select(given.n ?? 0)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
}

/** Whether there are words for a key. */
export function has(key) {
  return key in WORDS.en;
}

/** The keys of each language, for the check that none lacks any. */
export function keys() {
  return Object.fromEntries(Object.entries(WORDS).map(([tag, words]) => [tag, Object.keys(words).sort()]));
}

document.documentElement.lang = language;
