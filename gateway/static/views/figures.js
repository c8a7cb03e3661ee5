/* Figures by manager: the goal of the day, and sums that each open into the calls behind them. Period and opened figure
   stand in the address. What each figure means is written in docs/metrics.md. */

import { api } from "../api.js";
import { briefRow } from "../callrow.js";
import { h, fill, icon } from "../dom.js";
import { count, day, daysAfter, duration, sum } from "../format.js";
import { everybody, userName } from "../names.js";
import { failed, load, nothing } from "../panel.js";
import { go, note, withQuery } from "../router.js";
import { t } from "../words.js";

const PAGE = 50;
const EVERYBODY_DAYS = 31;
const COLUMNS = [
  { word: "in", figure: "calls", direction: "inbound" },
  { word: "out", figure: "calls", direction: "outbound" },
  { word: "answered", figure: "answered" },
  { word: "missed", figure: "missed", tone: "miss" },
  { word: "not_taken", figure: "not_taken" },
  { word: "lost", figure: "lost", tone: "miss" },
  { word: "talk", figure: "talk_seconds", write: (row) => sum(row.talk_seconds) },
  { word: "wait", figure: "wait_seconds", write: (row) => (row.answered ? duration(row.wait_seconds / row.answered) : "–") },
  { word: "numbers", figure: "numbers", distinct: true },
];
const COMPANY = ["calls", "answered", "missed", "lost", "talk_seconds"];

/** The view at `/figures`. */
export function figures(site, { query }) {
  const given = { period: query.get("period") ?? "today", since: query.get("since") ?? "", until: query.get("until") ?? "" };
  const host = h("div", { class: "stack" });
  const side = h("aside", { class: "side drill", "aria-label": t("calls"), hidden: true });
  const span = h("span", { class: "dim" });
  let stopDrill = () => {};
  let stop = load(host, (signal) => ask(site, given, signal), draw);
  let timer = 0;

  function draw(found) {
    fill(span, found.since === found.until ? day(found.since + "T12:00:00") : `${day(found.since + "T12:00:00")} – ${day(found.until + "T12:00:00")}`);
    fill(host, company(found, opener), table(site, found, opener), notes(site, found));
    const opened = new URLSearchParams(location.search).get("open");
    if (opened) open(found, opened);
  }

  /** A figure that opens its calls. */
  function opener(found, words, key, tone = "") {
    return h("button", { class: `figure ${tone}`, type: "button", "data-open": key, "data-row": true, onclick: () => (note({ open: key }), open(found, key)) }, words);
  }

  /** Show the calls behind a figure; key: `USER.FIGURE.DIRECTION.DAY`, `company` for the user. */
  function open(found, key) {
    const [user, figure, direction, onDay] = key.split(".");
    stopDrill();
    for (const button of host.querySelectorAll("[data-open]")) button.setAttribute("aria-pressed", String(button.dataset.open === key));
    const list = h("ul", { class: "rows" });
    const calls = h("div", null);
    const path = user === "company" ? "/statistics/company/calls" : `/statistics/managers/${Number(user)}/calls`;
    const asked = { figure, direction, since: onDay || found.since, until: onDay || found.until, limit: PAGE };
    side.hidden = false;
    const word = COLUMNS.find((c) => c.figure === figure && (c.direction ?? "") === direction)?.word ?? { numbers_long: "long", calls: "company.calls", talk_seconds: "talk" }[figure] ?? figure;
    fill(
      side,
      h(
        "div",
        { class: "sub-head" },
        h("h2", { class: "cut" }, `${t(`fig.${word}`)} · ${user === "company" ? t("fig.company") : userName(Number(user))}`),
        h("button", { class: "button ghost", type: "button", "aria-label": t("close"), onclick: close }, icon("close")),
      ),
      h("p", { class: "part definition" }, definition(found, user, figure, word)),
      calls,
    );
    stopDrill = load(calls, (signal) => api(path, { query: asked, signal }), (answer) => {
      fill(list);
      fill(calls, answer.items.length ? [list, more(answer)] : nothing(t("calls.empty")));
    });

    function more(answer) {
      list.append(...answer.items.map((item) => (item.call ? briefRow(item.call, { part: item }) : briefRow(item))));
      const foot = h("div", { class: "foot" });
      if (!answer.next) return fill(foot, h("span", { class: "dim" }, t("fig.calls", { n: list.children.length })));
      const next = async () => {
        try {
          foot.replaceWith(more(await api(path, { query: { ...asked, cursor: answer.next } })));
        } catch (fault) {
          fill(foot, failed(fault, next));
        }
      };
      return fill(foot, h("button", { class: "button", type: "button", "data-row": true, onclick: next }, t("more")));
    }
  }

  function close() {
    if (side.hidden) return false;
    const opened = host.querySelector('[data-open][aria-pressed="true"]');
    opened?.setAttribute("aria-pressed", "false");
    side.hidden = true;
    stopDrill();
    note({ open: "" });
    opened?.focus();
    return true;
  }

  /** Figures move when a call has ended; they are read again at rest, in place. */
  function counted({ detail }) {
    if (detail?.kind !== "call.ended" || given.period !== "today" || !side.hidden) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      stop();
      stop = load(host, (signal) => ask(site, given, signal), draw);
    }, 1000);
  }

  site.live.addEventListener("calls", counted);
  return {
    title: t("figures"),
    kind: "split",
    node: [
      h("div", { class: "column" }, h("header", { class: "head-line" }, h("h1", null, t("figures")), periods(given), span), h("div", { class: "inset" }, host)),
      side,
    ],
    keys: { Escape: close },
    leave() {
      clearTimeout(timer);
      stop();
      stopDrill();
      site.live.removeEventListener("calls", counted);
    },
  };
}

