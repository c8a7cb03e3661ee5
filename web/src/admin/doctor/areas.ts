/* Findings in the order in which they are looked at: what is broken first, by place. */

export interface Found {
  readonly area: string;
  readonly level: "ok" | "advice" | "fault";
}

const RANKS = { fault: 0, advice: 1, ok: 2 } as const;

/** The places looked at with their findings; a place with a fault first, and in each the faults first. */
export function byArea<F extends Found>(findings: readonly F[]): { area: string; findings: F[] }[] {
  const areas = new Map<string, F[]>();
  for (const finding of findings) areas.set(finding.area, [...(areas.get(finding.area) ?? []), finding]);
  const worst = (some: readonly F[]) => Math.min(...some.map(({ level }) => RANKS[level]));
  return [...areas]
    .map(([area, some]) => ({ area, findings: some.toSorted((one, other) => RANKS[one.level] - RANKS[other.level]) }))
    .toSorted((one, other) => worst(one.findings) - worst(other.findings));
}

/** How many findings there are of a level. */
export function countOf(findings: readonly Found[], level: Found["level"]): number {
  return findings.filter((finding) => finding.level === level).length;
}
