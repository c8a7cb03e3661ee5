/* The calls behind a figure, with what the figure means; docs/metrics.md has the full definitions. */

import { api } from "./api.js";
import { briefRow } from "./callrow.js";
import { h, fill, icon } from "./dom.js";
import { duration, sum } from "./format.js";
import { userName } from "./names.js";
import { failed, load, nothing } from "./panel.js";
import { t } from "./words.js";

const PAGE = 50;

/** The figures of a manager in the order of the table: the word, the API's name, and how it is written. */
export const COLUMNS = [
  { word: "in", figure: "calls", direction: "inbound" },
  { word: "out", figure: "calls", direction: "outbound" },
  { word: "answered", figure: "answered" },
  { word: "missed", figure: "missed", tone: "miss" },
  { word: "not_taken", figure: "not_taken" },
  { word: "lost", figure: "lost", tone: "miss" },
  { word: "talk", figure: "talk_seconds", write: (row) => sum(row.talk_seconds) },
  {
    word: "wait",
    figure: "wait_seconds",
    write: (row) => (row.answered ? duration(row.wait_seconds / row.answered) : "–"),
  },
  { word: "numbers", figure: "numbers", distinct: true },
];
const WORDS = { numbers_long: "long", calls: "company.calls", talk_seconds: "talk" };

/** Show the calls behind a figure.
 * @param {Element} side where they are shown
 * @param {object} found the report it stands in
 * @param {string} key `USER.FIGURE.DIRECTION.DAY`, `company` for the user
 * @param {Function} close closes the panel
 * @returns {Function} gives it up
 */
export function drill(side, found, key, close) {
  const [user, figure, direction, onDay] = key.split(".");
  const list = h("ul", { class: "rows" });
  const calls = h("div", null);
  const path = user === "company" ? "/statistics/company/calls" : `/statistics/managers/${Number(user)}/calls`;
  const asked = { figure, direction, since: onDay || found.since, until: onDay || found.until, limit: PAGE };
  const column = COLUMNS.find((c) => c.figure === figure && (c.direction ?? "") === direction);
  const word = column?.word ?? WORDS[figure] ?? figure;
  const title = `${t(`fig.${word}`)} · ${user === "company" ? t("fig.company") : userName(Number(user))}`;
  const leave = { class: "button ghost", type: "button", "aria-label": t("close"), onclick: close };
  fill(
    side,
    h("div", { class: "sub-head" }, h("h2", { class: "cut" }, title), h("button", leave, icon("close"))),
    h("p", { class: "part definition" }, definition(found, user, figure, word)),
    calls,
  );

  function more(answer) {
    list.append(...answer.items.map((item) => (item.call ? briefRow(item.call, { part: item }) : briefRow(item))));
    const foot = h("div", { class: "foot" });
    if (!answer.next) return fill(foot, h("span", { class: "dim" }, t("fig.calls", { n: list.children.length })));
    const next = async () => {
      try {
        foot.replaceWith(more(await api(path, { query: { ...asked, cursor: answer.next } })));
      } catch (fault) {
        fill(foot, failed(fault, next));
      }
    };
    return fill(foot, h("button", { class: "button", type: "button", "data-row": true, onclick: next }, t("more")));
  }

  return load(
    calls,
    (signal) => api(path, { query: asked, signal }),
    (answer) => {
      fill(list);
      fill(calls, answer.items.length ? [list, more(answer)] : nothing(t("calls.empty")));
    },
  );
}

function definition(found, user, figure, word) {
  if (user === "company") return t(`def.company.${figure}`);
  if (figure === "calls") return t(word === "in" || word === "out" ? `def.${word}` : "def.calls");
  return t(`def.${figure}`, { for: duration(found.seconds) });
}
