/* The palette and the list of keys, loaded when they are opened first. */

import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { late, persistently } from "../parts/late";
import { overlays } from "./openers";

const loadPalette = persistently(() => import("./Palette"));
const Palette = lazy(loadPalette);
const KeysOverlay = late(() => import("./KeysOverlay"));

const REST_MS = 3000;

export function Overlays() {
  const open = useSyncExternalStore(overlays.subscribe, overlays.get);
  // Fetched once the page is at rest, so that what is typed right after Ctrl+K goes into its field.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), REST_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Suspense>
      {open === "palette" && <Palette />}
      {open === "keys" && <KeysOverlay />}
    </Suspense>
  );
}
