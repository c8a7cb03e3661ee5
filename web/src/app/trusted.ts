/* The one door through which a text may become markup (Trusted Types, docs/decisions/0025). Ours never needs it, but two
   libraries go through it: Mantine empties and fills <style> with rules of its own, and the player's waveform makes a
   frame of <div> and <style>. A text without `<` can become no element, and one whose tags are all of those two kinds no
   element that does anything. Whatever else arrives is a fault and is refused. */

import { styleNonce } from "../theme/nonce";

interface Policies {
  createPolicy(name: "default", rules: { createHTML: (text: string) => string }): unknown;
}

const HARMLESS = /^\/?(?:div|style)(?: (?:class|part|nonce)="[\w\s+/=-]*")*\s*>/;

/** Whether a text can become only plain frames and rules of style, so that no name of a caller comes alive in it. */
export function isHarmless(text: string): boolean {
  return text
    .split("<")
    .slice(1)
    .every((part) => HARMLESS.test(part));
}

/** Set the door up, before anything else of the page runs; browsers without Trusted Types need none. */
export function guardMarkup(page: { trustedTypes?: Policies }): void {
  page.trustedTypes?.createPolicy("default", {
    createHTML: (text) => {
      if (isHarmless(text)) return text;
      throw new TypeError("A text was about to become markup; it was refused.");
    },
  });
}

/** Guard this page. */
export function guardPage(): void {
  guardMarkup(globalThis as { trustedTypes?: Policies });
  // Styles that a library adds while the page runs (the lock of scrolling under a dialogue) ask here for the nonce.
  Object.assign(globalThis, { __webpack_nonce__: styleNonce() });
}
