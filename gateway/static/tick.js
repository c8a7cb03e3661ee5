/* One clock for all running times of the screen. */

import { now } from "./api.js";
import { h } from "./dom.js";
import { duration } from "./format.js";

const running = new Set();

/** A time that counts up from a moment. */
export function since(moment, given = {}) {
  const node = h("span", { class: "t", "aria-live": "off", ...given });
  const clock = { node, from: Date.parse(moment) };
  running.add(clock);
  write(clock);
  return node;
}

/** Do this every second as long as the node is on the screen. */
export function everySecond(node, act) {
  running.add({ node, act });
  act();
}

function write({ node, from, act }) {
  if (act) act();
  else node.textContent = duration((now() - from) / 1000);
}

setInterval(() => {
  for (const clock of running) {
    clock.gone = clock.node.isConnected ? 0 : (clock.gone ?? 0) + 1;
    if (clock.gone > 1) running.delete(clock);
    else write(clock);
  }
}, 1000);
