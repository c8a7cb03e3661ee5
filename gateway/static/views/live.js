/* What goes on now: the open calls, kept in the order in which they began, and the card of the one that rings. */

import { api, now } from "../api.js";
import { callHead, callRow, managerNames, sign, tag } from "../callrow.js";
import { card, noCard } from "../card.js";
import { h, fill } from "../dom.js";
import { duration } from "../format.js";
import { clientWithNumber, stateOf } from "../names.js";
import { load, nothing } from "../panel.js";
import { go } from "../router.js";
import { everySecond, since } from "../tick.js";
import { t } from "../words.js";

const LAST = 12;
const WIDE = matchMedia("(min-width: 1000px)");

/** The view at `/`. */
export function live(site) {
  const rows = new Map();
  const state = h("span", { class: "live-state" });
  const figures = h("dl", { class: "strip" });
  const list = h("ul", { class: "rows", "aria-label": t("live.openof") });
  const board = h("div", { class: "board" });
  const last = h("div", { class: "last" });
  const side = h("aside", { class: "side", "aria-label": t("card") });
  let picked = null;
  let shown = "";
  let stopLast = readLast();

  function draw() {
    const calls = [...site.live.calls.values()].sort(
      (a, b) => a.started_at.localeCompare(b.started_at) || a.id.localeCompare(b.id),
    );
    fill(state, site.live.state === "live" ? [h("i", { class: "dot" }), t("live.now")] : t("connecting"));
    for (const id of rows.keys()) if (!site.live.calls.has(id)) rows.delete(id);
    for (const call of calls) if (rows.get(call.id)?.revision !== call.revision) rows.set(call.id, row(call));
    const wanted = calls.map((call) => rows.get(call.id).node);
    if (wanted.length !== list.children.length || wanted.some((node, at) => list.children[at] !== node))
      keepFocus(() => list.replaceChildren(...wanted));
    fill(
      board,
      calls.length ? [liveHead(), list] : site.live.state === "live" && nothing(t("live.empty"), t("live.empty.next")),
    );
    drawFigures(calls);
    popCard(calls);
    mark();
  }

  /** A row is made anew with each change of its call; who stood on it stays there. */
  function keepFocus(change) {
    const id = document.activeElement?.dataset?.call;
    change();
    if (id && document.activeElement?.dataset?.call !== id)
      list.querySelector(`[data-call="${CSS.escape(id)}"]`)?.focus();
  }

  function row(call) {
    const link = h(
      "a",
      { class: "row live-row", href: `/calls/${call.id}`, "data-row": true, "data-call": call.id, onclick: pick },
      sign(call),
      h("span", { class: "c-state" }, tag(call)),
      h("span", { class: "c-client" }, clientWithNumber(call)),
      h("span", { class: "c-managers cut" }, managerNames(call)),
      h("span", { class: "c-did cut t" }, call.did ?? ""),
      h(
        "span",
        { class: "c-talk" },
        since(call.state === "talking" ? (call.answered_at ?? call.started_at) : call.started_at),
      ),
    );
    return { revision: call.revision, node: h("li", null, link) };
  }

  /** On a wide screen a call is looked at beside the list; a second time, or on a narrow one, it is opened. */
  function pick(event) {
    const id = event.currentTarget.dataset.call;
    if (!WIDE.matches || event.ctrlKey || event.metaKey || event.shiftKey || picked === id) return;
    event.preventDefault();
    picked = id;
    draw();
  }

  function drawFigures(calls) {
    const ringing = calls.filter((call) => call.state === "ringing");
    const longest = h("dd", { class: "t" });
    everySecond(longest, () => {
      const begun = ringing.filter((c) => c.direction === "inbound").map((c) => Date.parse(c.started_at));
      longest.textContent = begun.length ? duration((now() - Math.min(...begun)) / 1000) : "–";
    });
    const figure = (word, value, tone) => h("div", { class: tone }, h("dt", null, t(word)), value);
    fill(
      figures,
      figure("live.ringing", h("dd", null, ringing.length), ringing.length ? "ring" : ""),
      figure("live.talking", h("dd", null, calls.length - ringing.length), calls.length > ringing.length ? "talk" : ""),
      figure("live.longest", longest, ""),
    );
  }

  /** The card of the call that was picked; else of one of mine; else of the newest that rings. */
  function popCard(calls) {
    const mine = (call) => call.managers.some((m) => m.user_id === site.me.user?.id);
    const ringing = calls.filter((call) => call.state === "ringing");
    const call = site.live.calls.get(picked) ?? calls.find(mine) ?? ringing.at(-1) ?? null;
    const what = call ? `${call.id} ${call.contact_id} ${stateOf(call)}` : "";
    if (!call && shown) return; // the card of a call that has just ended stays to be read
    if (what === shown && side.childElementCount) return;
    const same = shown.split(" ").slice(0, 2).join() === what.split(" ").slice(0, 2).join() && shown;
    if (!same) picked = call?.id ?? null;
    shown = what;
    const top =
      call &&
      h(
        "div",
        { class: `pop ${stateOf(call) === "talking" ? "talk" : "ring"}` },
        tag(call),
        h("a", { class: "button", href: `/calls/${call.id}` }, t("card.open")),
      );
    if (same && side.querySelector(".pop")) side.querySelector(".pop").replaceWith(top);
    else if (!call) fill(side, h("div", { class: "hint" }, nothing(t("card"), t("live.pick"))));
    else
      fill(
        side,
        top,
        call.contact_id === null
          ? noCard(call)
          : card(call.contact_id, { call: call.id, writable: site.may("contacts.write") }),
      );
  }

  function mark() {
    for (const link of list.querySelectorAll("[data-call]")) {
      if (link.dataset.call === picked) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function readLast() {
    const drawLast = ({ items }) =>
      fill(
        last,
        h(
          "div",
          { class: "sub-head" },
          h("h2", null, t("live.last")),
          h("a", { class: "link", href: "/calls" }, t("live.allcalls")),
        ),
        items.length
          ? h(
              "div",
              { class: "table" },
              callHead(),
              h(
                "ul",
                { class: "rows" },
                items.map((call) => callRow(call, { dated: true })),
              ),
            )
          : nothing(t("calls.none"), t("calls.none.next")),
      );
    return load(
      last,
      (signal) => api("/calls", { query: { state: "ended", limit: LAST, kind: "client" }, signal }),
      drawLast,
    );
  }

  function changed({ detail }) {
    draw();
    if (!detail || detail.kind === "call.ended") {
      stopLast();
      stopLast = readLast();
    }
  }

  site.live.addEventListener("calls", changed);
  site.live.addEventListener("state", draw);
  draw();
  return {
    title: t("live"),
    kind: "split live",
    node: [
      h(
        "div",
        { class: "column" },
        h("header", { class: "head-line" }, h("h1", null, t("live")), state),
        h("div", { class: "inset" }, figures, h("div", { class: "table" }, board), last),
      ),
      side,
    ],
    keys: { Enter: (event) => event.target === document.body && picked && go(`/calls/${picked}`) },
    leave() {
      stopLast();
      site.live.removeEventListener("calls", changed);
      site.live.removeEventListener("state", draw);
    },
  };
}

function liveHead() {
  const column = (name, kind) => h("span", { class: kind }, t(`column.${name}`));
  return h(
    "div",
    { class: "row live-row head", "aria-hidden": "true" },
    h("span", null),
    column("state", "c-state"),
    column("client", "c-client"),
    column("managers", "c-managers"),
    column("line", "c-did"),
    column("for", "c-talk"),
  );
}
