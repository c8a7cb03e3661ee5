/* The panel as pages embed it: its code and words come when it is shown first. `<AfterCall call={id} />` within a panel
   of the page, `<AfterCallSide call={id} />` as a panel of its own at the right. */

import { Suspense } from "react";
import { loadWords } from "../words";
import styles from "./Side.module.css";
import { late } from "../parts/late";

const Panel = late(async () => {
  const [{ AfterCall: Loaded }] = await Promise.all([import("./AfterCall"), loadWords("wrapup")]);
  return { default: Loaded };
});

/** @param call whose outcome is given: the one on the line, or one that is over */
export function AfterCall({ call }: { call: string }) {
  return (
    <Suspense>
      <Panel key={call} call={call} />
    </Suspense>
  );
}

/** The same with the place of a side panel, in a page's `Columns`. */
export function AfterCallSide({ call }: { call: string }) {
  return (
    <div className={styles["side"]}>
      <AfterCall call={call} />
    </div>
  );
}

export { useCallToWrapUp } from "./recent";