/** Everything a period's table needs, in one go. */
async function ask(site, given, signal) {
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
    get("/managers", { ...days, distinct: few }),
    get("/managers", { ...days, direction: "inbound", distinct: false }),
    get("/managers", { ...days, direction: "outbound", distinct: false }),
    few ? get("/managers", { ...days, direction, by: since === until ? "total" : "day" }) : { items: [] },
    site.may("statistics.read_all") ? get("/company", days) : null,
  ]);
  const of = (report) => new Map(report.items.map((row) => [row.user, row]));
  const [by, ins, outs] = [of(all), of(inbound), of(outbound)];
  const shown = site.may("statistics.read_all") ? everybody().filter((p) => p.role === "manager" || by.has(p.id)).map((p) => p.id) : [site.me.user?.id];
  const rows = [...new Set([...shown, ...by.keys()])].filter((id) => id !== undefined).map((id) => ({
    user: id,
    all: by.get(id),
    calls: { inbound: ins.get(id)?.calls ?? 0, outbound: outs.get(id)?.calls ?? 0 },
    long: few ? perDay(towards.items.filter((row) => row.user === id), since, until, direction) : null,
  }));
  rows.sort((a, b) => total(b.long) - total(a.long) || userName(a.user).localeCompare(userName(b.user)));
  return { since, until, today, goal, direction, seconds: all.long_seconds, rows, firm, few };
}

/** Distinct clients with a long talk by day; several directions of a day cannot be added up, the greatest is shown. */
function perDay(found, since, until, direction) {
  if (since === until) return [[since, found[0]?.numbers_long ?? 0]];
  const days = [];
  for (let at = since; at <= until; at = daysAfter(at, 1)) {
    const those = found.filter((row) => row.day === at && (!direction || row.direction === direction));
    days.push([at, Math.max(0, ...those.map((row) => row.numbers_long ?? 0))]);
  }
  return days;
}

function total(days) {
  return (days ?? []).reduce((whole, [, n]) => whole + n, 0);
}

function periods(given) {
  const pressed = (name) => String(given.period === name);
  const choose = (changes) => go(withQuery({ open: "", ...changes }));
  const button = (name, word) => h("button", { type: "button", "aria-pressed": pressed(name), onclick: () => choose({ period: name === "today" ? "" : name, since: "", until: "" }) }, t(word));
  const date = (name) => h("label", { class: "date" }, h("span", null, t(`filter.${name}`)), h("input", { class: "field", type: "date", value: given[name], onchange: (event) => choose({ [name]: event.target.value }) }));
  return h("div", { class: "periods" }, h("div", { class: "seg", role: "group", "aria-label": t("filter.period") }, button("today", "filter.today"), button("week", "filter.week"), button("dates", "filter.dates")), given.period === "dates" && [date("since"), date("until")]);
}

