/* Parts that are loaded when they are wanted. One that cannot be had at that moment, because the connection is away, is
   asked for again until it comes: whoever pressed its key sees it then, and the page never breaks for want of it. */

import { lazy, type ComponentType } from "react";
import { backoff } from "../api/backoff";

/** Whether a part of the page could not be fetched; else it is faulty itself. */
export function isOutOfReach(fault: unknown): boolean {
  return fault instanceof Error && /dynamically imported module|module script failed|preload CSS/i.test(fault.message);
}

/** Loads once, however often it is called; tries again as long as the part is out of reach.
 * @param pause waits before the next try; the number of tries so far
 */
export function persistently<T>(load: () => Promise<T>, pause: (failures: number) => Promise<unknown> = rest): () => Promise<T> {
  let loading: Promise<T> | undefined;
  const tried = async (): Promise<T> => {
    for (let failures = 0; ; ) {
      try {
        if (failures > 0) await stylesAgain();
        return await load();
      } catch (fault) {
        if (!isOutOfReach(fault)) throw fault;
        await pause(++failures);
      }
    }
  };
  return () => (loading ??= tried());
}

/** A component that is loaded when it is drawn first. */
export function late<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(persistently(load));
}

function rest(failures: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, backoff(failures, 0));
    addEventListener("online", done);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve(null);
    }
  });
}

/** The loader asks for a style sheet once only: those that did not come are asked for again. */
async function stylesAgain(): Promise<void> {
  const links = typeof document === "undefined" ? [] : document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]");
  const lost = [...links].filter((link) => link.sheet === null);
  await Promise.all(
    lost.map(
      (link) =>
        new Promise((resolve, reject) => {
          const again = link.cloneNode() as HTMLLinkElement;
          again.addEventListener("load", resolve);
          again.addEventListener("error", () => reject(new Error("Unable to preload CSS")));
          link.replaceWith(again);
        }),
    ),
  );
}
