/* One call: who it was, what came of it, its sound and words, and why the figures are what they are. */

import { api } from "../api.js";
import { managerNames, sign, tag } from "../callrow.js";
import { card, noCard } from "../card.js";
import { h, fill, icon, put, tame } from "../dom.js";
import { clock, dayName, duration } from "../format.js";
import { clientWithNumber, managerName, managersOf, nameOf, reasonWords } from "../names.js";
import { retryOrder, writeOrder } from "../orders.js";
import { load } from "../panel.js";
import { player } from "../player.js";
import { back, note } from "../router.js";
import { rows } from "../rows.js";
import { since } from "../tick.js";
import { transcript } from "../transcript.js";
import { t } from "../words.js";

const OF_RECORDINGS = ["recording.stored", "transcript.ready"];
const LATE_MS = 3000;

/** The view at `/calls/ID`. */
export function call(site, { params, query }) {
  const node = h("div", { class: "call-page" });
  const parts = { leave: [] };
  const view = { title: t("calls"), kind: "split", node, keys: {}, leave };
  let id = params[0];
  let stop = load(node, (signal) => api(`/calls/${id}`, { signal }), draw);

  function leave() {
    stop();
    parts.leave.splice(0).forEach((act) => act());
    site.live.removeEventListener("calls", changed);
    site.live.removeEventListener("message", stored);
  }

  function draw(found) {
    parts.leave.splice(0).forEach((act) => act());
    if (found.id !== id) {
      id = found.id; // it was merged into another one, which has its own address
      history.replaceState(history.state, "", `/calls/${id}${location.search}`);
    }
    parts.call = found;
    parts.main = h("div", { class: "call-main" });
    parts.top = h("div", null, header(found), facts(found));
    const side = h(
      "aside",
      { class: "side", "aria-label": t("card") },
      found.contact_id === null
        ? noCard(found)
        : card(found.contact_id, { call: found.id, writable: site.may("contacts.write") }),
    );
    fill(node, h("div", { class: "column" }, parts.top, parts.main), side);
    document.title = site.title = `${nameOf(found)} · Trunkline`;
    drawMain();
  }

  /** Sound, then text and explanation under two tabs. */
  function drawMain() {
    parts.leave.splice(0).forEach((act) => act());
    const found = parts.call;
    const heard = sound(found, (second, jumped) => text.at(second, jumped));
    const text = transcript(found, {
      seek: (second) => heard.seek?.(second, { play: true }),
      find: query.get("find") ?? "",
      order: recordable(found) && writeOrder(site, found, took),
    });
    parts.leave.push(() => heard.leave?.(), text.leave);
    Object.assign(view.keys, {
      Space: () => heard.toggle?.() ?? Boolean(heard.toggle),
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
    });
    const step = (way) => (heard.step ? heard.step(way) : false);
    const recorded = found.recording?.state === "stored" && heard.node;
    fill(parts.main, heard.node, tabs(found, text, recorded));
  }

  function sound(found, moved) {
    if (found.recording?.state !== "stored") return { node: silence(found, retryOrder(site, found, took)) };
    if (!mayListen(site, found)) return { node: h("p", { class: "quiet" }, icon("rec"), t("rec.right")) };
    return player(found, { at: Number(query.get("t")) || 0, moved });
  }

  /** An order was taken, or came too late: show the recording as it is now. */
  function took(recording) {
    if (recording === null) return void setTimeout(() => refresh((found) => ((parts.call = found), drawMain())), LATE_MS);
    parts.call = { ...parts.call, recording };
    drawMain();
  }

  function tabs(found, text, recorded) {
    const host = h("div", { class: "tab-body" });
    const names = recorded ? ["text", "rows"] : ["rows"];
    const given = new URLSearchParams(location.search).get("tab");
    const buttons = names.map((name) =>
      h(
        "button",
        { type: "button", role: "tab", id: `tab-${name}`, onclick: () => choose(name, true) },
        t(`call.${name}`),
      ),
    );
    let explained = null;
    function choose(name, written) {
      buttons.forEach((button, at) => {
        button.setAttribute("aria-selected", String(names[at] === name));
        button.tabIndex = names[at] === name ? 0 : -1;
      });
      host.setAttribute("aria-labelledby", `tab-${name}`);
      if (name === "rows" && !explained) {
        explained = rows(found);
        parts.leave.push(explained.leave);
      }
      fill(host, name === "rows" ? explained.node : text.node);
      if (written) note({ tab: name === names[0] ? "" : name });
    }
    host.setAttribute("role", "tabpanel");
    choose(names.includes(given) ? given : names[0], false);
    return [h("div", { class: "tabs", role: "tablist" }, buttons), host];
  }

  /** An open call goes on while it is looked at. */
  function changed({ detail }) {
    if (!detail || !parts.call || (detail.body.id !== id && detail.body.merged_into !== id)) return;
    if (detail.kind === "call.merged" || detail.body.contact_id !== parts.call.contact_id) return void refresh(draw);
    if (detail.body.revision > parts.call.revision) refresh(taken);
  }

  function taken(found) {
    const was = parts.call;
    parts.call = found;
    fill(parts.top, header(found), facts(found));
    if (was.state !== found.state || found.state !== "ended") drawMain();
  }

  function stored({ detail }) {
    if (OF_RECORDINGS.includes(detail.kind) && detail.body.call_id === id)
      refresh((found) => ((parts.call = found), drawMain()));
  }

  async function refresh(then) {
    try {
      const found = await api(`/calls/${id}`);
      if (node.isConnected) then(found);
    } catch (fault) {
      if (fault.status === undefined) throw fault; // else what is shown stays; the band tells of the connection
    }
  }

  site.live.addEventListener("calls", changed);
  site.live.addEventListener("message", stored);
  return view;
}

