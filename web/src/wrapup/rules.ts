/* What is asked after a call, what was answered so far, and what is sent of it. Pure: the company's lists in, words out
   by the caller. The rules are those of docs/outcomes.md; the gateway checks them again. */

import type { Schemas } from "../api";
import { instantOf } from "./times";

export type Disposition = Schemas["DispositionView"];
export type ReasonOption = Schemas["ReasonView"];
export type Catalogue = Schemas["CatalogueView"];
type OutcomeView = Schemas["OutcomeView"];
type NextStepFields = Schemas["NextStepFields"];

/** What can be done next; `none`: nothing more. */
export type StepKind = "call" | "letter" | "meeting" | "none";
export const STEPS: readonly StepKind[] = ["call", "letter", "meeting", "none"];

/** What somebody has chosen and typed so far. */
export interface WrapDraft {
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly note: string;
  readonly step: StepKind | null;
  /** Of the step, `2026-12-01` and `11:00` by the client's clock; null: as proposed. */
  readonly day: string | null;
  readonly time: string | null;
  /** The colleague who goes on; null: oneself. */
  readonly who: number | null;
}

const OFFERED_MOST = 2;

export const EMPTY: WrapDraft = { outcome: null, reason: null, note: "", step: null, day: null, time: null, who: null };

export type Ask = "outcome" | "reason" | "step";

/** Outcomes that can be chosen, in their order; the first nine have digits. */
export function choices(catalogue: Catalogue | undefined): readonly Disposition[] {
  return (catalogue?.dispositions ?? []).filter((row) => row.archived_at === null).sort(byPlace);
}

/** Reasons of an outcome; none where it has no list. */
export function reasonsOf(catalogue: Catalogue | undefined, outcome: Disposition | null): readonly ReasonOption[] {
  if (!outcome?.reasons) return [];
  return (catalogue?.reasons ?? []).filter((row) => row.of === outcome.reasons && row.archived_at === null).sort(byPlace);
}

function byPlace(one: { place: number; id: number }, other: { place: number; id: number }): number {
  return one.place - other.place || one.id - other.id;
}

/** A row's name in a language, else in English, else any, else its key. */
export function labelOf(row: { labels: Record<string, string>; key: string }, language: string): string {
  return row.labels[language] ?? row.labels["en"] ?? Object.values(row.labels)[0] ?? row.key;
}

/** The outcome behind a digit from 1 to 9. */
export function byDigit(rows: readonly Disposition[], digit: number): Disposition | null {
  return digit >= 1 && digit <= 9 ? (rows[digit - 1] ?? null) : null;
}

/** What is to be answered for an outcome, and what of it must be. */
export function asks(outcome: Disposition | null): { readonly all: readonly Ask[]; readonly must: readonly Ask[] } {
  if (!outcome) return { all: ["outcome", "reason", "step"], must: ["outcome"] };
  const all: Ask[] = ["outcome"];
  const must: Ask[] = ["outcome"];
  if (outcome.reasons) {
    all.push("reason");
    if (outcome.reason_required) must.push("reason");
  }
  if (outcome.next_step !== "none") {
    all.push("step");
    // A task that the outcome makes by itself is a next step too.
    if (outcome.next_step === "required" && !outcome.task) must.push("step");
  }
  return { all, must };
}

/** Which of the questions are answered. */
export function answered(draft: WrapDraft, outcome: Disposition | null): readonly Ask[] {
  const given: Ask[] = [];
  if (draft.outcome !== null) given.push("outcome");
  if (draft.reason !== null) given.push("reason");
  if (draft.step !== null || draft.who !== null) given.push("step");
  const { all } = asks(outcome);
  return given.filter((ask) => all.includes(ask));
}

/** What must still be answered before it is whole. */
export function missing(draft: WrapDraft, outcome: Disposition | null): readonly Ask[] {
  const given = answered(draft, outcome);
  return asks(outcome).must.filter((ask) => !given.includes(ask));
}

/** The draft after another outcome was chosen: what fits it stays. */
export function withOutcome(draft: WrapDraft, outcome: Disposition, catalogue: Catalogue | undefined): WrapDraft {
  const fits = reasonsOf(catalogue, outcome).some((row) => row.key === draft.reason);
  const takesStep = outcome.next_step !== "none";
  return {
    ...draft,
    outcome: outcome.key,
    reason: fits ? draft.reason : null,
    step: takesStep ? (draft.step ?? (outcome.next_step === "required" ? "call" : null)) : null,
    who: takesStep ? draft.who : null,
  };
}

/** Whether anything was chosen or typed. */
export function isTouched(draft: WrapDraft): boolean {
  return draft.outcome !== null || draft.reason !== null || draft.note.trim() !== "" || draft.step !== null || draft.who !== null;
}

/** What is sent as the next step; undefined: nothing is said of it.
 * @param draft with day and time filled in
 * @param zone whose clock shows them
 */
export function stepOf(draft: WrapDraft, outcome: Disposition, zone: string): NextStepFields | undefined {
  if (outcome.next_step === "none") return undefined;
  if (draft.who !== null) return { kind: "transfer", to: draft.who };
  if (draft.step === null) return undefined;
  if (draft.step === "none") return outcome.next_step === "required" || outcome.task ? { kind: "close" } : undefined;
  const due_at = draft.day && draft.time ? instantOf(draft.day, draft.time, zone).toISOString() : undefined;
  return { kind: "task", task: draft.step, ...(due_at ? { due_at } : {}) };
}

/** Promises that are offered: the last ones that are still to come, without the one that is taken already. */
export function offered<T extends { kind: string; day: string; time: string | null }>(heard: readonly T[], filled: WrapDraft, isAhead: (one: T) => boolean): readonly T[] {
  const isTaken = (one: T) => filled.who === null && filled.step === one.kind && filled.day === one.day && (one.time === null || filled.time === one.time);
  return heard.some(isTaken) ? [] : [...heard].reverse().filter(isAhead).slice(0, OFFERED_MOST);
}

/** The body of `POST /outcomes` for a call. */
export function newOutcome(call: string, draft: WrapDraft, outcome: Disposition, zone: string): Schemas["NewOutcome"] {
  return { call, ...chosenOf(draft, outcome, zone) };
}

/** The body of `PATCH /outcomes/{id}`. */
export function changedOutcome(version: number, draft: WrapDraft, outcome: Disposition, zone: string): Schemas["OutcomeChange"] {
  return { version, ...chosenOf(draft, outcome, zone) };
}

function chosenOf(draft: WrapDraft, outcome: Disposition, zone: string) {
  const next_step = stepOf(draft, outcome, zone);
  return {
    outcome: outcome.key,
    note: draft.note.trim(),
    ...(draft.reason === null ? {} : { reason: draft.reason }),
    ...(next_step === undefined ? {} : { next_step }),
  };
}

/** The draft of an outcome that was chosen before. */
export function draftOf(view: OutcomeView): WrapDraft {
  const step = view.next_step;
  const kind = step?.kind === "close" ? "none" : step?.kind === "task" ? stepName(step.task) : null;
  return {
    ...EMPTY,
    outcome: view.outcome,
    reason: view.reason,
    note: view.note,
    step: kind,
    who: step?.kind === "transfer" ? (step.to ?? null) : null,
  };
}

function stepName(task: string | null | undefined): StepKind {
  return task === "letter" || task === "meeting" ? task : "call";
}
