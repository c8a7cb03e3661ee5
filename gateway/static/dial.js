/* Click-to-call: one order for one wish. Its Idempotency-Key stays the same until its fate is known, so trying again
   after a lost answer never dials twice; what came of it is told in plain words. */

import { api, newKey } from "./api.js";
import { h, fill, icon } from "./dom.js";
import { phone } from "./format.js";
import { has, t } from "./words.js";

const ASK_EVERY_MS = 1500;
const ASK_FOR_MS = 60000;
const OPEN_STATES = ["stored", "sent", "accepted", "dialled"];
const TONES = { refused: "miss", cancelled: "miss", unknown: "warn", accepted: "talk", dialled: "talk", talking: "talk" };
const NO_NUMBER = ["hidden", "short", "own"];

/** The box for a number, with its outcome in a place of its own. */
export function dialBox({ big = false } = {}) {
  const field = h("input", {
    type: "tel",
    class: "field",
    placeholder: t("dial.hint"),
    "aria-label": t("dial.label"),
    autocomplete: "off",
    maxlength: 64,
    "data-dial": true,
  });
  const button = h("button", { class: "button go", type: "submit" }, icon("phone"), t("dial.go"));
  const outcome = h("p", { class: "outcome", role: "status" }, big ? t("dial.note") : "");
  let key = null;
  let turn = 0;

  const say = (text, tone, ...more) => {
    outcome.className = `outcome ${tone ?? ""}`;
    fill(outcome, text, ...more);
    outcome.title = typeof text === "string" ? text : "";
  };

  async function order(number) {
    const mine = ++turn;
    key ??= newKey();
    button.disabled = true;
    say(t("dial.sending", { number }));
    try {
      const command = await api("/calls", { method: "POST", body: { number }, headers: { "Idempotency-Key": key } });
      key = null;
      field.value = "";
      await follow(command, mine);
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      if (fault.status === 0 || fault.slug === "still-running") {
        say(
          t("dial.away"),
          "warn",
          " ",
          h("button", { class: "link", type: "button", onclick: () => order(number) }, t("again")),
        );
        return;
      }
      key = null;
      say(refusal(fault), "miss");
    } finally {
      button.disabled = false;
    }
  }

  /** Ask what became of the order until the phone system has said it. */
  async function follow(command, mine) {
    const until = Date.now() + ASK_FOR_MS;
    let present = command;
    tell(present);
    button.disabled = false;
    while (OPEN_STATES.includes(present.state) && Date.now() < until && mine === turn && outcome.isConnected) {
      await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
      try {
        present = await api(`/commands/${command.id}`);
      } catch (fault) {
        if (fault.away) continue;
        return;
      }
      if (mine === turn) tell(present);
    }
  }

  function tell(command) {
    const seen = !["stored", "sent", "refused", "unknown"].includes(command.state);
    const call = seen && h("a", { class: "link", href: `/calls/${command.call_id}` }, t("dial.call"));
    say(words(command), TONES[command.state], call && " ", call);
  }

  const form = h("form", { class: `dial${big ? " big" : ""}` }, h("span", { class: "pair" }, field, button), outcome);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = field.value.trim();
    if (number) order(number);
    else field.focus();
  });
  field.addEventListener("input", () => {
    key = null; // another number is another order
    if (outcome.classList.length > 1) say(big ? t("dial.note") : "");
  });
  return form;
}

/** What became of an order, in the reader's words. */
function words(command) {
  const number = phone(command.number);
  const reasons = { refused: "dial.refused_by" };
  const reason = command.reason && (reasons[command.reason] ?? `dial.${command.reason}`);
  if (["refused", "ended"].includes(command.state) && reason && has(reason)) return t(reason, { number });
  if (command.state === "ended" && !["answered", "lost_in_transfer", "manager_hung_up"].includes(command.reason))
    return t("dial.lines", { number, why: command.detail });
  return t(`dial.${command.state}`, { number });
}

function refusal(fault) {
  if (fault.slug === "invalid-request") {
    const [first] = fault.faults;
    return !first || NO_NUMBER.includes(first.code) ? t("dial.badnumber") : first.detail;
  }
  if (fault.slug === "rejected") return t("dial.nophone");
  if (fault.status === 503) return t("dial.not_connected");
  if (fault.status === 403) return t("problem.right");
  return fault.away ? t("problem.away") : fault.message;
}

/** Put the cursor into the box that can be seen; where there is none, say so. */
export function focusDial() {
  const box = [...document.querySelectorAll("[data-dial]")].find((field) => field.offsetParent !== null);
  box?.focus();
  return Boolean(box);
}
