/* Why a call is what it is: its legs drawn over time, and the journal's rows one by one, in plain words. */

import { api } from "./api.js";
import { h, fill, tame } from "./dom.js";
import { duration, exact, phone } from "./format.js";
import { managerName } from "./names.js";
import { load } from "./panel.js";
import { has, t } from "./words.js";

const HINTS = ["ran", "stopped"];

/** The explanation of a call.
 * @returns {{node: Element, leave: Function}}
 */
export function rows(call) {
  const node = h("section", { class: "explained", "aria-label": t("call.rows") });
  const stop = load(
    node,
    (signal) => api(`/calls/${call.id}/events`, { signal }),
    ({ items }) => draw(node, call, items),
  );
  return { node, leave: stop };
}

function draw(node, call, events) {
  if (!events.length) return fill(node, h("p", { class: "part dim" }, t("rows.empty")));
  const begin = Date.parse(events[0].at);
  const body = h(
    "tbody",
    null,
    events.map((event) => row(call, event, begin)),
  );
  const table = h(
    "table",
    { class: "journal" },
    h(
      "thead",
      { class: "unseen" },
      h(
        "tr",
        null,
        ["column.time", "column.managers", "column.state", "who.leg"].map((key) => h("th", { scope: "col" }, t(key))),
      ),
    ),
    body,
  );
  const hints = events.some((event) => HINTS.includes(event.kind));
  const all = h("input", {
    type: "checkbox",
    onchange: (event) => table.classList.toggle("with-hints", event.target.checked),
  });
  return fill(
    node,
    legs(call, events, begin),
    h(
      "div",
      { class: "text-head" },
      h("small", { class: "cut" }, t("rows.note")),
      hints && h("label", { class: "follow" }, all, t("rows.all")),
    ),
    h("div", { class: "scroll" }, table),
  );
}

function row(call, event, begin) {
  const technical = [event.channel, event.bridge && `⋈ ${event.bridge.slice(0, 8)}`].filter(Boolean).join("  ");
  return h(
    "tr",
    { class: HINTS.includes(event.kind) ? "hint" : null },
    h("td", { class: "t dim", title: exact(event.at) }, `+${((Date.parse(event.at) - begin) / 1000).toFixed(3)}`),
    h("td", { class: `role ${event.role ?? ""}` }, who(call, event)),
    h("td", null, words(event), event.is_own && h("small", { class: "dim" }, ` · ${t("rows.own")}`)),
    h("td", { class: "dim mono cut", title: technical }, tame(technical, 120)),
  );
}

function who(call, event) {
  if (event.role === "manager" && event.extension) return managerName(call, event.extension);
  if (event.role && has(`who.${event.role}`)) return t(`who.${event.role}`, { n: "" }).trim();
  return t("who.leg");
}

/** A row of the journal in a sentence. */
function words({ kind, cause, details }) {
  const to = tame(details.target || details.exten, 40);
  if (kind === "started" && to && to !== "s") return t("row.dialled", { to: phone(to) });
  if (kind === "hung_up" && cause) return t("row.hung_up.cause", { n: cause });
  return t(`row.${kind}`, { to: to || "–", app: tame(details.app, 40) });
}

/** Whether a leg came by itself and dialled: his own phone does not ring for it. */
function dials({ details }) {
  return Boolean(details.exten) && details.exten !== "s";
}

/** Each leg as a bar: ringing, standing alone, talking in a bridge with somebody. */
function legs(call, events, begin) {
  const end = Math.max(...events.map((event) => Date.parse(event.at)), begin + 1);
  const known = new Map();
  for (const event of events) {
    if (event.role === null || event.role === "local") continue;
    const leg = known.get(event.leg) ?? {
      event,
      from: Date.parse(event.at),
      until: end,
      spans: [],
      joined: null,
      answered: null,
      dialling: dials(event),
    };
    known.set(event.leg, leg);
    const at = Date.parse(event.at);
    if (event.kind === "answered") leg.answered ??= at;
    if (event.kind === "joined") leg.joined ??= at;
    if (event.kind === "left" && leg.joined !== null) {
      leg.spans.push([leg.joined, at]);
      leg.joined = null;
    }
    if (event.kind === "ended" || event.kind === "lost") leg.until = at;
  }
  const place = (from, until) => ({
    left: `${((from - begin) / (end - begin)) * 100}%`,
    width: `${Math.max(0.4, ((until - from) / (end - begin)) * 100)}%`,
  });
  const bars = [...known.values()].map((leg) => {
    if (leg.joined !== null) leg.spans.push([leg.joined, leg.until]);
    const rings = leg.event.role === "manager" && !leg.dialling ? [leg.from, leg.answered ?? leg.until] : null;
    return h(
      "li",
      null,
      h("span", { class: `cut role ${leg.event.role}` }, who(call, leg.event)),
      h(
        "span",
        { class: "lane" },
        h("i", { class: "leg", style: place(leg.from, leg.until) }),
        rings && h("i", { class: "rang", style: place(...rings) }),
        leg.spans.map(([from, until]) => h("i", { class: "talked", style: place(from, until) })),
      ),
      h("span", { class: "t dim" }, duration((leg.until - leg.from) / 1000)),
    );
  });
  const key = ["rows.waits", "call.ring", "call.talk"].map((word, at) =>
    h("span", null, h("i", { class: ["leg", "rang", "talked"][at] }), t(word)),
  );
  return [h("ul", { class: "legs" }, bars), h("p", { class: "legend", "aria-hidden": "true" }, key)];
}
