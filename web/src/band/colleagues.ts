/* Whom a call may be passed to, in the order in which they are offered. Pure. */

import type { Schemas } from "../api";
import { tame } from "../formats";

export type Colleague = Schemas["ColleagueView"];

/** Colleagues whom typed words fit: of name, team or extension; the free ones first, those without a phone never.
 * @param byName compares names as the reader's language does
 */
export function found(all: readonly Colleague[], text: string, byName: (one: string, other: string) => number): readonly Colleague[] {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (colleague: Colleague) => {
    const within = [tame(colleague.name), ...colleague.teams, ...colleague.extensions].join(" ").toLocaleLowerCase();
    return colleague.extensions.length > 0 && words.every((word) => within.includes(word));
  };
  return all.filter(fits).sort((one, other) => place(one) - place(other) || byName(one.name, other.name));
}

const PLACES: Readonly<Record<Colleague["state"], number>> = { available: 1, after_call: 2, talking: 3, break: 4, off: 5 };

function place(colleague: Colleague): number {
  return colleague.free ? 0 : PLACES[colleague.state];
}