function company(found, opener) {
  if (!found.firm) return null;
  const whole = Object.fromEntries(COMPANY.map((name) => [name, found.firm.items.reduce((n, row) => n + row[name], 0)]));
  const words = { calls: "company.calls", talk_seconds: "talk" };
  return h(
    "dl",
    { class: "strip" },
    COMPANY.map((name) => {
      const value = name === "talk_seconds" ? sum(whole[name]) : count(whole[name]);
      const tone = ["missed", "lost"].includes(name) && whole[name] ? "miss" : "";
      return h("div", null, h("dt", null, t(`fig.${words[name] ?? name}`)), h("dd", { class: "t" }, whole[name] ? opener(found, value, `company.${name}..`, tone) : h("span", { class: "dim" }, value)));
    }),
  );
}

function table(site, found, opener) {
  if (found.wrong) return nothing(t("fig.order"));
  if (!found.rows.some((row) => row.all) && !found.goal) return nothing(t("fig.empty"), t("fig.empty.next"));
  const wanted = found.goal?.count;
  const head = [
    h("th", { scope: "col" }, t("fig.manager")),
    wanted && found.few && h("th", { scope: "col" }, t("fig.goal", { n: wanted, for: duration(found.seconds) })),
    COLUMNS.map((column) => h("th", { scope: "col", class: "num" }, t(`fig.${column.word}`))),
  ];
  const body = found.rows.map((row) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, h("span", { class: "cut" }, userName(row.user))),
      wanted && found.few && h("td", { class: "goal-cell" }, goal(found, row, opener)),
      COLUMNS.map((column) => h("td", { class: "num t", "data-label": t(`fig.${column.word}`) }, cell(found, row, column, opener))),
    ),
  );
  return h("div", { class: "table scroll" }, h("table", { class: "figures" }, h("thead", null, h("tr", null, head)), h("tbody", null, body)));
}

function cell(found, row, column, opener) {
  const value = column.direction ? row.calls[column.direction] : row.all?.[column.figure];
  if (value === null) return "–";
  const words = column.write && row.all ? column.write(row.all) : count(value ?? 0);
  if (!value) return h("span", { class: "dim" }, words === "–" ? "–" : "0");
  return opener(found, words, `${row.user}.${column.figure}.${column.direction ?? ""}.`, column.tone);
}

/** Progress of a day as a bar, of several days as a column for each. */
function goal(found, row, opener) {
  const wanted = found.goal.count;
  const key = (date) => `${row.user}.numbers_long.${found.direction ?? ""}.${date}`;
  if (row.long.length === 1) {
    const [[date, done]] = row.long;
    const share = `${Math.min(100, (done / wanted) * 100)}%`;
    const bar = h("span", { class: `bar ${done >= wanted ? "reached" : ""}`, role: "img", "aria-label": `${done} ${t("fig.of", { n: wanted })}` }, h("i", { style: { width: share } }));
    return h("span", { class: "goal" }, bar, done ? opener(found, count(done), key(date)) : h("span", { class: "dim" }, "0"), h("small", null, t("fig.of", { n: wanted })));
  }
  const most = Math.max(wanted, ...row.long.map(([, n]) => n));
  const columns = row.long.map(([date, n]) => {
    const label = `${day(date + "T12:00:00")}: ${n}`;
    const button = opener(found, h("i", { style: { height: `${(n / most) * 100}%` } }), key(date));
    button.className = `day-bar ${n >= wanted ? "reached" : ""}`;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.disabled = !n;
    return button;
  });
  const reached = row.long.filter(([, n]) => n >= wanted).length;
  return h("span", { class: "goal" }, h("span", { class: "days" }, columns), h("small", null, t("fig.days", { n: reached })));
}

function definition(found, user, figure, word) {
  if (user === "company") return t(`def.company.${figure}`);
  if (figure === "calls") return t(word === "in" || word === "out" ? `def.${word}` : "def.calls");
  return t(`def.${figure}`, { for: duration(found.seconds) });
}

function notes(site, found) {
  return h("div", { class: "notes" }, !site.may("statistics.read_all") && h("p", null, t("fig.mine")), !found.few && h("p", null, t("fig.many")));
}
