import { SegmentedControl } from "@mantine/core";
import { LANGUAGE_NAMES, LANGUAGES, speak, useLanguage, useWords } from "../words";

/** The language of this browser; a person's own is chosen in his profile. */
export function LanguageChoice() {
  const t = useWords("shell");
  return (
    <SegmentedControl
      aria-label={t("menu.language")}
      value={useLanguage()}
      onChange={(value) => void speak(value)}
      data={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
    />
  );
}
