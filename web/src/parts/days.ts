/* Days as people type them: `24.11.2026`, `24/11/2026`, `2026-11-24`. Pure. */

/** The day that was typed as `2026-11-24`; null: it is none, or not whole yet. */
export function readDay(typed: string): string | null {
  const text = typed.trim();
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const other = /^(\d{1,2})[./\- ](\d{1,2})[./\- ](\d{4})$/.exec(text);
  const [year, month, day] = iso ? [iso[1], iso[2], iso[3]] : other ? [other[3], other[2], other[1]] : [];
  if (!year || !month || !day) return null;
  const whole = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const at = new Date(`${whole}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === whole ? whole : null;
}

/** A day for a field, such as `24 Nov 2026`, in a language; the Russian word for a year is left out. */
export function writeDay(day: string, language: string): string {
  const tag = language === "en" ? "en-GB" : language;
  return new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`)).replace(/\sг\.$/, "");
}
