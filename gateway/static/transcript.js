/* What was said, by speaker: a sentence leads to its sound, the one that is heard is marked, and the text follows the
   sound until somebody scrolls by hand. */

import { api } from "./api.js";
import { h, fill, tame } from "./dom.js";
import { duration } from "./format.js";
import { load } from "./panel.js";
import { locale, t } from "./words.js";

/** The text of a call.
 * @param {object} call with a recording
 * @param {{seek: Function, find?: string, order?: Node}} how seek: given a second, plays from there; find: words to mark;
 *   order: has it written down anew
 * @returns {{node: Element, at: Function, leave: Function}} at(second, jumped): marks the sentence that is heard
 */
export function transcript(call, { seek, find = "", order = null }) {
  const node = h("section", { class: "text", "aria-label": t("call.text") });
  const state = call.recording?.transcript_state ?? "none";
  let lines = [];
  let current = -1;
  let follows = true;
  const foot = order && h("div", { class: "part" }, order);
  if (state !== "ready") {
    fill(node, h("p", { class: "part dim" }, t(`text.${state}`)), foot);
    return { node, at: () => {}, leave: () => {} };
  }

  const follow = h("input", { type: "checkbox", checked: true, onchange: (event) => (follows = event.target.checked) });
  const field = h("input", {
    class: "field",
    type: "search",
    value: find,
    placeholder: t("text.find"),
    "aria-label": t("text.find"),
    maxlength: 100,
    "data-find": true,
    oninput: mark,
  });
  const found = h("span", { class: "dim", role: "status" });
  const list = h("ol", { class: "said", onwheel: release, ontouchmove: release });

  function release() {
    follows = follow.checked = false;
  }

  function draw({ language, segments }) {
    lines = segments.map((segment) => ({ ...segment, node: line(segment) }));
    fill(
      list,
      lines.map(({ node: row }) => row),
    );
    const name = language ? new Intl.DisplayNames([locale()], { type: "language" }).of(language) : "";
    const note = name && t("text.note", { language: name });
    fill(
      node,
      h(
        "div",
        { class: "text-head" },
        h("small", { class: "cut" }, note),
        found,
        field,
        h("label", { class: "follow" }, follow, t("text.follow")),
      ),
      lines.length ? list : h("p", { class: "part dim" }, t("text.silent")),
      foot,
    );
    mark();
  }

  function line(segment) {
    const speaker = ["manager", "client"].includes(segment.speaker) ? segment.speaker : "both";
    return h(
      "li",
      null,
      h(
        "button",
        { class: `sentence ${speaker}`, type: "button", "data-row": true, onclick: () => seek(segment.start) },
        h("span", { class: "t" }, duration(segment.start)),
        h("span", { class: "who-said" }, t(`speaker.${speaker}`)),
        h("span", { class: "words" }),
      ),
    );
  }

  /** Mark what is looked for, in text nodes: what was said never becomes markup. */
  function mark() {
    const wanted = field.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word.length > 1);
    let many = 0;
    for (const { text, node: row } of lines) {
      const pieces = cut(tame(text, 4000), wanted);
      many += pieces.filter((piece) => piece.hit).length;
      fill(
        row.querySelector(".words"),
        pieces.map((piece) => (piece.hit ? h("mark", null, piece.text) : piece.text)),
      );
    }
    fill(found, wanted.length ? t("text.found", { n: many }) : "");
  }

  const stop = load(node, (signal) => api(`/calls/${call.id}/transcript`, { query: { format: "json" }, signal }), draw);
  return {
    node,
    leave: stop,
    at(second, jumped) {
      const next = lines.findLastIndex((segment) => segment.start <= second + 0.05);
      if (next === current) return;
      lines[current]?.node.firstChild.removeAttribute("aria-current");
      current = next;
      const row = lines[current]?.node;
      row?.firstChild.setAttribute("aria-current", "true");
      if (row && (follows || jumped)) reveal(row);
    },
  };
}

function reveal(row) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  row.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

/** A text in pieces, those that were looked for apart. */
function cut(text, wanted) {
  if (!wanted.length) return [{ text, hit: false }];
  const pieces = [];
  const small = text.toLowerCase();
  let from = 0;
  while (from < text.length) {
    const hits = wanted.map((word) => [small.indexOf(word, from), word.length]).filter(([at]) => at >= 0);
    if (!hits.length) break;
    const [at, length] = hits.sort((a, b) => a[0] - b[0])[0];
    pieces.push({ text: text.slice(from, at), hit: false }, { text: text.slice(at, at + length), hit: true });
    from = at + length;
  }
  return [...pieces, { text: text.slice(from), hit: false }].filter((piece) => piece.text);
}
