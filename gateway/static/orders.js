/* Orders about a recording, for those who may hear everybody's: take in again what was given up, write down anew what
   was said. */

import { api, newKey } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { reason } from "./panel.js";
import { locale, t } from "./words.js";

const AUTO = "auto";
const LANGUAGES = [AUTO, "ru", "en"];

/** A button that takes in again a recording that was given up; null for those without the right.
 * @param {Function} done given the recording as it is then, or null where it has to be read
 */
export function retryOrder(site, call, done) {
  return order(site, { word: "order.retry", path: `/calls/${call.id}/recording/retry`, done });
}

/** A button with a choice of language that has a call written down; null for those without the right. */
export function writeOrder(site, call, done) {
  const written = call.recording?.transcript_state === "ready";
  const names = new Intl.DisplayNames([locale()], { type: "language" });
  const choice = h(
    "select",
    { class: "field", "aria-label": t("order.language") },
    LANGUAGES.map((tag) => h("option", { value: tag }, tag === AUTO ? t("order.auto") : names.of(tag))),
  );
  const word = written ? "order.anew" : "order.write";
  return order(site, {
    word,
    path: `/calls/${call.id}/transcript`,
    body: () => ({ language: choice.value }),
    before: choice,
    done,
  });
}

/** One button; a request whose answer was lost is repeated under the same key. */
function order(site, { word, path, body, before, done }) {
  if (!site.may("recordings.listen_all")) return null;
  const told = h("span", { class: "order-told", role: "alert" });
  const button = h("button", { class: "button", type: "button", onclick: send }, t(word));
  let key = newKey();
  before?.addEventListener("change", () => (key = newKey())); // another language is another order

  async function send() {
    button.disabled = true;
    fill(told);
    try {
      const recording = await api(path, { method: "POST", body: body?.(), headers: { "Idempotency-Key": key } });
      key = newKey();
      done(recording);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      if (!fault.away) key = newKey();
      fill(told, icon("warn", 14), " ", fault.status === 409 ? t(`${word}.conflict`) : reason(fault));
      if (fault.status === 409) done(null);
    } finally {
      button.disabled = false;
    }
  }
  return h("span", { class: "order" }, before, button, told);
}
