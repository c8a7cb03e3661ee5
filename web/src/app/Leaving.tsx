/* Before the sign-out on a shared computer: what is not sent yet, each with the way back to it. */

import { Suspense } from "react";
import { late } from "../parts/late";
import { useIsLeaving } from "./leaving";

const LeavingPanel = late(() => import("./LeavingPanel"));

export function Leaving() {
  if (!useIsLeaving()) return null;
  return (
    <Suspense>
      <LeavingPanel />
    </Suspense>
  );
}
