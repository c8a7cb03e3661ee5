import { describe, expect, it } from "vitest";
import { queryOf, shownOf } from "./filters";

const END = "2026-11-24T23:00:00.000Z";

describe("the list of tasks", () => {
  it("shows open ones at first", () => {
    expect(shownOf({})).toBe("open");
    expect(queryOf({}, END)).toEqual({ open: true });
  });

  it("shows what is over, what is due today, and what has ended", () => {
    expect(queryOf({ show: "overdue" }, END)).toEqual({ overdue: true });
    expect(queryOf({ show: "today" }, END)).toEqual({ open: true, until: END });
    expect(queryOf({ show: "ended" }, END)).toEqual({ state: "done" });
    expect(queryOf({ show: "ended", state: "failed" }, END)).toEqual({ state: "failed" });
  });

  it("takes filters of the address, and leaves out what is wrong in it", () => {
    expect(queryOf({ owner: "17", kind: "letter", contact: "1e9", show: "nonsense" }, END)).toEqual({ open: true, owner: 17, kind: "letter" });
  });
});
