/* A call without sound: why there is none, what is kept, and what can be done about it. */

import type { Schemas } from "../api";
import { Notice, type IconName } from "../parts";
import { useWords } from "../words";
import { Anew } from "./Anew";

const LOOKS = {
  none: "record",
  wanted: "clock",
  damaged: "warn",
  failed: "warn",
  skipped: "copy",
  deleted: "trash",
} as const satisfies Record<string, IconName>;
type State = keyof typeof LOOKS;

export function Unheard({ call }: { call: Schemas["CallView"] }) {
  const t = useWords("player");
  const told = call.recording?.state ?? "none";
  const state: State = told in LOOKS ? (told as State) : "none";
  const isGivenUp = state === "damaged" || state === "failed";
  return (
    <Notice
      icon={LOOKS[state]}
      tone={isGivenUp ? "miss" : "quiet"}
      title={t(`sound.${state}.title`)}
      act={isGivenUp && <Anew call={call} what="recording" />}
    >
      {t(`sound.${state}`)}
    </Notice>
  );
}
