/* Signing in, and the page that is none. */

import { api } from "../api.js";
import { h, fill } from "../dom.js";
import { nothing } from "../panel.js";
import { LANGUAGES, languageNow, speak, t } from "../words.js";

/** The form for login and password.
 * @param {{over: boolean, entered: Function, redraw: Function}} how over: a session has just ended
 */
export function signIn({ over, entered, redraw }) {
  const login = h("input", {
    class: "field",
    id: "login",
    name: "login",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: 80,
  });
  const password = h("input", {
    class: "field",
    id: "password",
    name: "password",
    type: "password",
    autocomplete: "current-password",
    maxlength: 512,
  });
  const told = h("p", { class: "told", role: "alert" }, over && t("sign.over"));
  const button = h("button", { class: "button pri wide", type: "submit" }, t("sign.go"));

  async function enter() {
    if (!login.value.trim() || !password.value) {
      fill(told, t("sign.empty"));
      (login.value.trim() ? password : login).focus();
      return;
    }
    button.disabled = true;
    fill(button, t("sign.wait"));
    try {
      await entered(
        await api("/session", { method: "POST", body: { login: login.value.trim(), password: password.value } }),
      );
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      fill(told, words(fault));
      password.select();
    } finally {
      button.disabled = false;
      fill(button, t("sign.go"));
    }
  }

  const languages = Object.entries(LANGUAGES).map(([tag, word]) =>
    h(
      "button",
      {
        class: "link",
        type: "button",
        lang: tag,
        "aria-pressed": String(tag === languageNow()),
        onclick: () => (speak(tag), redraw()),
      },
      word,
    ),
  );
  const form = h(
    "form",
    { class: "sign-in" },
    h("h1", null, t("sign.title")),
    h("div", { class: "labelled" }, h("label", { for: "login" }, t("sign.login")), login),
    h("div", { class: "labelled" }, h("label", { for: "password" }, t("sign.password")), password),
    told,
    button,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter();
  });
  setTimeout(() => login.isConnected && login.focus());
  const logo = h("img", { src: new URL("../logo.svg", import.meta.url).pathname, alt: "", width: 28, height: 28 });
  return h(
    "main",
    { class: "door" },
    h("p", { class: "brand" }, logo, h("b", null, "Trunkline")),
    form,
    h("p", { class: "languages" }, languages),
  );
}

function words(fault) {
  if (fault.status === 401) return t("sign.wrong");
  if (fault.status === 429) return t("sign.later");
  return fault.away ? t("problem.away") : t("sign.wrong");
}

/** An address that is no view. */
export function noPage() {
  return {
    title: t("nopage"),
    node: nothing(t("nopage"), t("nopage.next"), h("a", { class: "button", href: "/" }, t("live"))),
  };
}
