/* The palette and the list of keys, loaded when they are opened first. */

import { lazy, Suspense, useSyncExternalStore } from "react";
import { overlays } from "./openers";

const Palette = lazy(() => import("./Palette"));
const KeysOverlay = lazy(() => import("./KeysOverlay"));

export function Overlays() {
  const open = useSyncExternalStore(overlays.subscribe, overlays.get);
  return (
    <Suspense>
      {open === "palette" && <Palette />}
      {open === "keys" && <KeysOverlay />}
    </Suspense>
  );
}
