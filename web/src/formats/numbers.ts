/* Counts, shares and their changes in the reader's way of writing. */

const made = new Map<string, Intl.NumberFormat>();

function formatter(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const name = `${language}|${JSON.stringify(options)}`;
  let found = made.get(name);
  if (!found) {
    found = new Intl.NumberFormat(language === "en" ? "en-GB" : language, options);
    made.set(name, found);
  }
  return found;
}

/** `4,492`; also from four digits on in Polish. */
export function count(n: number, language: string): string {
  return formatter(language, { maximumFractionDigits: 0, useGrouping: "always" }).format(n);
}

/** `+12`, `−6`, `0`. */
export function change(n: number, language: string): string {
  const text = count(Math.abs(n), language);
  return n > 0 ? `+${text}` : n < 0 ? `\u2212${text}` : text;
}

/** A share of 1 as `84 %`, with a space that does not break. */
export function share(part: number | null | undefined, digits = 0): string {
  if (part === null || part === undefined || Number.isNaN(part)) return "–";
  return `${(part * 100).toFixed(digits)}\u00a0%`;
}

/** How far a share moved, in points: `+5`, `−2`. */
export function points(now: number, before: number): number {
  return Math.round(now * 100) - Math.round(before * 100);
}

/** A relative change as a share: 0.026 for 2.6 % more; null where there was nothing before. */
export function growth(now: number, before: number): number | null {
  return before === 0 ? null : (now - before) / before;
}

/** An amount of money in its own currency. */
export function money(amount: number, currency: string, language: string): string {
  const whole = Number.isInteger(amount);
  const options = { style: "currency", currency, ...(whole ? { maximumFractionDigits: 0 } : {}) } as const;
  return formatter(language, options).format(amount);
}
