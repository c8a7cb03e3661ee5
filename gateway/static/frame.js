/* The frame around every view: rail or bottom bar, the menu of the person, the list of keys. */

import { h, icon, tame } from "./dom.js";
import { LANGUAGES, languageNow, t } from "./words.js";

const SECTIONS = [
  ["/", "live", "live"],
  ["/calls", "calls", "list"],
  ["/clients", "clients", "people"],
  ["/figures", "figures", "bars"],
];

/** Rail, band and main part in the order of the focus. */
export function frame(site, band, main, menu) {
  const link = ([href, word, sign, kind]) =>
    h("li", { class: kind }, h("a", { href }, icon(sign, 18), h("span", null, t(word))));
  const sections = [...SECTIONS, ...(site.may("calls.originate") ? [["/dial", "dial", "pad", "for-thumbs"]] : [])];
  return [
    h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, t("skip")),
    h(
      "div",
      { class: "rail" },
      h(
        "a",
        { class: "brand", href: "/" },
        h("img", { src: new URL("logo.svg", import.meta.url).pathname, alt: "", width: 22, height: 22 }),
        h("b", null, "Trunkline"),
      ),
      h("nav", { "aria-label": t("navigation") }, h("ul", null, sections.map(link))),
      menu,
    ),
    h("div", { class: "body" }, band, main),
  ];
}

/** Who is signed in, the language, the keys, and the way out. */
export function menu(site, { signOut, chosen }) {
  const name = tame(site.me.user?.name ?? site.me.id);
  const initials = name
    .split(" ")
    .map((word) => [...word][0])
    .slice(0, 2)
    .join("");
  const options = Object.entries(LANGUAGES).map(([tag, word]) =>
    h("option", { value: tag, selected: tag === languageNow(), lang: tag }, word),
  );
  const box = h(
    "details",
    { class: "menu" },
    h(
      "summary",
      { "aria-label": name },
      h("span", { class: "face", "aria-hidden": "true" }, initials),
      h(
        "span",
        { class: "two" },
        h("b", { class: "cut" }, name),
        h("small", { class: "cut" }, t(`role.${site.me.role}`)),
      ),
    ),
    h(
      "div",
      { class: "menu-body" },
      h(
        "label",
        null,
        t("language"),
        h("select", { class: "field", onchange: (event) => chosen(event.target.value) }, options),
      ),
      h("button", { class: "button wide", type: "button", onclick: helpKeys }, t("keys.title"), h("kbd", null, "?")),
      h("button", { class: "button wide", type: "button", onclick: signOut }, t("sign.out")),
    ),
  );
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  box.addEventListener("keydown", (event) => {
    if (event.code !== "Escape" || !box.open) return;
    box.open = false;
    event.stopPropagation();
    event.preventDefault();
    box.querySelector("summary").focus();
  });
  return box;
}

document.addEventListener("pointerdown", (event) => {
  for (const box of document.querySelectorAll("details.menu[open]")) {
    if (!box.contains(event.target)) box.open = false;
  }
});

const KEYS = [
  [["/"], "keys.find"],
  [["D"], "keys.dial"],
  [["↓", "↑"], "keys.move"],
  [["Enter"], "keys.open"],
  [["Esc"], "keys.leave"],
  [["Space"], "keys.play"],
  [["←", "→"], "keys.jump"],
  [["G", "L C K F"], "keys.go"],
  [["?"], "keys.help"],
];

/** All keys in one small window. */
export function helpKeys() {
  const list = KEYS.map(([keys, word]) => [
    h(
      "dt",
      null,
      keys.map((key) => h("kbd", null, key)),
    ),
    h("dd", null, t(word)),
  ]);
  const window = h(
    "dialog",
    { "aria-label": t("keys.title"), onclose: () => window.remove() },
    h("h2", null, t("keys.title")),
    h("dl", null, list),
    h("form", { method: "dialog" }, h("button", { class: "button" }, t("close"))),
  );
  document.body.append(window);
  window.showModal();
}
