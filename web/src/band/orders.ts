/* Orders to his call, each with its outcome in words: over the live line, over HTTP where it is away. */

import { useMemo } from "react";
import { api, asProblem, body, done, once, useOrder } from "../api";
import { useWords } from "../words";
import { faultWord, wordOf, type FaultWord } from "./faults";
import type { Command } from "./phone";
import { say } from "./store";

export type Target = { readonly user: number } | { readonly number: string };
type Simple =
  | "hold" | "resume" | "recording_pause" | "recording_resume" | "consult_complete" | "consult_abandon" | "listen" | "whisper"
  | "barge"; // prettier-ignore

const PATHS = {
  hold: "/api/v1/calls/{call_id}/hold",
  resume: "/api/v1/calls/{call_id}/resume",
  recording_pause: "/api/v1/calls/{call_id}/recording/pause",
  recording_resume: "/api/v1/calls/{call_id}/recording/resume",
  consult_complete: "/api/v1/calls/{call_id}/consult/complete",
  consult_abandon: "/api/v1/calls/{call_id}/consult/abandon",
  listen: "/api/v1/calls/{call_id}/listen",
  whisper: "/api/v1/calls/{call_id}/whisper",
  barge: "/api/v1/calls/{call_id}/barge",
} as const satisfies Record<Simple, string>;

/** How a fault of an order is said. */
export function useFaultWords(): (fault: unknown) => string {
  const t = useWords("band");
  return useMemo(
    () => (fault) => {
      const problem = asProblem(fault);
      if (!problem) throw fault;
      const word = faultWord(problem);
      return word ? t(`fault.${word}`) : problem.detail || t("fault.failed");
    },
    [t],
  );
}

/** What may be ordered; each resolves to whether it was done, and says in the band why not. */
export function useCallOrders() {
  const order = useOrder();
  const t = useWords("band");
  const faultWords = useFaultWords();
  return useMemo(() => {
    const told = async (giving: Promise<Command | undefined>, impossible: FaultWord = "not_possible"): Promise<boolean> => {
      say(null);
      try {
        const command = await giving;
        if (command?.state === "refused" || command?.state === "unknown") {
          const word = command.reason === "not_possible" ? impossible : wordOf(command.reason);
          say(word ? t(`fault.${word}`) : command.detail);
          return false;
        }
        return true;
      } catch (fault) {
        say(faultWords(fault));
        return false;
      }
    };
    const simple = (what: Simple) => (call: string) =>
      told(
        order(what, { call }, (key) =>
          body(api.POST(PATHS[what], { params: { path: { call_id: call }, header: once(key) } })),
        ),
      );
    const transfer = (call: string, target: Target) =>
      order("transfer", { call, ...target }, (key) =>
        body(api.POST("/api/v1/calls/{call_id}/transfer", { params: { path: { call_id: call }, header: once(key) }, body: target })),
      );
    return {
      hold: simple("hold"),
      resume: simple("resume"),
      pauseRecording: simple("recording_pause"),
      resumeRecording: simple("recording_resume"),
      join: simple("consult_complete"),
      goBack: simple("consult_abandon"),
      listen: simple("listen"),
      whisper: simple("whisper"),
      barge: simple("barge"),
      digits: (call: string, digits: string) =>
        told(
          order("digits", { call, digits }, (key) =>
            body(api.POST("/api/v1/calls/{call_id}/digits", { params: { path: { call_id: call }, header: once(key) }, body: { digits } })),
          ),
        ),
      transfer: (call: string, target: Target) => told(transfer(call, target)),
      /** Send a call on that still rings. */
      passOn: (call: string, target: Target) => told(transfer(call, target), "not_passed_on"),
      consult: (call: string, target: Target) =>
        told(
          order("consult", { call, ...target }, (key) =>
            body(api.POST("/api/v1/calls/{call_id}/consult", { params: { path: { call_id: call }, header: once(key) }, body: target })),
          ),
        ),
      hangUp: (call: string) =>
        told(
          (async () => {
            await done(api.DELETE("/api/v1/calls/{call_id}", { params: { path: { call_id: call } } }));
            return undefined;
          })(),
        ),
      cancel: (command: string) =>
        told(
          (async () => {
            await done(api.DELETE("/api/v1/commands/{command_id}", { params: { path: { command_id: command } } }));
            return undefined;
          })(),
        ),
    };
  }, [order, t, faultWords]);
}
