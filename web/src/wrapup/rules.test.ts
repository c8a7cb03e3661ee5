import { describe, expect, it } from "vitest";
import { afterClock, oneMoreMinute } from "./clocks";
import { answered, asks, byDigit, changedOutcome, choices, EMPTY, labelOf, missing, newOutcome, offered, reasonsOf, stepOf, withOutcome, type Catalogue, type Disposition } from "./rules"; // prettier-ignore

const row = (key: string, change: Partial<Disposition> = {}): Disposition => ({
  id: key.length, key, labels: { en: key, ru: `${key} по-русски` }, place: 10, means: "talked", reasons: null, reason_required: false,
  next_step: "none", stage: null, heat: null, closes_lead: false, task: null, archived_at: null, changed_by: "", changed_at: "", version: 1,
  ...change,
}); // prettier-ignore
const TALKED = row("talked", { next_step: "required", place: 0 });
const REFUSAL = row("refusal", { reasons: "refusal", reason_required: true, task: { kind: "return", months: 6, days: null, minutes: null }, place: 5 }); // prettier-ignore
const BOUGHT = row("purchase", { reasons: "purchase", reason_required: true, next_step: "offered", place: 3 });
const reason = (of: "refusal" | "purchase", key: string, id: number) => ({ id, of, key, labels: { en: key }, place: id, return_months: null, archived_at: null, changed_by: "", changed_at: "", version: 1 }); // prettier-ignore
const LISTS: Catalogue = {
  dispositions: [REFUSAL, row("gone", { archived_at: "2026-01-01T00:00:00Z" }), TALKED, BOUGHT],
  reasons: [reason("refusal", "price", 2), reason("refusal", "later", 1), reason("purchase", "price", 3)],
  rules: [],
};

describe("what can be chosen", () => {
  it("stands in the company's order without what is archived, by digits", () => {
    expect(choices(LISTS).map((one) => one.key)).toEqual(["talked", "purchase", "refusal"]);
    expect(byDigit(choices(LISTS), 2)?.key).toBe("purchase");
    expect(byDigit(choices(LISTS), 9)).toBeNull();
    expect(byDigit(choices(LISTS), 0)).toBeNull();
  });
  it("has the reasons of its own list", () => {
    expect(reasonsOf(LISTS, REFUSAL).map((one) => one.key)).toEqual(["later", "price"]);
    expect(reasonsOf(LISTS, TALKED)).toEqual([]);
  });
  it("is named in the reader's language, else in English, else by its key", () => {
    expect(labelOf(TALKED, "ru")).toBe("talked по-русски");
    expect(labelOf(TALKED, "pl")).toBe("talked");
    expect(labelOf({ labels: {}, key: "bare" }, "pl")).toBe("bare");
  });
});

describe("what is asked", () => {
  it("is a reason where the outcome has a list, and a step where it wants one", () => {
    expect(asks(REFUSAL)).toEqual({ all: ["outcome", "reason"], must: ["outcome", "reason"] });
    expect(asks(BOUGHT)).toEqual({ all: ["outcome", "reason", "step"], must: ["outcome", "reason"] });
    expect(asks(TALKED)).toEqual({ all: ["outcome", "step"], must: ["outcome", "step"] });
  });
  it("is no step where the outcome makes a task by itself", () => {
    expect(asks({ ...TALKED, task: REFUSAL.task }).must).toEqual(["outcome"]);
  });
  it("is counted as answered", () => {
    const draft = { ...EMPTY, outcome: "purchase", reason: "price" };
    expect(answered(draft, BOUGHT)).toEqual(["outcome", "reason"]);
    expect(missing(draft, BOUGHT)).toEqual([]);
    expect(missing({ ...EMPTY, outcome: "refusal" }, REFUSAL)).toEqual(["reason"]);
    expect(missing(EMPTY, null)).toEqual(["outcome"]);
  });
});

