/* The wrap-up of one call: what was chosen and typed so far (kept in this browser, in every tab of it), what the gateway
   has of it, and saving. The band and the panel use the same one. */

import { useCallback, useMemo, useState } from "react";
import { api, asProblem, body, keys, newKey, once, useQuery, useQueryClient, type Schemas } from "../api";
import { useSession } from "../app/session";
import { useCaller } from "../caller/useCaller";
import { useDraft } from "../drafts/useDraft";
import { byDigit, changedOutcome, choices, draftOf, EMPTY, isTouched, missing, newOutcome, withOutcome, type Ask, type Disposition, type WrapDraft } from "./rules"; // prettier-ignore
import { useForgetCall } from "./recent";
import { isZone, proposal, spanOf, type Hours, type Span } from "./times";

type Outcome = Schemas["OutcomeView"];

export interface WrapUp {
  readonly draft: WrapDraft;
  /** With the day and time that are proposed where none was typed. */
  readonly filled: WrapDraft;
  readonly outcome: Disposition | null;
  readonly rows: readonly Disposition[];
  readonly catalogue: Schemas["CatalogueView"] | undefined;
  readonly lacks: readonly Ask[];
  readonly zone: string;
  /** Whether the zone is the client's own; else nobody knows it, and it is ours. */
  readonly isTheirZone: boolean;
  readonly theirs: Hours | null;
  readonly ours: Hours | null;
  /** What the gateway has of it; null: nothing yet. */
  readonly saved: Outcome | null;
  readonly isTouched: boolean;
  readonly isSaving: boolean;
  readonly fault: string | null;
  /** What the gateway refused, by field: `outcome`, `reason`, `next_step`. */
  readonly faults: Readonly<Record<string, string>>;
  change: (change: Partial<WrapDraft>) => void;
  choose: (outcome: Disposition) => void;
  chooseDigit: (digit: number) => boolean;
  /** Save; resolves to whether it is saved. `isPartial`: also while something is lacking. */
  save: (isPartial?: boolean) => Promise<boolean>;
}

/** @param call whose wrap-up; null: of none, nothing can be saved */
export function useWrapUp(call: string | null): WrapUp {
  const session = useSession();
  const client = useQueryClient();
  const forget = useForgetCall();
  const catalogue = useCatalogue();
  const saved = useSavedOutcome(call);
  const first = useMemo(() => (saved ? draftOf(saved) : EMPTY), [saved]);
  const [draft, setDraft, dropDraft] = useDraft<WrapDraft>(`wrapup/${call ?? "none"}`, first);
  const [isSaving, setSaving] = useState(false);
  const [refusal, setRefusal] = useState<{ fault: string | null; faults: Record<string, string> }>({ fault: null, faults: {} });
  const person = useCaller(call).data?.people;
  const theirZone = person?.length === 1 ? person[0]?.zone : null;
  const isTheirZone = isZone(theirZone);
  const zone = isTheirZone ? theirZone : session.who.timezone;
  const theirs = useClientHours(zone);
  const ours = useOwnHours(session.userId);
  const rows = useMemo(() => choices(catalogue), [catalogue]);
  const outcome = rows.find((row) => row.key === draft.outcome) ?? null;
  const proposed = useMemo(() => proposal(Date.now(), zone, theirs, ours), [zone, theirs, ours]);
  const filled = useMemo(() => ({ ...draft, day: draft.day ?? proposed.day, time: draft.time ?? proposed.time }), [draft, proposed]);
  const lacks = missing(draft, outcome);

  const change = useCallback(
    (part: Partial<WrapDraft>) => {
      setRefusal({ fault: null, faults: {} });
      setDraft({ ...draft, ...part });
    },
    [draft, setDraft],
  );
  const choose = useCallback((row: Disposition) => change(withOutcome(draft, row, catalogue)), [change, draft, catalogue]);
  const save = async (isPartial = false): Promise<boolean> => {
    if (!call || !outcome || isSaving || (lacks.length > 0 && !isPartial)) return false;
    setSaving(true);
    setRefusal({ fault: null, faults: {} });
    try {
      const chosen = saved
        ? await body(api.PATCH("/api/v1/outcomes/{outcome_id}", { params: { path: { outcome_id: saved.id } }, body: changedOutcome(saved.version, filled, outcome, zone) }))
        : await body(api.POST("/api/v1/outcomes", { params: { header: once(newKey()) }, body: newOutcome(call, filled, outcome, zone) }));
      client.setQueryData(outcomeKey(call), chosen);
      dropDraft();
      if (!isPartial) forget(call);
      return true;
    } catch (fault) {
      const problem = asProblem(fault);
      if (!problem) throw fault;
      if (problem.status === 409) void client.invalidateQueries({ queryKey: outcomeKey(call) });
      const faults = Object.fromEntries(problem.errors.map((one) => [one.pointer.split("/")[1] ?? "", one.detail]));
      setRefusal({ fault: problem.detail, faults });
      return false;
    } finally {
      setSaving(false);
    }
  };
  return {
    draft, filled, outcome, rows, catalogue, lacks, zone, isTheirZone, theirs, ours, saved, isSaving, ...refusal, change, choose, save,
    isTouched: isTouched(draft),
    chooseDigit: (digit) => {
      const row = byDigit(rows, digit);
      if (row) choose(row);
      return row !== null;
    },
  }; // prettier-ignore
}

