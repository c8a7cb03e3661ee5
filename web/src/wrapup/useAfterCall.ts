/* The acts of the time after a call: one more minute, later, save and next. */

import { useCallback } from "react";
import { useNavigate } from "react-router";
import { api, asProblem, body, newKey, once } from "../api";
import { useFaultWords } from "../band/orders";
import { say } from "../band/store";
import { oneMoreMinute } from "./clocks";
import type { WrapUp } from "./useWrapUp";

export function useAfterCall(wrap: WrapUp) {
  const navigate = useNavigate();
  const faultWords = useFaultWords();
  const choose = useCallback(
    async (send: { state: "available" | "after_call"; seconds?: number }) => {
      try {
        await body(api.PUT("/api/v1/states/me", { params: { header: once(newKey()) }, body: send }));
      } catch (fault) {
        if (!asProblem(fault)) throw fault;
        say(faultWords(fault));
      }
    },
    [faultWords],
  );
  return {
    more: (endsAt: number | null, now: number) => choose({ state: "after_call", seconds: oneMoreMinute(endsAt, now) }),
    /** Put it off: what was chosen is sent as it stands, the rest stays in this browser, the call stays in Today. */
    later: async () => {
      if (wrap.outcome && wrap.isTouched) await wrap.save(true);
      await choose({ state: "available" });
    },
    saveAndNext: async () => {
      if (!(await wrap.save())) return false;
      // The outcome ends the time after the call; so does this, where it belongs to another call.
      await choose({ state: "available" });
      void navigate("/today");
      return true;
    },
  };
}
