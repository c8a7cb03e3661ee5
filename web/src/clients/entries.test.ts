import { describe, expect, it } from "vitest";
import { byDay, labelOf, settled, signOf, talkersOf, wasTransferred, type Entry } from "./entries";

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

describe("a time line that is read", () => {
  const at = (id: string, clock: string, by: string | null = null, kind = "note"): Entry => ({ ...entry(kind, {}, `2026-11-21T${clock}:00Z`), id, by });
  const reader = { me: 7, live: null };

  it("lets a colleague's new entries wait, and shows one's own at once", () => {
    const rows = [at("3", "12:03", "user:9"), at("2", "12:02", "user:7"), at("1", "12:01", "user:9")];
    const { shown, waiting } = settled(rows, [], "2026-11-21T12:01:00Z", reader);
    expect([shown.map(({ id }) => id), waiting]).toEqual([["2", "1"], 1]);
    expect(settled(rows, [], null, reader).waiting).toBe(0);
  });

  it("has one's note once, before and after it is read", () => {
    const note = at("5", "12:05", "user:7");
    const old = [at("1", "12:01")];
    for (const rows of [old, [note, ...old]]) expect(settled(rows, [note], "2026-11-21T12:01:00Z", reader).shown.map(({ id }) => id)).toEqual(["5", "1"]);
  });

  it("leaves the call on the line to its place above", () => {
    const rows = [at("live", "12:09", null, "call"), at("1", "12:01")];
    expect(settled(rows, [], null, { me: 7, live: "live" }).shown.map(({ id }) => id)).toEqual(["1"]);
  });
});
