/* Listening to a recording: play, jump, speed, and a picture of the sound that is also the way to a moment. */

import { address, api } from "./api.js";
import { h, fill, icon } from "./dom.js";
import { duration } from "./format.js";
import { t } from "./words.js";
import { readPeaks, waveform } from "./waveform.js";

const SPEEDS = [1, 1.5, 2];
const SMALL_STEP_S = 5;
const STEP_S = 10;

/** The player of a call's recording.
 * @param {object} call with a stored recording
 * @param {{at?: number, moved: Function}} how at: second to begin at; moved: told the present second
 * @returns {{node: Element, seek: Function, toggle: Function, jump: Function, leave: Function}}
 */
export function player(call, { at = 0, moved }) {
  const audio = new Audio();
  audio.preload = "none"; // listening leaves a trace in the audit: nothing is fetched before somebody listens
  audio.src = address(`/calls/${call.id}/recording`);
  const picture = waveform();
  const whole = () => (Number.isFinite(audio.duration) && audio.duration) || call.recording.duration_seconds || 0;
  let wanted = at;
  let frame = 0;

  const time = h("b", { class: "t" }, duration(at));
  const total = h("span", { class: "dim" });
  const told = h("p", { class: "told", role: "alert" });
  const button = h("button", { class: "play", type: "button", onclick: toggle });
  const bar = h(
    "div",
    {
      class: "wave-box",
      role: "slider",
      tabindex: 0,
      "aria-label": t("play.position"),
      "aria-valuemin": 0,
      onpointerdown: point,
      onpointermove: (event) => event.buttons === 1 && point(event),
      onkeydown: keyed,
    },
    picture,
  );

  function toggle() {
    if (!audio.paused) audio.pause();
    else audio.play().catch((fault) => fault.name !== "AbortError" && broken());
  }

  function broken() {
    fill(told, t("rec.broken"));
    draw();
  }

  function seek(second, { play = false } = {}) {
    wanted = Math.min(Math.max(0, second), whole());
    if (audio.readyState > 0) audio.currentTime = wanted;
    draw();
    moved(wanted, true);
    if (play && audio.paused) toggle();
  }

  function point(event) {
    const box = bar.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * whole());
  }

  function keyed(event) {
    const places = { Home: 0, End: whole() };
    if (!(event.code in places)) return;
    event.preventDefault();
    seek(places[event.code]);
  }

  function present() {
    return audio.readyState > 0 ? audio.currentTime : wanted;
  }

  function draw() {
    const second = present();
    time.textContent = duration(second);
    fill(total, t("play.of", { n: duration(whole()) }));
    picture.heard(whole() ? second / whole() : 0);
    bar.setAttribute("aria-valuemax", Math.round(whole()));
    bar.setAttribute("aria-valuenow", Math.round(second));
    bar.setAttribute("aria-valuetext", duration(second));
    const word = audio.paused ? "play" : "pause";
    if (button.dataset.word !== word) {
      button.dataset.word = word;
      button.setAttribute("aria-label", t(word));
      fill(button, icon(word, 18));
    }
  }

  function run() {
    draw();
    moved(present(), false);
    frame = audio.paused ? 0 : requestAnimationFrame(run);
  }

  audio.addEventListener("loadedmetadata", () => {
    if (wanted) audio.currentTime = wanted;
  });
  for (const name of ["play", "pause", "ended", "seeked", "durationchange"]) {
    audio.addEventListener(name, () => (cancelAnimationFrame(frame), run()));
  }
  audio.addEventListener("playing", () => fill(told));
  audio.addEventListener("error", broken);

  api(`/calls/${call.id}/peaks`, { as: "bytes" })
    .then((bytes) => picture.show(readPeaks(bytes)))
    .catch(() => picture.show(null)); // without its picture the sound can be heard all the same

  const speeds = SPEEDS.map((speed) =>
    h(
      "button",
      { type: "button", "aria-pressed": String(speed === 1), onclick: (event) => choose(event.target, speed) },
      `${speed}×`,
    ),
  );
  function choose(chosen, speed) {
    audio.playbackRate = speed;
    for (const other of speeds) other.setAttribute("aria-pressed", String(other === chosen));
  }

  const jump = (step) => seek(present() + step);
  const stepper = (word, step, sign) =>
    h("button", { class: "button t", type: "button", "aria-label": t(word), onclick: () => jump(step) }, sign);
  const node = h(
    "section",
    { class: "player", "aria-label": t("recorded") },
    h("div", { class: "sides", "aria-hidden": "true" }, sides(call)),
    bar,
    h(
      "div",
      { class: "controls" },
      stepper("play.back", -STEP_S, "−10"),
      button,
      stepper("play.on", STEP_S, "+10"),
      h("span", { class: "now" }, time, " ", total),
      h("span", { class: "seg", role: "group", "aria-label": t("play.speed") }, speeds),
      told,
    ),
  );
  draw();
  return {
    node,
    seek,
    toggle,
    step: (sign) => jump(sign * SMALL_STEP_S),
    leave() {
      cancelAnimationFrame(frame);
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
      picture.leave();
    },
  };
}

function sides(call) {
  if (!call.recording.has_speakers) return h("span", { class: "mgr" }, t("speaker.both"));
  return [h("span", { class: "mgr" }, t("speaker.manager")), h("span", { class: "cli" }, t("speaker.client"))];
}
