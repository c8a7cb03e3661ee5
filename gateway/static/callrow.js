/* A call as a row of a list: one link, the same everywhere. */

import { h, icon } from "./dom.js";
import { clock, dayName, duration, midnight } from "./format.js";
import {
  clientName,
  clientWithNumber,
  managerName,
  managersOf,
  reasonWords,
  resultWord,
  resultWords,
  stateOf,
} from "./names.js";
import { since } from "./tick.js";
import { t } from "./words.js";

const TONES = { answered: "talk", missed: "miss", lost_in_transfer: "miss", failed: "miss" };
const SIGNS = { inbound: "in", outbound: "out", internal: "inside" };

/** The sign of a call's direction and result, with its word for those who do not see it. */
export function sign(call) {
  const lost = call.result === "missed" && call.state === "ended";
  const tone = call.state === "ended" ? TONES[call.result] : stateOf(call) === "talking" ? "talk" : "ring";
  const word = t(`direction.${call.direction}`);
  return h(
    "span",
    { class: `sign ${tone ?? ""}`, role: "img", "aria-label": word, title: word },
    icon(lost ? "miss" : SIGNS[call.direction]),
  );
}

/** The result, or of an open call its state, as a coloured word. */
export function tag(call) {
  const open = stateOf(call);
  const tone = call.state === "ended" ? (TONES[call.result] ?? "") : open === "talking" ? "talk" : "ring";
  return h("span", { class: `tag ${tone}` }, resultWord(call));
}

/** Names of the managers, those who only rang in grey. */
export function managerNames(call) {
  if (call.kind === "internal") return [];
  return managersOf(call).map((m, at) => {
    const talked = call.answered_by.includes(m.extension);
    return [at ? ", " : "", h("span", { class: talked ? "" : "dim" }, managerName(call, m.extension))];
  });
}

function marks(call) {
  const stored = call.recording?.state === "stored";
  return h(
    "span",
    { class: "marks" },
    stored && h("span", { role: "img", "aria-label": t("recorded"), title: t("recorded") }, icon("rec")),
    call.recording?.transcript_state === "ready" &&
      h("span", { role: "img", "aria-label": t("written"), title: t("written") }, icon("text")),
  );
}

/** An ended call as a row.
 * @param {object} call as the API gives it
 * @param {{dated?: boolean, query?: string, part?: object}} how dated: with its day; query: added to the address; part:
 *   one manager's part, whose talk stands for the call's
 */
export function callRow(call, { dated = false, query = "", part = null } = {}) {
  const talk = part ? part.talk_seconds : call.talk_seconds;
  const inside = [
    h(
      "span",
      { class: "c-time t" },
      dated && midnight(call.started_at) !== midnight(Date.now()) && h("small", null, dayName(call.started_at)),
      clock(call.started_at),
    ),
    sign(call),
    h("span", { class: "c-client" }, clientWithNumber(call)),
    h("span", { class: "c-result" }, tag(call), h("small", { class: "cut why" }, reasonWords(call))),
    h("span", { class: "c-managers cut" }, managerNames(call)),
    h("span", { class: "c-wait t" }, duration(part ? part.wait_seconds : call.wait_seconds)),
    h("span", { class: "c-talk t" }, call.state === "ended" ? (talk ? duration(talk) : "–") : since(call.started_at)),
    marks(call),
  ];
  return h("li", null, h("a", { class: "row", href: `/calls/${call.id}${query}`, "data-row": true }, inside));
}

/** The names of the columns of `callRow`. */
export function callHead() {
  const column = (name, kind) => h("span", { class: kind }, t(`column.${name}`));
  return h(
    "div",
    { class: "row head", "aria-hidden": "true" },
    column("time", "c-time"),
    h("span", null),
    column("client", "c-client"),
    column("result", "c-result"),
    column("managers", "c-managers"),
    column("wait", "c-wait"),
    column("talk", "c-talk"),
    h("span", { class: "marks" }),
  );
}

/** A short row for a side panel: time, client, result, talk. */
export function briefRow(call, { here = false, part = null } = {}) {
  const talk = part ? part.talk_seconds : call.talk_seconds;
  return h(
    "li",
    null,
    h(
      "a",
      { class: "brief", href: `/calls/${call.id}`, "data-row": true, "aria-current": here ? "true" : null },
      sign(call),
      h(
        "span",
        { class: "two" },
        h("span", { class: "cut" }, clientName(call)),
        h("small", { class: "cut" }, resultWords(call)),
      ),
      h(
        "span",
        { class: "two end" },
        h("span", { class: "t" }, talk ? duration(talk) : "–"),
        h("small", null, dayName(call.started_at), " ", clock(call.started_at)),
      ),
    ),
  );
}

/** A row of a client's history: what came of it, with whom, when. */
export function pastRow(call, here) {
  return h(
    "li",
    null,
    h(
      "a",
      { class: "brief", href: `/calls/${call.id}`, "data-row": true, "aria-current": here ? "true" : null },
      sign(call),
      h(
        "span",
        { class: "two" },
        h("span", { class: "cut" }, resultWords(call)),
        h("small", { class: "cut" }, managerNames(call).flat().length ? managerNames(call) : t("nobody")),
      ),
      h(
        "span",
        { class: "two end" },
        h("span", { class: "t" }, call.talk_seconds ? duration(call.talk_seconds) : "–"),
        h("small", null, here ? t("card.here") : [dayName(call.started_at), " ", clock(call.started_at)]),
      ),
    ),
  );
}
