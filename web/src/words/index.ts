/* Every word for people: catalogues by feature and language, loaded when the feature is. Keys are typed from the English
   catalogue (words.d.ts). `const t = useWords("today")`, then `t("title")`, `t("left", {count: 3})`. */

import i18next, { type BackendModule, type ReadCallback, type ResourceKey } from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import type { Catalogues } from "./catalogues";

export const LANGUAGES = ["en", "ru", "pl"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Words = keyof Catalogues;

/** How each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", ru: "Русский", pl: "Polski" };

const KEPT = "trunkline.language";
const FILES = import.meta.glob<{ default: ResourceKey }>("./*/*.json");

const lazy: BackendModule = {
  type: "backend",
  init: () => undefined,
  read(language: string, feature: string, told: ReadCallback) {
    const file = FILES[`./${feature}/${language}.json`];
    if (!file) { told(new Error(`no words for ${feature} in ${language}`), null); return; }
    file().then(
      (words) => told(null, words.default),
      (fault: unknown) => told(fault as Error, null),
    );
  },
};

/** The language of the browser, as far as we speak it; else English. */
export function browserLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const language = LANGUAGES.find((known) => tag.toLowerCase().startsWith(known));
    if (language) return language;
  }
  return "en";
}

/** The language of the first drawing: as it was last in this browser, else the browser's. */
function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT);
  return LANGUAGES.find((known) => known === kept) ?? browserLanguage();
}

/** Ready to speak; wait for it before the first drawing. */
export async function startWords(): Promise<void> {
  i18next.on("languageChanged", (language) => (document.documentElement.lang = language));
  await i18next
    .use(lazy)
    .use(initReactI18next)
    .init({
      lng: firstLanguage(),
      fallbackLng: "en",
      supportedLngs: LANGUAGES,
      ns: ["shell", "parts", "band"],
      defaultNS: "shell",
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
      returnNull: false,
      keySeparator: false,
    });
}

/** The language that is spoken now. */
export function language(): Language {
  return LANGUAGES.find((known) => known === i18next.resolvedLanguage) ?? "en";
}

/** Speak another language from now on, in this browser. */
export async function speak(chosen: Language): Promise<void> {
  localStorage.setItem(KEPT, chosen);
  await i18next.changeLanguage(chosen);
}

/** Load the words of a feature; routes.tsx does it together with its page. */
export async function loadWords(feature: Words): Promise<void> {
  await i18next.loadNamespaces(feature);
}

/** The words of a feature. */
export function useWords<W extends Words>(feature: W) {
  return useTranslation<W>(feature).t;
}

/** The language that is spoken now; drawn anew when it changes. */
export function useLanguage(): Language {
  useTranslation("shell");
  return language();
}
