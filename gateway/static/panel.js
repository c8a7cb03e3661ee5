/* What a part of the screen shows while it loads, when it is empty, and when it failed. A failed part never takes the
   page along. */

import { h, fill, icon } from "./dom.js";
import { t } from "./words.js";

const SKELETON_AFTER_MS = 200;

/** Load a part of the screen.
 * @param {Element} host where it is shown
 * @param {(signal: AbortSignal) => Promise} ask
 * @param {Function} draw given the answer, fills the host
 * @returns {Function} gives it up
 */
export function load(host, ask, draw) {
  const stop = new AbortController();
  const waiting = setTimeout(() => fill(host, skeleton()), SKELETON_AFTER_MS);
  host.setAttribute("aria-busy", "true");
  ask(stop.signal)
    .then((answer) => stop.signal.aborted || draw(answer))
    .catch((fault) => {
      if (stop.signal.aborted) return;
      fill(
        host,
        failed(fault, () => load(host, ask, draw)),
      );
    })
    .finally(() => {
      clearTimeout(waiting);
      host.removeAttribute("aria-busy");
    });
  return () => {
    clearTimeout(waiting);
    stop.abort();
  };
}

/** Grey rows of the list to come. */
export function skeleton(rows = 6) {
  const bars = Array.from({ length: rows }, () => h("span", { class: "bone" }));
  return h("div", { class: "bones", role: "status", "aria-label": t("loading") }, bars);
}

/** Nothing is here: what belongs here, and the one next act. */
export function nothing(title, next, act) {
  return h("div", { class: "nothing" }, h("p", null, h("b", null, title)), next && h("p", null, next), act);
}

/** Why it failed, and a way on. */
export function failed(fault, again) {
  const why = reason(fault);
  return h(
    "div",
    { class: "nothing failed", role: "alert" },
    h("p", null, icon("warn"), " ", why),
    fault.status === 404 || fault.status === 403
      ? h("a", { class: "button", href: "/calls" }, t("live.allcalls"))
      : again && h("button", { class: "button", type: "button", onclick: again }, t("again")),
  );
}

/** A problem in a sentence of the reader's language. */
export function reason(fault) {
  if (fault.status === undefined) throw fault;
  if (fault.away) return t("problem.away");
  if (fault.status === 404) return t("problem.missing");
  if (fault.status === 403) return t("problem.right");
  return [t("problem.refused"), ...fault.faults.map((f) => f.detail), fault.faults.length ? "" : fault.message].join(
    " ",
  );
}
