/* A page for calling a number, where the band has no room for the box. */

import { dialBox } from "../dial.js";
import { h } from "../dom.js";
import { nothing } from "../panel.js";
import { t } from "../words.js";

/** The view at `/dial`. */
export function dialling(site) {
  const box = site.may("calls.originate")
    ? dialBox({ big: true })
    : nothing(t("problem.right"), "", h("a", { class: "button", href: "/" }, t("live")));
  setTimeout(() => box.querySelector("input")?.focus());
  return {
    title: t("dial"),
    node: [h("header", { class: "head-line" }, h("h1", null, t("dial"))), h("div", { class: "inset narrow" }, box)],
  };
}