const outcomeKey = (call: string) => keys.view("outcomes", "of-call", call);

/** The company's outcomes, reasons and rules. */
export function useCatalogue() {
  return useQuery({
    queryKey: keys.view("outcomes", "catalogue"),
    queryFn: () => body(api.GET("/api/v1/dispositions")),
    staleTime: 10 * 60_000,
    enabled: useSession().may("outcomes.write_own"),
  }).data;
}

function useSavedOutcome(call: string | null): Outcome | null {
  const { may } = useSession();
  const query = useQuery({
    queryKey: outcomeKey(call ?? ""),
    queryFn: async (): Promise<Outcome | null> =>
      (await body(api.GET("/api/v1/outcomes", { params: { query: { call: call ?? "", limit: 1 } } }))).items[0] ?? null,
    enabled: call !== null && may("outcomes.write_own"),
  });
  return query.data ?? null;
}

const WHOLE: Span = { since: 0, until: 1440 };

/** Hours in which clients may be called, by their own clock. */
function useClientHours(zone: string): Hours | null {
  const rule = useQuery({
    queryKey: keys.view("scheduled", "rule"),
    queryFn: () => body(api.GET("/api/v1/scheduled-calls/rule")),
    staleTime: 10 * 60_000,
    enabled: useSession().may("scheduled.read_own"),
  }).data;
  return useMemo(() => {
    if (!rule) return null;
    const span = spanOf(`${rule.hours_since}-${rule.hours_until}`) ?? WHOLE;
    return { zone, week: [0, 1, 2, 3, 4, 5, 6].map((day) => (rule.weekdays.includes(day) ? [span] : [])) };
  }, [rule, zone]);
}

/** One's own working hours, else the company's; null: nobody entered any. */
function useOwnHours(me: number | null): Hours | null {
  const tables = useQuery({
    queryKey: keys.view("hours", "all"),
    queryFn: async () => (await body(api.GET("/api/v1/working-hours"))).items,
    staleTime: 10 * 60_000,
    enabled: useSession().may("tasks.read_own"),
  }).data;
  return useMemo(() => {
    const found = tables?.find((row) => row.user === me && me !== null) ?? tables?.find((row) => row.user === null && row.did === null);
    if (!found || !isZone(found.timezone)) return null;
    const spans = (texts: readonly string[]) => texts.map(spanOf).filter((span) => span !== null);
    return { zone: found.timezone, week: found.week.map(spans), days: Object.fromEntries(found.exceptions.map((day) => [day.day, spans(day.hours)])) };
  }, [tables, me]);
}
