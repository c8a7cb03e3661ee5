/* Moments, durations and telephone numbers as a person reads them. */

import { locale, t } from "./words.js";

const NBSP = "\u00a0";

/** Seconds as `0:07`, `12:48`, `1:02:10`; null as a dash. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/** A sum of seconds as `2 h 14 min`, `14 min`, `40 s`. */
export function sum(seconds) {
  const minutes = Math.floor((seconds ?? 0) / 60);
  if (minutes < 1) return t("unit.s", { n: Math.floor(seconds ?? 0) });
  if (minutes < 60) return t("unit.min", { n: minutes });
  return t("unit.h", { n: Math.floor(minutes / 60) }) + NBSP + t("unit.min", { n: minutes % 60 });
}

const made = new Map();
function formatter(name, options) {
  const key = name + locale();
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(locale(), options));
  return made.get(key);
}

/** `14:26` in the browser's zone. */
export function clock(moment) {
  return formatter("clock", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(moment));
}

/** `14:26:05` in the browser's zone. */
export function exact(moment) {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return formatter("exact", options).format(new Date(moment));
}

/** `Sat 21 Nov`, with the year when it is not this one. */
export function day(moment) {
  const date = moment instanceof Date ? moment : new Date(moment);
  const old = date.getFullYear() !== new Date().getFullYear();
  const options = { weekday: "short", day: "numeric", month: "short", ...(old ? { year: "numeric" } : {}) };
  return formatter("day" + old, options).format(date);
}

/** `Today`, `Yesterday` or the day. */
export function dayName(moment) {
  const distance = Math.round((midnight(Date.now()) - midnight(moment)) / 86400000);
  return distance === 0 ? t("today") : distance === 1 ? t("yesterday") : day(moment);
}

/** `14:26` of today, else `21 Nov, 14:26`. */
export function when(moment) {
  if (midnight(moment) === midnight(Date.now())) return clock(moment);
  return formatter("short", { day: "numeric", month: "short" }).format(new Date(moment)) + ", " + clock(moment);
}

/** The first moment of a day in the browser's zone, in milliseconds. */
export function midnight(moment) {
  return new Date(moment).setHours(0, 0, 0, 0);
}

/** A day as `2026-11-22`, as the API and a date field write it. */
export function isoDay(date) {
  const pad = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** The day so many days after another one. */
export function daysAfter(iso, days) {
  const date = new Date(iso + "T12:00:00");
  date.setDate(date.getDate() + days);
  return isoDay(date);
}

const GROUPS = [
  [/^\+7(\d{3})(\d{3})(\d{2})(\d{2})$/, "+7 $1 $2-$3-$4"],
  [/^\+48([5-8]\d{2})(\d{3})(\d{3})$/, "+48 $1 $2 $3"],
  [/^\+48(\d{2})(\d{3})(\d{2})(\d{2})$/, "+48 $1 $2 $3 $4"],
  [/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3"],
  [/^\+44(\d{2})(\d{4})(\d{4})$/, "+44 $1 $2 $3"],
  [/^\+(\d{2,3})(\d{3})(\d{3})(\d{3})$/, "+$1 $2 $3 $4"],
];

/** An E.164 number in groups that are not torn apart at a line's end. */
export function phone(number) {
  if (!number) return "";
  if (!number.startsWith("+")) return number;
  const [pattern, groups] = GROUPS.find(([p]) => p.test(number)) ?? [];
  const text = pattern ? number.replace(pattern, groups) : number.replace(/(\d)(?=(\d{3})+$)/g, "$1 ");
  return text.replaceAll(" ", NBSP).replaceAll("-", "\u2011");
}

/** A whole number in the reader's way of writing. */
export function count(n) {
  return new Intl.NumberFormat(locale()).format(n);
}
