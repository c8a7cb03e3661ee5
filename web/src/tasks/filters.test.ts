import { describe, expect, it } from "vitest";
import type { FIGURES} from "./filters";
import { addressOf, queryOf, shownOf, type Filters } from "./filters";

const END = "2026-11-24T23:00:00.000Z";
const BOUNDS = { endOfToday: END, begins: { today: "t", week: "w", month: "m", quarter: "q" } };

describe("the list of tasks", () => {
  it("shows open ones at first", () => {
    expect(shownOf({})).toBe("open");
    expect(queryOf({}, BOUNDS)).toEqual({ open: true });
  });

  it("shows what is over, what is due today, and what has ended", () => {
    expect(queryOf({ show: "overdue" }, BOUNDS)).toEqual({ overdue: true });
    expect(queryOf({ show: "today" }, BOUNDS)).toEqual({ open: true, until: END });
    expect(queryOf({ show: "ended" }, BOUNDS)).toEqual({ state: "done" });
    expect(queryOf({ show: "ended", state: "failed", period: "week" }, BOUNDS)).toEqual({ state: "failed", ended_since: "w" });
  });

  it("takes filters of the address, and leaves out what is wrong in it", () => {
    expect(queryOf({ owner: "17", kind: "letter", contact: "1e9", show: "nonsense", period: "week" }, BOUNDS)).toEqual({ open: true, owner: 17, kind: "letter" });
    expect(queryOf({ owner: "none", team: "3" }, BOUNDS)).toEqual({ open: true, free: true, team: 3 });
  });
});

describe("a figure of a person's tasks", () => {
  const asked = (figure: (typeof FIGURES)[number]) => {
    const filters = Object.fromEntries(new URLSearchParams(addressOf(figure, { owner: "17" }, "month").split("?")[1])) as Filters;
    return queryOf(filters, BOUNDS);
  };

  it("opens the tasks that it counts", () => {
    expect(asked("open")).toEqual({ owner: 17, open: true });
    expect(asked("in_progress")).toEqual({ owner: 17, state: "in_progress" });
    expect(asked("overdue")).toEqual({ owner: 17, overdue: true });
    expect(asked("due")).toEqual({ owner: 17, open: true, until: END });
    expect(asked("done")).toEqual({ owner: 17, state: "done", ended_since: "m" });
    expect(asked("failed")).toEqual({ owner: 17, state: "failed", ended_since: "m" });
  });
});
