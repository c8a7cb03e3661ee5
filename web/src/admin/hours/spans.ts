/* The hours of a day as they are typed: `9-13, 14:00–18:00`; nothing: closed. */

const SPAN = /^(\d{1,2})(?::?(\d{2}))?\s*[-–—]\s*(\d{1,2})(?::?(\d{2}))?$/;

/** As the gateway wants them: `09:00-13:00`, and `22:00-06:00` over midnight; null: it cannot be read. */
export function spansOf(text: string): string[] | null {
  const parts = text.split(/[,;]/).map((part) => part.trim()).filter(Boolean); // prettier-ignore
  const spans = parts.map((part) => {
    const found = SPAN.exec(part);
    if (!found) return null;
    const [from, until] = [minutes(found[1], found[2]), minutes(found[3], found[4])];
    return from === null || until === null || from === until || from === 24 * 60 ? null : `${clock(from)}-${clock(until)}`;
  });
  return spans.every((span) => span !== null) ? spans : null;
}

function minutes(hours: string | undefined, rest: string | undefined): number | null {
  const sum = Number(hours) * 60 + Number(rest ?? 0);
  return Number(rest ?? 0) < 60 && sum <= 24 * 60 ? sum : null;
}

function clock(sum: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(sum / 60))}:${two(sum % 60)}`;
}

/** Monday to Friday from nine to six. */
export const USUAL: readonly (readonly string[])[] = [1, 2, 3, 4, 5, 6, 7].map((day) => (day < 6 ? ["09:00-18:00"] : []));
