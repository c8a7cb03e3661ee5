/* The card of a client: name and note are saved as they are typed, each by itself, and nobody's text is overwritten
   unseen; below stand his numbers and the history of his calls. */

import { api } from "./api.js";
import { bdi, h, fill, icon } from "./dom.js";
import { phone } from "./format.js";
import { pastRow } from "./callrow.js";
import { learnCard } from "./names.js";
import { load, nothing } from "./panel.js";
import { t } from "./words.js";

const REST_MS = 700;

/** A panel with the card of a contact.
 * @param {number} id of the contact
 * @param {{call?: string, page?: boolean, writable: boolean}} how call: the call that is shown beside it; page: it is the
 *   page of the card itself
 */
export function card(id, { call = null, page = false, writable }) {
  const host = h("section", { class: "card", "aria-label": t("card"), "data-contact": id });
  load(
    host,
    (signal) => api(`/contacts/${id}`, { signal }),
    (found) => draw(host, found, { call, page, writable }),
  );
  return host;
}

/** The place of a card where there is none, and why. */
export function noCard(call) {
  const why = call.kind === "internal" ? "card.none.internal" : "card.none.hidden";
  return h("section", { class: "card" }, nothing(t("card.none"), t(why)));
}

function draw(host, contact, { call, page, writable }) {
  learnCard(contact);
  const present = { version: contact.version, fields: [] };
  const line = (name, tag, given) => field(contact, present, name, tag, { ...given, writable });
  fill(
    host,
    h(
      "div",
      { class: "part" },
      line("name", "input", { maxlength: 200 }),
      line("note", "textarea", { maxlength: 10000, rows: 3 }),
      h("h3", null, t("card.numbers")),
      h(
        "ul",
        { class: "plain" },
        contact.numbers.map((number) => h("li", { class: "t" }, icon("phone"), " ", phone(number))),
      ),
      !page && h("a", { class: "link", href: `/clients/${contact.id}` }, t("card.page")),
    ),
    h("div", { class: "part" }, h("h3", null, t("card.history"))),
    history(contact, call),
  );
}

function history(contact, call) {
  const { items, next } = contact.calls;
  if (!items.length || (items.length === 1 && items[0].id === call))
    return h("p", { class: "part dim" }, t("card.first"));
  const more = next && h("a", { class: "link part", href: `/calls?contact=${contact.id}&kind=all` }, t("card.calls"));
  return [
    h(
      "ul",
      { class: "rows" },
      items.map((past) => pastRow(past, past.id === call)),
    ),
    more,
  ];
}

/** One field that saves itself when the typing rests, and at the latest when it is left. */
function field(contact, present, name, tag, { writable, ...given }) {
  let saved = contact[name];
  let theirs = null;
  let timer = 0;
  let turn = Promise.resolve();
  const state = h("span", { class: "saved", role: "status" });
  const box = h(tag, {
    ...given,
    class: "field",
    id: `card-${name}`,
    value: saved,
    readonly: !writable,
    placeholder: writable ? t(`card.${name}.hint`) : "",
    autocomplete: "off",
    "data-find": null,
  });

  async function save({ over = false } = {}) {
    clearTimeout(timer);
    const text = tag === "input" ? box.value.replace(/\s+/g, " ").trim() : box.value;
    if (text === saved && !over) return say("");
    if (theirs !== null && !over) return ask();
    delete state.dataset.asked;
    say(t("card.saving"));
    try {
      const body = { version: present.version, [name]: text };
      const stored = await api(`/contacts/${contact.id}`, { method: "PATCH", body });
      theirs = null;
      saved = stored[name];
      learn(stored);
      say([icon("check", 14), t("card.saved")], "talk");
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      if (fault.status === 409) return stale();
      else
        say(
          [t("card.unsaved"), " ", h("button", { class: "link", type: "button", onclick: () => save() }, t("again"))],
          "miss",
        );
    }
    return null;
  }

  /** Somebody was faster: what he wrote elsewhere is taken over, what he wrote here is asked about. */
  async function stale() {
    learn(await api(`/contacts/${contact.id}`));
    return theirs === null ? save({ over: true }) : ask();
  }

  function ask() {
    if (state.dataset.asked === theirs) return null; // the button stays where it is while it is being pressed
    state.dataset.asked = theirs;
    const mine = h("button", { class: "link", type: "button", onclick: () => save({ over: true }) }, t("card.over"));
    say([t("card.stale"), " ", bdi(`«${theirs}»`), " ", mine], "warn");
    return null;
  }

  function learn(card) {
    present.version = card.version;
    learnCard(card);
    present.fields.forEach((taken) => taken(card));
  }

  present.fields.push((card) => {
    if (card[name] === saved) return;
    if (box.value === saved) box.value = saved = card[name];
    else theirs = card[name];
  });

  function say(what, tone = "") {
    state.className = `saved ${tone}`;
    fill(state, what);
  }

  const queue = () => (turn = turn.then(() => save()));
  if (writable) {
    box.addEventListener("input", () => {
      clearTimeout(timer);
      if (theirs === null) say("");
      timer = setTimeout(queue, REST_MS);
    });
    box.addEventListener("change", queue);
    if (tag === "input") box.addEventListener("keydown", (event) => event.key === "Enter" && box.blur());
  }
  return h("div", { class: "labelled" }, h("label", { for: box.id }, t(`card.${name}`)), state, box);
}
