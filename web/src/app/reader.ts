/* For whom the formats write: language, zone, and the country whose numbers are his own. */

import { useMemo } from "react";
import { useLanguage, type Language } from "../words";
import { useMaybeSession } from "./session";

export interface PageReader {
  readonly language: Language;
  /** IANA zone; undefined: the browser's. */
  readonly zone: string | undefined;
  /** ISO 3166, such as `PL`; null: not known. */
  readonly country: string | null;
}

export function useReader(): PageReader {
  const language = useLanguage();
  const session = useMaybeSession();
  const zone = session?.who.timezone ?? undefined;
  const country = session?.who.region ?? null;
  return useMemo(() => ({ language, zone, country }), [language, zone, country]);
}
