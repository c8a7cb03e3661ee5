/* The last placed call that came to nothing, for a minute, until somebody has read it. */

import { useState } from "react";
import { useSession } from "../app/session";
import { useMinute } from "../parts";
import type { Command } from "./phone";

const SHOWN_MS = 60_000;
const FINAL: ReadonlySet<string> = new Set(["refused", "ended", "unknown"]);

/** Whether a placed call is worth a word: it was not talked in, and it ended a moment ago.
 * @param now by the gateway's clock
 */
export function isFailure(command: Command, me: number | null, now: number): boolean {
  if (command.kind !== "call" || command.ordered_by !== me || me === null || command.source === "scheduled") return false;
  if (!FINAL.has(command.state) || command.reason === "answered" || command.began_at !== null) return false;
  const ended = Date.parse(command.ended_at ?? command.ordered_at);
  return now - ended < SHOWN_MS;
}

/** The one to show, and how to put it away. */
export function useFailedCall(commands: readonly Command[], skew: number): [Command | null, () => void] {
  const me = useSession().userId;
  const minute = useMinute();
  const [read, setRead] = useState<string | null>(null);
  const now = Math.max(minute, Date.now()) + skew;
  const last = commands.find((command) => command.kind === "call" && command.ordered_by === me) ?? null;
  const shown = last && last.id !== read && isFailure(last, me, now) ? last : null;
  return [shown, () => setRead(last?.id ?? null)];
}
