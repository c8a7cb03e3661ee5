import { describe, expect, it } from "vitest";
import { byDay, labelOf, signOf, talkersOf, wasTransferred, type Entry } from "./entries";

const entry = (kind: string, body: Entry["body"], at = "2026-11-21T12:48:00Z"): Entry => ({ at, kind, id: "1", by: null, by_name: null, open: true, body });

describe("an entry of the time line", () => {
  it("has the icon of what happened", () => {
    expect(signOf(entry("call", { state: "ended", direction: "inbound", result: "missed" }))).toEqual({ icon: "missed", tone: "miss" });
    expect(signOf(entry("call", { state: "ended", direction: "outbound", result: "busy" })).icon).toBe("outgoing");
    expect(signOf(entry("call", { state: "talking" })).tone).toBe("talk");
    expect(signOf(entry("something new", {})).icon).toBe("info");
  });

  it("names who talked in their order, and who rang where nobody did", () => {
    const managers = [
      { extension: "101", user_id: 7, name: "Иван", talk_seconds: 134 },
      { extension: "102", name: null, talk_seconds: 0 },
    ];
    expect(talkersOf({ managers, answered_by: ["101"] })).toEqual([{ name: "Иван", seconds: 134, user: 7 }]);
    expect(talkersOf({ managers, answered_by: [] }).map(({ name }) => name)).toEqual(["Иван", "102"]);
    expect(talkersOf({ managers: "nonsense" })).toEqual([]);
  });

  it("knows a transfer from a call that rang at several", () => {
    const managers = [{ extension: "101" }, { extension: "102" }];
    expect(wasTransferred({ managers, answered_by: ["101", "102"], transfers: [{ kind: "blind" }] })).toBe(true);
    expect(wasTransferred({ managers, answered_by: [], transfers: [] })).toBe(false);
  });

  it("tells an outcome in the reader's language", () => {
    const body = { outcome: "refused", outcome_labels: { en: "Refused", ru: "Отказ" } };
    expect(labelOf(body, "outcome", "ru")).toBe("Отказ");
    expect(labelOf(body, "outcome", "pl")).toBe("Refused");
    expect(labelOf({ outcome: "refused" }, "outcome", "ru")).toBe("refused");
  });
});

describe("the time line", () => {
  it("is told by days, in its order", () => {
    const days = byDay([entry("note", {}, "2026-11-21T12:00:00Z"), entry("note", {}, "2026-11-21T09:00:00Z"), entry("note", {}, "2026-11-20T09:00:00Z")], (at) => at.slice(0, 10));
    expect(days.map(({ day, entries }) => [day, entries.length])).toEqual([["2026-11-21", 2], ["2026-11-20", 1]]); // prettier-ignore
  });
});
