/* Moments and days in the reader's language and zone (Intl). Time is an argument everywhere. */

export interface Reader {
  /** BCP 47 tag, such as `ru`. */
  readonly language: string;
  /** IANA zone; undefined: the browser's. */
  readonly zone?: string | undefined;
}

type Moment = string | number | Date;

const DAY_MS = 86_400_000;
const made = new Map<string, Intl.DateTimeFormat>();

function formatter(reader: Reader, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${reader.language}|${reader.zone ?? ""}|${JSON.stringify(options)}`;
  let found = made.get(name);
  if (!found) {
    // English that writes the day before the month and 24 hours.
    const tag = reader.language === "en" ? "en-GB" : reader.language;
    found = new Intl.DateTimeFormat(tag, { ...options, ...(reader.zone ? { timeZone: reader.zone } : {}) });
    made.set(name, found);
  }
  return found;
}

/** `14:26`. */
export function clock(at: Moment, reader: Reader): string {
  return formatter(reader, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
}

/** `14:26:05`. */
export function exactClock(at: Moment, reader: Reader): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return formatter(reader, options).format(new Date(at));
}

/** The day in the reader's zone as `2026-11-24`. */
export function isoDay(at: Moment, reader: Reader): string {
  const parts = formatter({ language: "en", zone: reader.zone }, { year: "numeric", month: "2-digit", day: "2-digit" });
  const part = Object.fromEntries(parts.formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
  return `${part["year"]}-${part["month"]}-${part["day"]}`;
}

/** How many days a moment lies after today, in the reader's zone: 0 today, -1 yesterday. */
export function daysFrom(at: Moment, now: Moment, reader: Reader): number {
  return Math.round((Date.parse(isoDay(at, reader)) - Date.parse(isoDay(now, reader))) / DAY_MS);
}

/** `21 Nov`, with the year where it is not this one. */
export function shortDay(at: Moment, now: Moment, reader: Reader): string {
  const old = isoDay(at, reader).slice(0, 4) !== isoDay(now, reader).slice(0, 4);
  return formatter(reader, { day: "numeric", month: "short", ...yearIf(old) }).format(new Date(at));
}

/** `Tuesday, 24 November`, with the year where it is not this one. */
export function longDay(at: Moment, now: Moment, reader: Reader): string {
  const old = isoDay(at, reader).slice(0, 4) !== isoDay(now, reader).slice(0, 4);
  const options = { weekday: "long", day: "numeric", month: "long", ...yearIf(old) } as const;
  const text = formatter(reader, options).format(new Date(at));
  return reader.language === "en" ? text.replace(/^(\w+) /, "$1, ") : text;
}

/** `Tue 24 Nov`. */
export function weekDay(at: Moment, now: Moment, reader: Reader): string {
  const old = isoDay(at, reader).slice(0, 4) !== isoDay(now, reader).slice(0, 4);
  const options = { weekday: "short", day: "numeric", month: "short", ...yearIf(old) } as const;
  return formatter(reader, options).format(new Date(at)).replace(/^(\S+?),? /, "$1 ");
}

/** `14:26` of today, else `21 Nov, 14:26`. */
export function moment(at: Moment, now: Moment, reader: Reader): string {
  if (daysFrom(at, now, reader) === 0) return clock(at, reader);
  return `${shortDay(at, now, reader)}, ${clock(at, reader)}`;
}

/** `18:26` at the place of a client; null where his zone is not known to this browser. */
export function clockThere(now: Moment, zone: string): string | null {
  try {
    return clock(now, { language: "en", zone });
  } catch {
    return null;
  }
}

function yearIf(old: boolean): Intl.DateTimeFormatOptions {
  return old ? { year: "numeric" } : {};
}
