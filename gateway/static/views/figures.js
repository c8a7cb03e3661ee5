/* Figures by manager: the goal of the day, and sums that each open into the calls behind them. Period and opened figure
   stand in the address. What each figure means is written in docs/metrics.md. */

import { h, fill } from "../dom.js";
import { COLUMNS, drill } from "../drill.js";
import { count, day, duration, sum } from "../format.js";
import { userName } from "../names.js";
import { load, nothing } from "../panel.js";
import { readReport } from "../report.js";
import { go, note, withQuery } from "../router.js";
import { t } from "../words.js";

const COMPANY = ["calls", "answered", "missed", "lost", "talk_seconds"];

/** The view at `/figures`. */
export function figures(site, { query }) {
  const given = {
    period: query.get("period") ?? "today",
    since: query.get("since") ?? "",
    until: query.get("until") ?? "",
  };
  const host = h("div", { class: "stack" });
  const side = h("aside", { class: "side drill", "aria-label": t("calls"), hidden: true });
  const span = h("span", { class: "dim" });
  let stopDrill = () => {};
  let stop = load(host, (signal) => readReport(site, given, signal), draw);
  let timer = 0;

  function draw(found) {
    fill(
      span,
      found.since === found.until
        ? day(found.since + "T12:00:00")
        : `${day(found.since + "T12:00:00")} – ${day(found.until + "T12:00:00")}`,
    );
    fill(host, company(found, opener), table(site, found, opener), notes(site, found));
    const opened = new URLSearchParams(location.search).get("open");
    if (opened) open(found, opened);
  }

  /** A figure that opens its calls. */
  function opener(found, words, key, tone = "") {
    return h(
      "button",
      {
        class: `figure ${tone}`,
        type: "button",
        "data-open": key,
        "data-row": true,
        onclick: () => (note({ open: key }), open(found, key)),
      },
      words,
    );
  }

  function open(found, key) {
    stopDrill();
    for (const button of host.querySelectorAll("[data-open]")) {
      button.setAttribute("aria-pressed", String(button.dataset.open === key));
    }
    side.hidden = false;
    stopDrill = drill(side, found, key, close);
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
      stop = load(host, (signal) => readReport(site, given, signal), draw);
    }, 1000);
  }

  site.live.addEventListener("calls", counted);
  return {
    title: t("figures"),
    kind: "split",
    node: [
      h(
        "div",
        { class: "column" },
        h("header", { class: "head-line" }, h("h1", null, t("figures")), periods(given), span),
        h("div", { class: "inset" }, host),
      ),
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

function periods(given) {
  const pressed = (name) => String(given.period === name);
  const choose = (changes) => go(withQuery({ open: "", ...changes }));
  const button = (name, word) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": pressed(name),
        onclick: () => choose({ period: name === "today" ? "" : name, since: "", until: "" }),
      },
      t(word),
    );
  const date = (name) =>
    h(
      "label",
      { class: "date" },
      h("span", null, t(`filter.${name}`)),
      h("input", {
        class: "field",
        type: "date",
        value: given[name],
        onchange: (event) => choose({ [name]: event.target.value }),
      }),
    );
  return h(
    "div",
    { class: "periods" },
    h(
      "div",
      { class: "seg", role: "group", "aria-label": t("filter.period") },
      button("today", "filter.today"),
      button("week", "filter.week"),
      button("dates", "filter.dates"),
    ),
    given.period === "dates" && [date("since"), date("until")],
  );
}

function company(found, opener) {
  if (!found.firm) return null;
  const whole = Object.fromEntries(
    COMPANY.map((name) => [name, found.firm.items.reduce((n, row) => n + row[name], 0)]),
  );
  const words = { calls: "company.calls", talk_seconds: "talk" };
  return h(
    "dl",
    { class: "strip" },
    COMPANY.map((name) => {
      const value = name === "talk_seconds" ? sum(whole[name]) : count(whole[name]);
      const tone = ["missed", "lost"].includes(name) && whole[name] ? "miss" : "";
      return h(
        "div",
        null,
        h("dt", null, t(`fig.${words[name] ?? name}`)),
        h(
          "dd",
          { class: "t" },
          whole[name] ? opener(found, value, `company.${name}..`, tone) : h("span", { class: "dim" }, value),
        ),
      );
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
      COLUMNS.map((column) =>
        h("td", { class: "num t", "data-label": t(`fig.${column.word}`) }, cell(found, row, column, opener)),
      ),
    ),
  );
  return h(
    "div",
    { class: "table scroll" },
    h("table", { class: "figures" }, h("thead", null, h("tr", null, head)), h("tbody", null, body)),
  );
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
    const bar = h(
      "span",
      {
        class: `bar ${done >= wanted ? "reached" : ""}`,
        role: "img",
        "aria-label": `${done} ${t("fig.of", { n: wanted })}`,
      },
      h("i", { style: { width: share } }),
    );
    return h(
      "span",
      { class: "goal" },
      bar,
      done ? opener(found, count(done), key(date)) : h("span", { class: "dim" }, "0"),
      h("small", null, t("fig.of", { n: wanted })),
    );
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
  return h(
    "span",
    { class: "goal" },
    h("span", { class: "days" }, columns),
    h("small", null, t("fig.days", { n: reached })),
  );
}

function notes(site, found) {
  return h(
    "div",
    { class: "notes" },
    !site.may("statistics.read_all") && h("p", null, t("fig.mine")),
    !found.few && h("p", null, t("fig.many")),
  );
}
