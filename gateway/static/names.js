/* Who is who on the screen: managers by their user or extension, clients by their card, else by what the line said. */

import { api } from "./api.js";
import { bdi, h, tame } from "./dom.js";
import { phone } from "./format.js";
import { has, t } from "./words.js";

const AT_ONCE = 4;

const people = new Map();
const extensions = new Map();
let cards = new Map();
let wanted = [];
let asking = 0;

/** Learn the people the caller may see, himself at least. */
export async function learnPeople(me) {
  people.clear();
  extensions.clear();
  cards = new Map();
  wanted = [];
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
export function managerName(pbx, extension, user) {
  const person = people.get(user ?? extensions.get(`${pbx}/${extension}`));
  return person ? tame(person.name) : t("ext", { n: tame(extension, 20) });
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
export function lineName(call) {
  if (call.kind === "internal")
    return call.managers.map((m) => managerName(call.pbx, m.extension, m.user_id)).join(" · ");
  const said = tame(call.client.name);
  const digits = said.replace(/\D/g, "");
  const isNumber = digits.length > 4 && digits.length >= said.replace(/\s/g, "").length - 2;
  if (said && !isNumber && call.client.kind === "client") return said;
  return call.client.number ? phone(call.client.number) : numberless(call);
}

function numberless(call) {
  return call.client.kind === "hidden" ? t("hidden") : tame(call.client.name) || t("unknown");
}

/** The client's name, which becomes that of his card as soon as it is known. */
export function clientName(call) {
  const node = bdi(lineName(call), { class: "name" });
  if (call.contact_id === null) return node;
  node.dataset.card = call.contact_id;
  const known = cards.get(call.contact_id);
  if (known?.name) node.textContent = tame(known.name);
  else if (!known) want(call.contact_id);
  return node;
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

/** Be told a card's present name. */
export function learnCard(card) {
  cards.set(card.id, { name: card.name });
  for (const node of document.querySelectorAll(`[data-card="${Number(card.id)}"]`)) {
    if (card.name) node.textContent = tame(card.name);
    settle(node);
  }
}

/** A card changed elsewhere: read it again, if it is on the screen. */
export function forgetCard(id) {
  cards.delete(id);
  if (document.querySelector(`[data-card="${Number(id)}"]`)) want(id);
}

function want(id) {
  cards.set(id, {});
  wanted.push(id);
  while (asking < AT_ONCE && wanted.length) askNext();
}

async function askNext() {
  asking += 1;
  const id = wanted.shift();
  try {
    learnCard(await api(`/contacts/${id}`));
  } catch {
    cards.delete(id); // the line's own name stays
  } finally {
    asking -= 1;
    if (wanted.length) askNext();
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
