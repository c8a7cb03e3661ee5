/* The page application: who is signed in, the frame around the views, and which view is shown. */

import { api, onSignedOut } from "./api.js";
import { band } from "./band.js";
import { focusDial } from "./dial.js";
import { h, fill } from "./dom.js";
import { frame, helpKeys, menu } from "./frame.js";
import { moveRow, pageKeys, viewKeys } from "./keys.js";
import { Live } from "./live.js";
import { cardChanged, forgetCards, learnPeople } from "./names.js";
import { failed } from "./panel.js";
import { back, go, route, show } from "./router.js";
import { call } from "./views/call.js";
import { calls } from "./views/calls.js";
import { client, clients } from "./views/clients.js";
import { dialling } from "./views/dialling.js";
import { figures } from "./views/figures.js";
import { live } from "./views/live.js";
import { noPage, signIn } from "./views/signin.js";
import { speak, t } from "./words.js";

const VIEWS = [
  [/^\/$/, live],
  [/^\/calls$/, calls],
  [/^\/calls\/([0-9a-f-]{36})$/, call],
  [/^\/clients$/, clients],
  [/^\/clients\/([0-9]{1,18})$/, client],
  [/^\/figures$/, figures],
  [/^\/dial$/, dialling],
];

const page = document.getElementById("page");
const urgent = h("p", { class: "unseen", "aria-live": "assertive" });
const toasts = h("div", { class: "toasts", role: "status" });
document.body.append(urgent, toasts);

/** What the views share: the caller, the live calls, and ways to speak to him. */
const site = {
  me: null,
  live: new Live(),
  title: "Trunkline",
  say: (sentence) => fill(urgent, sentence),
  toast,
  may: (right) => site.me.rights.includes(right),
};
let shown = null;
let main = null;
let frameOf = null;

async function begin() {
  try {
    await enter(await api("/session"));
  } catch (fault) {
    if (fault.status === 401) leave();
    else if (fault.status === undefined) throw fault;
    else fill(page, failed(fault, begin));
  }
}

async function enter(me) {
  site.me = me;
  await learnPeople(me).catch((fault) => {
    if (fault.status === undefined) throw fault; // without names, extensions are shown
  });
  site.live.stop();
  site.live.start(() => leave(true));
  draw();
}

/** Nobody is signed in: ask who it is, and go on at the same address. */
function leave(over = false) {
  if (!site.me && shown) return;
  site.live.stop();
  site.me = null;
  close();
  site.title = document.title = "Trunkline";
  fill(page, signIn({ over, entered: enter, redraw: () => leave(over) }));
  shown = { leave: () => {} };
}

async function signOut() {
  await api("/session", { method: "DELETE" }).catch(() => {});
  shown = shown ?? {};
  leave();
}

/** The whole frame anew, as after a sign-in or another language. */
function draw() {
  close();
  frameOf?.leave();
  const menus = () => menu(site, { signOut, chosen: (tag) => (speak(tag), draw()) });
  frameOf = band({
    ...site,
    menu: menus(),
    get title() {
      return site.title;
    },
  });
  main = h("main", { id: "main", tabindex: "-1" });
  fill(page, frame(site, frameOf, main, menus()));
  show();
}

function close() {
  shown?.leave?.();
  shown = null;
  viewKeys({});
}

function arrive(place) {
  if (!site.me || !main?.isConnected) return;
  close();
  for (const link of document.querySelectorAll("nav a")) {
    const here = new URL(link.href).pathname;
    const current = here === "/" ? place.path === "/" : place.path.startsWith(here);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = place.view ? place.view(site, place) : noPage();
  fill(main, view.node);
  main.className = view.kind ?? "";
  viewKeys(view.keys ?? {});
  site.title = document.title = view.title ? `${view.title} · Trunkline` : "Trunkline";
  shown = view;
}

function toast(sentence) {
  const note = h(
    "div",
    { class: "toast" },
    h("span", null, sentence),
    h("button", { class: "link", type: "button", onclick: () => note.remove() }, t("close")),
  );
  fill(toasts, note);
  setTimeout(() => note.remove(), 10000);
}

function find() {
  const field = [...document.querySelectorAll("main [data-find]")].find((box) => box.offsetParent !== null);
  if (!field) return go("/calls");
  field.focus();
  field.select?.();
  return true;
}

pageKeys({
  Slash: find,
  NumpadDivide: find,
  KeyD: () => focusDial() || go("/dial"),
  ArrowDown: () => moveRow(1),
  ArrowUp: () => moveRow(-1),
  KeyJ: () => moveRow(1),
  KeyK: () => moveRow(-1),
  "Slash+": helpKeys,
  Escape: () => location.pathname.split("/").length > 2 && back(location.pathname.replace(/\/[^/]+$/, "")),
});
onSignedOut(() => site.me && leave(true));
site.live.addEventListener("message", ({ detail }) => {
  if (detail.kind === "contact.changed") cardChanged(detail.body.id, [...site.live.calls.values()]);
});
site.live.addEventListener("state", () => site.live.state === "connecting" && forgetCards());
route(VIEWS, arrive);
begin();