function mayListen(site, call) {
  if (site.may("recordings.listen_all")) return true;
  return call.managers.some((m) => m.user_id === site.me.user?.id && call.answered_by.includes(m.extension));
}

function header(call) {
  const leave = h(
    "button",
    { class: "button ghost", type: "button", "aria-label": t("back"), onclick: () => back("/calls") },
    icon("back"),
  );
  const facts = [
    `${dayName(call.started_at)}, ${clock(call.started_at)}`,
    call.did && t("line", { n: tame(call.did, 40) }),
    reasonWords(call),
  ].filter(Boolean);
  return h(
    "header",
    { class: "head-line call-head" },
    leave,
    sign(call),
    h("h1", null, clientWithNumber(call)),
    tag(call),
    h("p", { class: "dim" }, facts.join(" · ")),
  );
}

/** The figures of the call, its managers and its transfers. */
function facts(call) {
  const figure = (word, value) => h("div", null, h("dt", null, t(word)), h("dd", { class: "t" }, value));
  const ended = call.state === "ended";
  const hung = call.hung_up_by ? t(`call.hungup.${call.hung_up_by}`) : ended ? t("call.unknown") : "–";
  return [
    h(
      "dl",
      { class: "strip" },
      figure("call.wait", duration(call.wait_seconds)),
      figure(
        "call.talk",
        call.state === "talking" && call.answered_at ? since(call.answered_at) : duration(call.talk_seconds),
      ),
      figure("call.ring", duration(call.ring_seconds)),
      call.hold_seconds !== null && figure("call.hold", duration(call.hold_seconds)),
      call.outside_seconds > 0 && figure("call.outside", duration(call.outside_seconds)),
      h("div", null, h("dt", null, t("call.hungup")), h("dd", { class: "word" }, hung)),
    ),
    h(
      "ul",
      { class: "course" },
      managersOf(call).map((m) => part(call, m)),
      call.transfers.map((transfer) => moved(call, transfer)),
    ),
    !call.complete && ended && h("p", { class: "remark" }, icon("warn"), t("call.incomplete")),
    call.unmapped.length > 0 &&
      h(
        "p",
        { class: "remark" },
        icon("warn"),
        t("call.unmapped", { names: call.unmapped.map((name) => tame(name, 40)).join(", ") }),
      ),
  ];
}

function part(call, manager) {
  const said = [
    manager.rang_seconds > 0 && t("call.rang.for", { for: duration(manager.rang_seconds) }),
    manager.talk_seconds > 0 && t("call.talked.for", { for: duration(manager.talk_seconds) }),
  ].filter(Boolean);
  const talked = call.answered_by.includes(manager.extension);
  return h(
    "li",
    { class: talked ? "" : "dim" },
    icon("person"),
    h("b", null, managerName(call, manager.extension)),
    h("span", { class: "t" }, said.join(" · ")),
  );
}

function moved(call, transfer) {
  const name = (extension) => (extension ? managerName(call, extension) : "–");
  const kind = t(`call.transfer.${transfer.kind}`);
  const way = t("transfer.from", { by: name(transfer.by), to: transfer.to ? name(transfer.to) : "–" });
  return h(
    "li",
    null,
    icon("move"),
    h("b", null, kind),
    h("span", null, way, transfer.outcome && ` · ${t(`transfer.${transfer.outcome}`)}`),
  );
}

/** Whether there may be something to write down, and nobody is at it. */
function recordable(call) {
  return call.recording?.state === "stored" && ["none", "failed", "ready"].includes(call.recording.transcript_state);
}

function silence(call, order) {
  const state = call.recording?.state;
  if (call.state !== "ended") return quiet(t("rec.open"));
  if (state) return put(quiet(t(`rec.${state}`)), ["damaged", "failed"].includes(state) && order);
  return quiet(t("rec.none"), t(call.talk_seconds > 0 ? "rec.none.why" : "rec.none.talk"));
}

function quiet(...sentences) {
  return h(
    "p",
    { class: "quiet" },
    icon("rec"),
    h("span", null, sentences.length > 1 ? [h("b", null, sentences[0]), ". ", sentences[1]] : sentences[0]),
  );
}
