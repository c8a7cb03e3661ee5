/* Who is who on the screen: each call brings the names of its managers and of its client's card; who has none is shown by
   his extension, or by what the line said. */

import { api } from "./api.js";
import { bdi, h, tame } from "./dom.js";
import { phone } from "./format.js";
import { has, t } from "./words.js";

const people = new Map();
const extensions = new Map();
let cards = new Map();

/** Learn the people the caller may see, himself at least. */
export async function learnPeople(me) {
  people.clear();
  extensions.clear();
  forgetCards();
  const everybody = me.rights.includes("users.read") ? (await api("/users")).items : [me.user];
  for (const person of everybody.filter(Boolean)) {
    people.set(person.id, person);
    for (const held of person.extensions) extensions.set(`${held.pbx}/${held.extension}`, person.id);
  }
}

/** Everybody, by name. */
export function everybody() {
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** A manager's name; his extension where nobody is known for it. */
export function managerName(call, extension) {
  const part = call.managers.find((m) => m.extension === extension);
  const name = part?.name ?? people.get(part?.user_id ?? extensions.get(`${call.pbx}/${extension}`))?.name;
  return name ? tame(name) : t("ext", { n: tame(extension, 20) });
}

/** The name of a user by id. */
export function userName(id) {
  return people.has(id) ? tame(people.get(id).name) : `#${id}`;
}

/** Those who had a part, the ones who talked first. */
export function managersOf(call) {
  const rank = (m) => (call.answered_by.includes(m.extension) ? call.answered_by.indexOf(m.extension) : 99);
  return [...call.managers].sort((a, b) => rank(a) - rank(b));
}

/** What the line says of the client, without his card. */
function lineName(call) {
  if (call.kind === "internal")
    return call.managers.map((m) => managerName(call, m.extension)).join(" · ");
  const said = tame(call.client.name);
  const digits = said.replace(/\D/g, "");
  const isNumber = digits.length > 4 && digits.length >= said.replace(/\s/g, "").length - 2;
  if (said && !isNumber && call.client.kind === "client") return said;
  return call.client.number ? phone(call.client.number) : numberless(call);
}

function numberless(call) {
  return call.client.kind === "hidden" ? t("hidden") : tame(call.client.name) || t("unknown");
}

/** The client's name in plain text: that of his card, else what the line says. */
export function nameOf(call) {
  const name = call.contact_id === null ? "" : (cards.get(call.contact_id) ?? call.contact_name);
  return tame(name) || lineName(call);
}

/** The client's name, which follows that of his card when it is changed. */
export function clientName(call) {
  return bdi(nameOf(call), { class: "name", "data-card": call.contact_id });
}

/** The client's number. */
function clientNumber(call) {
  return call.client?.number ? h("span", { class: "tel" }, phone(call.client.number)) : null;
}

/** The client's name with his number behind it, as long as the number is not all that is known of him. */
export function clientWithNumber(call) {
  const name = clientName(call);
  const number = clientNumber(call);
  settle(name, number);
  return [name, number];
}

function settle(name, number = name.nextElementSibling) {
  if (number?.classList.contains("tel")) number.hidden = number.textContent === name.textContent;
}

/** Be told a card's present name: calls that came before it bear the old one. */
export function learnCard(card) {
  cards.set(card.id, card.name);
  for (const node of document.querySelectorAll(`[data-card="${Number(card.id)}"]`)) {
    if (card.name) node.textContent = tame(card.name);
    settle(node);
  }
}

/** Everything is read anew: what calls bring is newer than what was learned. */
export function forgetCards() {
  cards = new Map();
}

/** A card changed elsewhere: read it again, if it is on the screen or of an open call. */
export async function cardChanged(id, open) {
  if (!document.querySelector(`[data-card="${Number(id)}"]`) && !open.some((call) => call.contact_id === id)) return;
  try {
    learnCard(await api(`/contacts/${id}`));
  } catch (fault) {
    if (fault.status === undefined) throw fault; // else the name that came with the call stays
  }
}

/** How a call came out, in a word. */
export function resultWord(call) {
  return call.state === "ended" ? t(`result.${call.result}`) : t(`state.${stateOf(call)}`);
}

/** Why a call was missed; empty for others. */
export function reasonWords(call) {
  const key = `reason.${call.missed_reason}`;
  return call.state === "ended" && has(key) ? t(key) : "";
}

/** Both in one line. */
export function resultWords(call) {
  return [resultWord(call), reasonWords(call)].filter(Boolean).join(", ");
}

/** `ringing`, `dialling`, `talking` or `ended`. */
export function stateOf(call) {
  return call.state === "ringing" && call.direction === "outbound" ? "dialling" : call.state;
}
