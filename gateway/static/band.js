/* The phone has one place: a band of one height on top of every view. A call of mine fills it; nothing opens over the
   work, and the focus stays where it is. */

import { api } from "./api.js";
import { h, fill, icon } from "./dom.js";
import { dialBox } from "./dial.js";
import { phone } from "./format.js";
import { clientName, managerName, nameOf, stateOf } from "./names.js";
import { reason } from "./panel.js";
import { everySecond, since } from "./tick.js";
import { t } from "./words.js";

const RANK = { talking: 0, ringing: 1, dialling: 2 };
const SIGNS = { ringing: "in", dialling: "out", talking: "phone" };

/** The band.
 * @param {{me: object, live: Live, say: Function, menu: Node}} site say: a sentence that cannot wait
 */
export function band(site) {
  const state = h("div", { class: "band-call" });
  const announced = new Set();
  const may = site.me.rights.includes("calls.originate");
  const box = may && dialBox();
  const host = h("section", { class: "band", "aria-label": t("phone.region") }, state, box, site.menu);
  const title = document.title;

  function draw() {
    const mine = calls(site);
    const call = mine[0];
    host.className = `band ${call ? `busy ${tone(call)}` : ""} ${site.live.state === "away" ? "offline" : ""}`;
    fill(state, site.live.state === "away" ? away(site.live) : call ? busy(site, call, mine.length - 1) : idle(site));
    announce(call);
  }

  function announce(call) {
    document.title =
      call && call.state === "ringing" ? `${t(`state.${stateOf(call)}`)}: ${nameOf(call)}` : (site.title ?? title);
    if (!call || stateOf(call) !== "ringing" || announced.has(call.id)) return;
    announced.add(call.id);
    site.say(t("incoming", { name: nameOf(call) }));
  }

  site.live.addEventListener("calls", draw);
  site.live.addEventListener("state", draw);
  host.leave = () => {
    site.live.removeEventListener("calls", draw);
    site.live.removeEventListener("state", draw);
  };
  draw();
  return host;
}

/** Open calls in which the caller has a part, the one he talks in first. */
function calls(site) {
  const me = site.me.user?.id;
  return [...site.live.calls.values()]
    .filter((call) =>
      call.managers.some(
        (m) =>
          m.user_id === me &&
          (call.state === "ringing" || m.talk_seconds > 0 || call.answered_by.includes(m.extension)),
      ),
    )
    .sort((a, b) => RANK[stateOf(a)] - RANK[stateOf(b)] || a.started_at.localeCompare(b.started_at));
}

function tone(call) {
  return stateOf(call) === "talking" ? "talk" : "ring";
}

function block(sign, word, below) {
  return h("div", { class: "block" }, icon(sign, 18), h("span", { class: "two" }, h("b", null, word), below));
}

function idle(site) {
  const n = site.live.calls.size;
  const many = n ? t("band.idle", { n }) : t("band.none");
  return [block("free", t("state.free"), null), h("div", { class: "who" }, h("span", { class: "dim cut" }, many))];
}

function away(live) {
  const words = h("span", { class: "cut" });
  everySecond(words, () => {
    words.textContent = t("away", { n: Math.max(0, Math.ceil((live.retryAt - Date.now()) / 1000)) });
  });
  return [
    block("warn", t("connecting"), null),
    h("div", { class: "who" }, words, h("button", { class: "link", type: "button", onclick: live.retry }, t("again"))),
  ];
}

function busy(site, call, further) {
  const others = call.managers.filter((m) => m.user_id !== site.me.user?.id);
  const names = others.map((m) => managerName(call, m.extension)).join(", ");
  const facts = [
    call.contact_id !== null || call.client.number !== null ? phone(call.client.number) : "",
    call.did && t("line", { n: call.did }),
    names && call.state === "ringing" && t("band.rings", { names }),
    further > 0 && `+${further}`,
  ];
  return [
    block(
      SIGNS[stateOf(call)],
      t(`state.${stateOf(call)}`),
      since(call.state === "talking" ? (call.answered_at ?? call.started_at) : call.started_at),
    ),
    h(
      "div",
      { class: "who" },
      h("b", { class: "cut big" }, clientName(call)),
      h("small", { class: "cut" }, facts.filter(Boolean).join(" · ")),
    ),
    h(
      "div",
      { class: "acts" },
      h("a", { class: "button", href: `/calls/${call.id}` }, t("open")),
      call.state === "talking" &&
        h(
          "button",
          { class: "button stop", type: "button", onclick: (event) => hangUp(site, call, event.target) },
          icon("end"),
          t("hangup"),
        ),
    ),
  ];
}

async function hangUp(site, call, button) {
  button.disabled = true;
  try {
    await api(`/calls/${call.id}`, { method: "DELETE" });
  } catch (fault) {
    site.toast(t("hangup.fail", { why: reason(fault) }));
  } finally {
    button.disabled = false;
  }
}
