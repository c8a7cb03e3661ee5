/* Finding a client by a part of the name or a number in any way of writing, and the page of one. */

import { api } from "../api.js";
import { card } from "../card.js";
import { bdi, h, fill, icon } from "../dom.js";
import { day, phone } from "../format.js";
import { failed, load, nothing } from "../panel.js";
import { back, note } from "../router.js";
import { t } from "../words.js";

const PAGE = 50;
const REST_MS = 250;

/** The view at `/clients`. */
export function clients(site, { query }) {
  const table = h("div", { class: "table" });
  const field = h("input", {
    class: "field",
    type: "search",
    value: query.get("q") ?? "",
    placeholder: t("clients.find"),
    "aria-label": t("clients.find"),
    maxlength: 100,
    "data-find": true,
  });
  let timer = 0;
  let stop = search();

  function search() {
    const q = field.value.trim();
    return load(
      table,
      (signal) => api("/contacts", { query: { q, limit: PAGE }, signal }),
      ({ items, next }) => {
        if (!items.length)
          return fill(
            table,
            q
              ? nothing(t("clients.empty"), t("clients.empty.next"))
              : nothing(t("clients.none"), t("clients.none.next")),
          );
        const list = h("ul", { class: "rows", "aria-label": t("clients") }, items.map(row));
        return fill(table, list, more(list, q, next));
      },
    );
  }

  function more(list, q, cursor) {
    const foot = h("div", { class: "foot" });
    if (!cursor) return foot;
    async function next() {
      try {
        const answer = await api("/contacts", { query: { q, limit: PAGE, cursor } });
        list.append(...answer.items.map(row));
        foot.replaceWith(more(list, q, answer.next));
      } catch (fault) {
        fill(foot, failed(fault, next));
      }
    }
    return fill(foot, h("button", { class: "button", type: "button", "data-row": true, onclick: next }, t("more")));
  }

  const form = h("form", { class: "search wide", role: "search" }, field, h("kbd", { "aria-hidden": "true" }, "/"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    table.querySelector("[data-row]")?.focus();
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      note({ q: field.value.trim() });
      stop();
      stop = search();
    }, REST_MS);
  });
  return {
    title: t("clients"),
    node: [
      h("header", { class: "head-line" }, h("h1", null, t("clients"))),
      h("div", { class: "inset" }, h("div", { class: "filters" }, form), table),
    ],
    leave() {
      clearTimeout(timer);
      stop();
    },
  };
}

function row(contact) {
  const [first, ...others] = contact.numbers;
  return h(
    "li",
    null,
    h(
      "a",
      { class: "row client-row", href: `/clients/${contact.id}`, "data-row": true },
      h(
        "span",
        { class: "c-client cut" },
        contact.name ? bdi(contact.name, { class: "name" }) : h("span", { class: "dim" }, t("clients.noname")),
      ),
      h("span", { class: "c-number t" }, phone(first), others.length > 0 && h("small", null, ` +${others.length}`)),
      h("span", { class: "c-note cut" }, bdi(contact.note)),
      h("span", { class: "c-since" }, t("clients.since", { day: day(contact.created_at) })),
    ),
  );
}

/** The view at `/clients/ID`. */
export function client(site, { params }) {
  const node = card(Number(params[0]), { page: true, writable: site.may("contacts.write") });
  const leave = h(
    "button",
    { class: "button ghost", type: "button", "aria-label": t("back"), onclick: () => back("/clients") },
    icon("back"),
  );
  return {
    title: t("card"),
    node: [
      h("header", { class: "head-line" }, leave, h("h1", { class: "cut", "data-card": params[0] }, t("card"))),
      h("div", { class: "inset narrow panel" }, node),
    ],
  };
}
