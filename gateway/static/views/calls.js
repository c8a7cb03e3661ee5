/* The list of calls: filters in the address, pages behind each other, news that waits until it is asked for. */

import { api } from "../api.js";
import { callHead, callRow } from "../callrow.js";
import { h, fill } from "../dom.js";
import { day, isoDay, midnight } from "../format.js";
import { everybody } from "../names.js";
import { failed, load, nothing } from "../panel.js";
import { go, withQuery } from "../router.js";
import { t } from "../words.js";

const PAGE = 50;
const DIRECTIONS = ["inbound", "outbound"];
const RESULTS = ["answered", "missed", "busy", "no_answer", "cancelled", "failed", "lost_in_transfer"];
const KINDS = ["client", "internal", "through", "service", "all"];
const FILTERS = ["period", "since", "until", "direction", "result", "manager", "kind", "find", "contact"];

/** The view at `/calls`. */
export function calls(site, { query }) {
  const given = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const list = h("ul", { class: "rows", "aria-label": t("calls") });
  const news = h("button", {
    class: "button news",
    type: "button",
    hidden: true,
    onclick: () => (stop(), (stop = first())),
  });
  const table = h("div", { class: "table" });
  const fresh = new Set();
  let stop = first();

  function first() {
    fresh.clear();
    news.hidden = true;
    return load(
      table,
      (signal) => page(null, signal),
      (answer) => {
        fill(list);
        if (!answer.items.length) return fill(table, none());
        return fill(table, callHead(), list, more(answer));
      },
    );
  }

  /** Ask for a page; text that is no number is looked for in what was said. */
  async function page(cursor, signal) {
    const asked = { ...filters(given), limit: PAGE, cursor };
    const text = given.find.trim();
    if (!text) return api("/calls", { query: asked, signal });
    if (!/^[+\d\s().-]+$/.test(text)) return api("/calls", { query: { ...asked, q: text }, signal });
    return api("/calls", { query: { ...asked, number: text }, signal }).catch((fault) => {
      if (fault.slug !== "invalid-request") throw fault;
      return api("/calls", { query: { ...asked, q: text }, signal });
    });
  }

  function more(answer) {
    const words = given.find && /\p{L}/u.test(given.find) ? `?find=${encodeURIComponent(given.find)}` : "";
    let last = list.lastElementChild?.dataset.day ?? "";
    for (const call of answer.items) {
      const date = day(call.started_at);
      if (date !== last && given.period !== "today") list.append(h("li", { class: "day" }, heading(call.started_at)));
      const row = callRow(call, { query: words });
      row.dataset.day = last = date;
      list.append(row);
    }
    const foot = h("div", { class: "foot" });
    if (!answer.next) return fill(foot, h("span", { class: "dim" }, t("calls.end")));
    const button = h("button", { class: "button", type: "button", "data-row": true, onclick: next }, t("more"));
    async function next() {
      button.disabled = true;
      try {
        const following = await page(answer.next);
        foot.replaceWith(more(following));
      } catch (fault) {
        fill(foot, failed(fault, next));
      }
    }
    return fill(foot, button);
  }

  function heading(moment) {
    const distance = midnight(Date.now()) - midnight(moment);
    return distance < 86400000 * 0.5 ? t("today") : distance < 86400000 * 1.5 ? t("yesterday") : day(moment);
  }

  function none() {
    const filtered = FILTERS.some((name) => given[name]);
    if (!filtered) return nothing(t("calls.none"), t("calls.none.next"));
    return nothing(t("calls.empty"), "", h("a", { class: "button", href: "/calls" }, t("clear")));
  }

  function heard({ detail }) {
    if (detail?.kind !== "call.ended" || detail.body.kind !== "client") return;
    fresh.add(detail.body.id);
    news.hidden = false;
    fill(news, t("calls.new", { n: fresh.size }));
  }

  site.live.addEventListener("calls", heard);
  return {
    title: t("calls"),
    node: [
      h(
        "header",
        { class: "head-line" },
        h("h1", null, t("calls")),
        given.contact && h("span", { class: "tag acc" }, t("calls.contact")),
        news,
      ),
      h("div", { class: "inset" }, bar(site, given), table),
    ],
    leave() {
      stop();
      site.live.removeEventListener("calls", heard);
    },
  };
}

/** What the filters mean to the API. */
function filters(given) {
  const today = midnight(Date.now());
  const from = { today, week: new Date(today).setDate(new Date(today).getDate() - 6) }[given.period];
  const since = given.since ? new Date(given.since + "T00:00:00") : from ? new Date(from) : null;
  const until = given.until ? new Date(given.until + "T00:00:00") : null;
  until?.setDate(until.getDate() + 1);
  return {
    since: since?.toISOString(),
    until: until?.toISOString(),
    direction: given.direction,
    result: given.result,
    manager: given.manager,
    contact: given.contact,
    kind: given.kind || (given.contact ? "all" : "client"),
  };
}

function bar(site, given) {
  const set = (changes) => go(withQuery(changes));
  const period = (name) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String((given.period || "any") === name),
        onclick: () => set({ period: name === "any" ? "" : name, since: "", until: "" }),
      },
      t(`filter.${name}`),
    );
  const choose = (name, values, word) =>
    h(
      "select",
      { class: "field", "aria-label": t(`filter.${name}`), onchange: (event) => set({ [name]: event.target.value }) },
      name !== "kind" && h("option", { value: "" }, `${t(`filter.${name}`)}: ${t("all").toLowerCase()}`),
      values.map((value) =>
        h(
          "option",
          { value: name === "kind" && value === "client" ? "" : value, selected: String(value) === given[name] },
          word(value),
        ),
      ),
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
        max: isoDay(new Date()),
        onchange: (event) => set({ [name]: event.target.value }),
      }),
    );
  const field = h("input", {
    class: "field",
    type: "search",
    value: given.find,
    placeholder: t("filter.find"),
    "aria-label": t("filter.find"),
    maxlength: 200,
    "data-find": true,
  });
  const search = h("form", { class: "search", role: "search" }, field, h("kbd", { "aria-hidden": "true" }, "/"));
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    set({ find: field.value.trim() });
  });
  field.addEventListener("search", () => field.value === "" && given.find && set({ find: "" }));
  const people = everybody();
  return h(
    "div",
    { class: "filters" },
    h(
      "div",
      { class: "seg", role: "group", "aria-label": t("filter.period") },
      ["today", "week", "any", "dates"].map(period),
    ),
    given.period === "dates" && [date("since"), date("until")],
    choose("direction", DIRECTIONS, (value) => t(`direction.${value}`)),
    choose("result", RESULTS, (value) => t(`result.${value}`)),
    people.length > 1 &&
      choose(
        "manager",
        people.map((p) => p.id),
        (id) => people.find((p) => p.id === id).name,
      ),
    choose("kind", KINDS, (value) => t(`kind.${value}`)),
    search,
    FILTERS.some((name) => given[name]) && h("a", { class: "link", href: "/calls" }, t("clear")),
  );
}
