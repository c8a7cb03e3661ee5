/* The sound of a call in React. */

import { useEffect, useState, useSyncExternalStore } from "react";
import { Sound, type SoundView } from "./sound";

/** The sound of a recording, from a second on; it ends with the component. */
export function useSound(address: string, hasSides: boolean, begin: { second: number; seconds: number }): Sound {
  const [sound] = useState(() => new Sound(address, hasSides, begin));
  useEffect(() => {
    sound.start();
    return () => sound.stop();
  }, [sound]);
  return sound;
}

/** A part of what is heard; drawn anew only when that part changes. */
export function useHeard<T extends number | string | boolean>(sound: Sound, select: (view: SoundView) => T): T {
  return useSyncExternalStore(sound.subscribe, () => select(sound.view()));
}
