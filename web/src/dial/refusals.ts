/* What stands in the way of a call. Pure. */

import type { ApiProblem } from "../api/problem";
import { faultWord, type FaultWord } from "../band/faults";
import type { DialWish } from "../parts/dialling";

/** A call that was not placed. */
export interface NotPlaced {
  readonly wish: DialWish;
  readonly word: FaultWord | null;
  /** The gateway's own sentence. */
  readonly detail: string;
  /** Whether it may be placed all the same: a colleague has this client. */
  readonly canAnyway: boolean;
}

const SET_ASIDE: ReadonlySet<string> = new Set(["colleague_calls", "colleague_talks", "client_calls", "colleague_claimed"]);

/** What stands in the way of a call, out of the gateway's answer. */
export function notPlaced(wish: DialWish, problem: ApiProblem): NotPlaced {
  const word = faultWord(problem);
  return { wish, word, detail: problem.errors[0]?.detail ?? problem.detail, canAnyway: word !== null && SET_ASIDE.has(word) };
}