describe("another outcome", () => {
  it("keeps the reason that fits, and drops the one that does not", () => {
    const refused = { ...EMPTY, outcome: "refusal", reason: "price" };
    expect(withOutcome(refused, BOUGHT, LISTS).reason).toBe("price");
    expect(withOutcome({ ...refused, reason: "later" }, BOUGHT, LISTS).reason).toBeNull();
  });
  it("proposes a call where a step is required, and takes the step away where none is asked", () => {
    expect(withOutcome(EMPTY, TALKED, LISTS).step).toBe("call");
    expect(withOutcome({ ...EMPTY, step: "meeting" }, TALKED, LISTS).step).toBe("meeting");
    expect(withOutcome({ ...EMPTY, step: "meeting", who: 4 }, REFUSAL, LISTS)).toMatchObject({ step: null, who: null });
    expect(withOutcome(EMPTY, BOUGHT, LISTS).step).toBeNull();
  });
});

describe("what is sent", () => {
  const draft = { ...EMPTY, outcome: "talked", note: " two parts ", step: "call" as const, day: "2026-12-01", time: "11:00" };
  it("is a task at a moment of the client's clock", () => {
    expect(newOutcome("c", draft, TALKED, "Asia/Yekaterinburg")).toEqual({
      call: "c", outcome: "talked", note: "two parts", next_step: { kind: "task", task: "call", due_at: "2026-12-01T06:00:00.000Z" },
    }); // prettier-ignore
  });
  it("is a colleague who goes on, nothing more, or nothing said", () => {
    expect(stepOf({ ...draft, who: 12 }, TALKED, "UTC")).toEqual({ kind: "transfer", to: 12 });
    expect(stepOf({ ...draft, step: "none" }, TALKED, "UTC")).toEqual({ kind: "close" });
    expect(stepOf({ ...draft, step: "none" }, BOUGHT, "UTC")).toBeUndefined();
    expect(stepOf({ ...draft, step: null }, TALKED, "UTC")).toBeUndefined();
    expect(stepOf(draft, REFUSAL, "UTC")).toBeUndefined();
  });
  it("bears the version where an earlier choice is changed", () => {
    expect(changedOutcome(3, { ...EMPTY, reason: "price" }, REFUSAL, "UTC")).toEqual({ version: 3, outcome: "refusal", note: "", reason: "price" });
  });
});

describe("the clocks after a call", () => {
  it("count what passed and what is left", () => {
    expect(afterClock(0, 60_000, 24_000)).toEqual({ passed: 24, left: 36 });
    expect(afterClock(0, null, 24_000)).toEqual({ passed: 24, left: null });
    expect(afterClock(0, 60_000, 90_000)).toEqual({ passed: 90, left: 0 });
  });
  it("get one more minute", () => {
    expect(oneMoreMinute(36_000, 0)).toBe(96);
    expect(oneMoreMinute(null, 0)).toBe(60);
    expect(oneMoreMinute(7_200_000, 0)).toBe(3600);
  });
});

describe("promises that were heard", () => {
  const heard = ["2026-11-20", "2026-12-01", "2026-12-02", "2026-12-03"].map((day) => ({ kind: "call", day, time: day.endsWith("3") ? null : "11:00" }));
  const isAhead = (one: { day: string }) => one.day > "2026-11-24";

  it("are offered from the last one on, and not those that are over", () => {
    expect(offered(heard, EMPTY, isAhead).map((one) => one.day)).toEqual(["2026-12-03", "2026-12-02"]);
  });
  it("are offered no more once one is taken, with its own hour or any", () => {
    expect(offered(heard, { ...EMPTY, step: "call", day: "2026-12-01", time: "11:00" }, isAhead)).toEqual([]);
    expect(offered(heard, { ...EMPTY, step: "call", day: "2026-12-03", time: "09:30" }, isAhead)).toEqual([]);
    expect(offered(heard, { ...EMPTY, step: "letter", day: "2026-12-01", time: "11:00" }, isAhead)).toHaveLength(2);
    expect(offered(heard, { ...EMPTY, step: "call", day: "2026-12-01", time: "11:00", who: 7 }, isAhead)).toHaveLength(2);
  });
});
