/* The keyboard. Keys are matched by their place (`event.code`), so they work in a Russian layout too; letters count only
   outside fields, and AltGr belongs to Polish letters. */

import { go } from "./router.js";

const PLACES = { KeyL: "/", KeyC: "/calls", KeyK: "/clients", KeyF: "/figures" };
const WAIT_MS = 1200;

let ofView = {};
let ofPage = {};
let goUntil = 0;

/** Keys of the whole page: a function by `event.code`; `Slash+` is with Shift. */
export function pageKeys(table) {
  ofPage = table;
}

/** Keys of the view that is shown; they come before those of the page. */
export function viewKeys(table) {
  ofView = table;
}

/** Whether somebody is writing. */
export function isWriting(target = document.activeElement) {
  return Boolean(target?.closest?.("input, textarea, select, [contenteditable]"));
}

/** Move the focus within the rows of the view.
 * @param {number} step 1 or -1
 * @returns {boolean} whether there was a row
 */
export function moveRow(step) {
  const rows = [...document.querySelectorAll("main [data-row]")].filter((row) => row.offsetParent !== null);
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (rows.find((row) => row.getAttribute("aria-current") === "true") ?? rows[0]) : rows[at + step];
  (next ?? rows[at]).focus();
  return true;
}

function name(event) {
  return event.key === "?" ? "Slash+" : event.code + (event.shiftKey ? "+" : "");
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const writing = isWriting(event.target);
  if (writing && event.code !== "Escape") return;
  if (writing) {
    event.target.blur();
    return;
  }
  if (event.code === "Space" && event.target.closest?.("button, summary, a")) return;
  if (goUntil > event.timeStamp && PLACES[event.code]) {
    goUntil = 0;
    event.preventDefault();
    go(PLACES[event.code]);
    return;
  }
  goUntil = event.code === "KeyG" ? event.timeStamp + WAIT_MS : 0;
  const act = ofView[name(event)] ?? ofPage[name(event)];
  if (act && act(event) !== false) event.preventDefault();
}

addEventListener("keydown", pressed);
