/* Every word for people: catalogues by feature and language, loaded when the feature is. Keys are typed from the English
   catalogue (words.d.ts). `const t = useWords("today")`, then `t("title")`, `t("left", {count: 3})`. */

import type { TFunction } from "i18next";
import { use, useSyncExternalStore } from "react";
import { persistently } from "../parts/late";
import type { Catalogues } from "./catalogues";
import { speech, type Catalogue, type Values } from "./speech";

export const LANGUAGES = ["en", "ru", "pl"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Words = keyof Catalogues;

/** How each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", ru: "Русский", pl: "Polski" };

const KEPT = "trunkline.language";
const FILES = import.meta.glob<{ default: Catalogue }>("./*/*.json");
/** What the frame says, wherever one is. */
const FRAME: readonly Words[] = ["shell", "parts", "band"];

type Speech = (key: string, values?: Values) => string;

let spoken: Language = "en";
/** The language that is spoken as soon as its words are there. */
let coming: Language = spoken;
const listeners = new Set<() => void>();
const loading = new Map<string, Promise<Speech>>();
const loaded = new Map<string, Speech>();

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
  await change(firstLanguage());
}

/** The language that is spoken now. */
export function language(): Language {
  return spoken;
}

/** Speak another language from now on, in this browser. */
export async function speak(chosen: Language): Promise<void> {
  localStorage.setItem(KEPT, chosen);
  if (chosen !== coming) await change(chosen);
}

async function change(chosen: Language): Promise<void> {
  coming = chosen;
  const heard = [...loading.keys()].map((place) => place.split("/")[1] as Words);
  await Promise.all([...new Set([...FRAME, ...heard])].map((feature) => load(chosen, feature)));
  // Another one has been chosen meanwhile.
  if (coming !== chosen) return;
  spoken = chosen;
  document.documentElement.lang = chosen;
  for (const listener of listeners) listener();
}

function load(language: Language, feature: Words): Promise<Speech> {
  const place = `${language}/${feature}`;
  const known = loading.get(place);
  if (known) return known;
  const file = FILES[`./${feature}/${language}.json`];
  if (!file) throw new Error(`no words for ${place}`);
  const promise = persistently(file)().then((words) => {
    const t = speech(language, words.default);
    loaded.set(place, t);
    return t;
  });
  loading.set(place, promise);
  return promise;
}

/** Load the words of a feature; routes.tsx does it together with its page. */
export async function loadWords(feature: Words): Promise<void> {
  await load(coming, feature);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The words of a feature. */
export function useWords<W extends Words>(feature: W): TFunction<W> {
  const now = useLanguage();
  const t = loaded.get(`${now}/${feature}`) ?? use(load(now, feature));
  return t as unknown as TFunction<W>;
}

/** The language that is spoken now; drawn anew when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}
