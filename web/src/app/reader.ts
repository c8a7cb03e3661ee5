/* For whom the formats write: language, zone, and the country whose numbers are his own. */

import { useMemo } from "react";
import { usePreference } from "./preferences";
import { useMaybeSession } from "./session";
import { useLanguage, type Language } from "../words";

export interface PageReader {
  readonly language: Language;
  /** IANA zone; undefined: the browser's. */
  readonly zone: string | undefined;
  /** ISO 3166, such as `PL`; null: not known. */
  readonly country: string | null;
}

const COUNTRY_OF_LANGUAGE: Partial<Record<Language, string>> = { ru: "RU", pl: "PL" };

export function useReader(): PageReader {
  const language = useLanguage();
  const session = useMaybeSession();
  const [region] = usePreference<string | null>("region", null);
  const zone = session?.who.user?.timezone ?? undefined;
  const country = region ?? COUNTRY_OF_LANGUAGE[language] ?? null;
  return useMemo(() => ({ language, zone, country }), [language, zone, country]);
}
