/* What becomes of a call that he passed on while it rang: who was to take it has taken it, or has not. */

import { useEffect } from "react";
import { api, body, useOpenCalls, type LiveCall } from "../api";
import { useWords } from "../words";
import { forgetPassed, say, usePhonePart } from "./store";

/** What is told of it now; null: nothing yet. */
export function becameOf(call: Pick<LiveCall, "state" | "answered_by"> | undefined): "taken" | "lost" | null {
  if (!call) return null;
  if (call.answered_by.length > 0) return "taken";
  return call.state === "ended" ? "lost" : null;
}

/** Says in the band what became of it. */
export function usePassedOn(): void {
  const t = useWords("band");
  const calls = useOpenCalls();
  const passed = usePhonePart((view) => view.passed);
  const call = passed ? calls.get(passed.call) : undefined;
  const isOver = passed !== null && !call;
  const became = becameOf(call);
  useEffect(() => {
    if (!passed) return;
    const tell = (end: "taken" | "lost" | null) => {
      if (end === null) return;
      forgetPassed(passed.call);
      say(t(`passed.${end}`, { name: passed.to }), end === "lost");
    };
    if (!isOver) return tell(became);
    let isWanted = true;
    void body(api.GET("/api/v1/calls/{call_id}", { params: { path: { call_id: passed.call } } }))
      .then((found) => isWanted && tell(becameOf(found)))
      .catch(() => forgetPassed(passed.call)); // the list of calls says it
    return () => {
      isWanted = false;
    };
  }, [passed, isOver, became, t]);
}
