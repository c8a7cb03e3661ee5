/* The figures of a period, read in one go: sums by manager and direction, the company's, and the way to the goal. */

import { api } from "./api.js";
import { daysAfter } from "./format.js";
import { everybody, userName } from "./names.js";

const EVERYBODY_DAYS = 31;

/** Everything a period's table needs, in one go. */
export async function readReport(site, given, signal) {
  const get = (path, query) => api(`/statistics${path}`, { query, signal });
  const goal = site.me.user ? await get("/goal", {}) : null;
  const today = goal?.day ?? (await get("/managers", {})).since;
  const since = given.since || (given.period === "week" ? daysAfter(today, -6) : today);
  const until = given.until || (given.since && given.since > today ? given.since : today);
  if (until < since) return { wrong: true, since, until, rows: [] };
  const days = { since, until };
  const direction = goal && goal.direction !== "both" ? goal.direction : undefined;
  const few = since === until || daysAfter(since, EVERYBODY_DAYS) > until;
  const [all, inbound, outbound, towards, firm] = await Promise.all([
    get("/managers", days),
    get("/managers", { ...days, direction: "inbound", distinct: false }),
    get("/managers", { ...days, direction: "outbound", distinct: false }),
    few ? longByDay(get, since, until, direction) : [],
    site.may("statistics.read_all") ? get("/company", days) : null,
  ]);
  const of = (report) => new Map(report.items.map((row) => [row.user, row]));
  const [by, ins, outs] = [of(all), of(inbound), of(outbound)];
  const shown = site.may("statistics.read_all")
    ? everybody()
        .filter((p) => p.role === "manager" || by.has(p.id))
        .map((p) => p.id)
    : [site.me.user?.id];
  const rows = [...new Set([...shown, ...by.keys()])]
    .filter((id) => id !== undefined)
    .map((id) => ({
      user: id,
      all: by.get(id),
      calls: { inbound: ins.get(id)?.calls ?? 0, outbound: outs.get(id)?.calls ?? 0 },
      long: few ? towards.map(([day, by]) => [day, by.get(id) ?? 0]) : null,
    }));
  rows.sort((a, b) => total(b.long) - total(a.long) || userName(a.user).localeCompare(userName(b.user)));
  return { since, until, today, goal, direction, seconds: all.long_seconds, rows, firm, few };
}

/** Distinct clients with a long talk, by day and manager; those of two directions cannot be added up, so where both
   count, each day is asked for by itself. */
async function longByDay(get, since, until, direction) {
  const days = [];
  for (let at = since; at <= until; at = daysAfter(at, 1)) days.push(at);
  const of = (rows) => new Map(rows.map((row) => [row.user, row.numbers_long ?? 0]));
  if (!direction || days.length === 1) {
    const reports = await Promise.all(days.map((at) => get("/managers", { since: at, until: at, direction })));
    return days.map((at, place) => [at, of(reports[place].items)]);
  }
  const { items } = await get("/managers", { since, until, direction, by: "day" });
  return days.map((at) => [at, of(items.filter((row) => row.day === at && row.direction === direction))]);
}

function total(days) {
  return (days ?? []).reduce((whole, [, n]) => whole + n, 0);
}
