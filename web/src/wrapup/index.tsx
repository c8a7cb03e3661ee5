/* The panel as pages embed it: its code and words come when it is shown first. `<AfterCall call={id} />` */

import { lazy, Suspense } from "react";
import { loadWords } from "../words";

const Panel = lazy(async () => {
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
