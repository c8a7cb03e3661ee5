/* Two clocks, the client's and ours: moments by a clock on the wall, hours in which either may be disturbed, and the
   nearest moment that suits both. Pure; the present moment is an argument. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const STEP_MINUTES = 30;
const DAYS_LOOKED_AT = 14;

export interface Wall {
  /** `2026-12-01` */
  readonly day: string;
  /** `11:00` */
  readonly time: string;
  /** 0 is Monday. */
  readonly weekday: number;
  /** From midnight. */
  readonly minutes: number;
}

const made = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let found = made.get(zone);
  if (!found) {
    const numeric = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    found = new Intl.DateTimeFormat("en-GB", { ...numeric, hourCycle: "h23", timeZone: zone });
    made.set(zone, found);
  }
  return found;
}

/** Whether this browser knows a zone. */
export function isZone(zone: string | null | undefined): zone is string {
  if (!zone) return false;
  try {
    formatter(zone);
    return true;
  } catch {
    return false;
  }
}

/** What a clock in a zone shows. */
export function wallOf(at: number, zone: string): Wall {
  const parts = Object.fromEntries(formatter(zone).formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
  const day = `${parts["year"]}-${parts["month"]}-${parts["day"]}`;
  const [hour, minute] = [Number(parts["hour"]), Number(parts["minute"])];
  return { day, time: `${parts["hour"]}:${parts["minute"]}`, weekday: weekdayOf(day), minutes: hour * 60 + minute };
}

function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
}

/** Minutes by which a zone's clocks are ahead of UTC. */
export function offsetOf(at: number, zone: string): number {
  const wall = wallOf(at, zone);
  const shown = Date.parse(`${wall.day}T${wall.time}:00Z`);
  return Math.round((shown - Math.floor(at / MINUTE_MS) * MINUTE_MS) / MINUTE_MS);
}

/** `UTC+5`, `UTC−3:30`, `UTC`. */
export function offsetName(at: number, zone: string): string {
  const offset = offsetOf(at, zone);
  if (offset === 0) return "UTC";
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `UTC${offset < 0 ? "\u2212" : "+"}${hours}${minutes ? `:${String(minutes).padStart(2, "0")}` : ""}`;
}

/** The moment at which a clock in a zone shows a day and a time; a time that is left out in spring is the one after it. */
export function instantOf(day: string, time: string, zone: string): Date {
  const shown = Date.parse(`${day}T${time}:00Z`);
  const guess = shown - offsetOf(shown, zone) * MINUTE_MS;
  return new Date(shown - offsetOf(guess, zone) * MINUTE_MS);
}

export interface Span {
  /** Minutes from midnight. */
  readonly since: number;
  readonly until: number;
}

/** Hours by a clock: for each weekday from Monday, and other hours on some days. */
export interface Hours {
  readonly zone: string;
  readonly week: readonly (readonly Span[])[];
  readonly days?: Readonly<Record<string, readonly Span[]>>;
}

/** `09:00-18:00` as minutes; null: it is no span. */
export function spanOf(text: string): Span | null {
  const found = /^(\d\d?):(\d\d)\s*[-\u2013]\s*(\d\d?):(\d\d)$/.exec(text.trim());
  if (!found) return null;
  const [since, until] = [Number(found[1]) * 60 + Number(found[2]), Number(found[3]) * 60 + Number(found[4])];
  return until > since ? { since, until } : null;
}

function spansOf(hours: Hours, wall: Wall): readonly Span[] {
  return hours.days?.[wall.day] ?? hours.week[wall.weekday] ?? [];
}

export type Fit = "fits" | "before" | "after" | "closed";

/** How a moment stands to some hours: before the day begins, after it ends (also in a pause), or on a closed day. */
export function fitOf(at: number, hours: Hours): Fit {
  const wall = wallOf(at, hours.zone);
  const spans = spansOf(hours, wall);
  if (spans.length === 0) return "closed";
  if (spans.some((span) => span.since <= wall.minutes && wall.minutes < span.until)) return "fits";
  return spans.every((span) => wall.minutes < span.since) ? "before" : "after";
}

/** When the day of a moment begins and ends by some hours, as `09:00`; null: closed. */
export function dayOf(at: number, hours: Hours): { readonly since: string; readonly until: string } | null {
  const spans = spansOf(hours, wallOf(at, hours.zone));
  if (spans.length === 0) return null;
  return { since: clockOf(Math.min(...spans.map((span) => span.since))), until: clockOf(Math.max(...spans.map((span) => span.until))) };
}

export function clockOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The next moment from `at` on, by half hours, that suits all; null: none within two weeks. */
export function nearest(at: number, all: readonly (Hours | null)[]): number | null {
  const hours = all.filter((one) => one !== null);
  const step = STEP_MINUTES * MINUTE_MS;
  const last = at + DAYS_LOOKED_AT * DAY_MS;
  for (let moment = Math.ceil(at / step) * step; moment <= last; moment += step) {
    if (hours.every((one) => fitOf(moment, one) === "fits")) return moment;
  }
  return null;
}

export interface Warning {
  /** Whose hours it lies outside of. */
  readonly whose: "client" | "own";
  readonly fit: Exclude<Fit, "fits">;
  /** What his or our clock shows then. */
  readonly clock: string;
  /** When the day begins and ends there; null: closed that day. */
  readonly day: { readonly since: string; readonly until: string } | null;
  /** A moment that suits both. */
  readonly instead: number | null;
}

/** What is wrong with a moment for the client, else for us; null: nothing. */
export function warningOf(at: number, client: Hours | null, own: Hours | null): Warning | null {
  for (const [whose, hours] of [["client", client], ["own", own]] as const) {
    if (!hours) continue;
    const fit = fitOf(at, hours);
    if (fit === "fits") continue;
    const { time } = wallOf(at, hours.zone);
    return { whose, fit, clock: time, day: dayOf(at, hours), instead: nearest(at, [client, own]) };
  }
  return null;
}

/** What is proposed for a next step: ten in the morning of the client's next working day, if it suits us too. */
export function proposal(now: number, zone: string, client: Hours | null, own: Hours | null): { day: string; time: string } {
  const morning = instantOf(wallOf(now + DAY_MS, zone).day, "10:00", zone).getTime();
  const weekdays: Hours = { zone, week: [0, 1, 2, 3, 4].map(() => [{ since: 600, until: 1440 }]) };
  const { day, time } = wallOf(nearest(morning, [client ?? weekdays, own]) ?? morning, zone);
  return { day, time };
}

/** A typed time as `09:05`: `9`, `9:5`, `905`, `9.05`; null: it is none. */
export function timeOf(text: string): string | null {
  const found = /^\s*(?:(\d{1,2})[:.,\s](\d{1,2})|(\d{1,2})(\d\d)|(\d{1,2}))\s*$/.exec(text);
  if (!found) return null;
  const [hours, minutes] = [Number(found[1] ?? found[3] ?? found[5]), Number(found[2] ?? found[4] ?? 0)];
  return hours < 24 && minutes < 60 ? clockOf(hours * 60 + minutes) : null;
}
