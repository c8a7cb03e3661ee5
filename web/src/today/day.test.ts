import { describe, expect, it } from "vitest";
import { countsOf, secondsLeft, settle, shareLeft, urgencyOf, type Day, type TaskRow } from "./day";

const task = (id: number) => ({ entry: { task: { id } } }) as unknown as TaskRow;

describe("a list that is read", () => {
  it("keeps its rows where they were; what came since waits", () => {
    const { rows, waiting } = settle([task(9), task(2), task(1)], ["task-1", "task-2", "task-3"]);
    expect(rows.map((row) => (row.entry as { task: { id: number } }).task.id)).toEqual([1, 2]);
    expect(waiting).toBe(1);
  });

  it("that was empty shows at once what comes", () => {
    expect(settle([task(1)], [])).toEqual({ rows: [task(1)], waiting: 0 });
  });
});

describe("the clock of a missed client", () => {
  it("runs to its deadline and beyond", () => {
    const due = "2026-11-24T14:26:00Z";
    expect(secondsLeft(due, Date.parse("2026-11-24T14:24:12Z"))).toBe(108);
    expect(secondsLeft(due, Date.parse("2026-11-24T14:28:10Z"))).toBe(-130);
  });

  it("is worth a colour when half of the time is gone, and red when it is over", () => {
    expect(urgencyOf(200, 5)).toBe("calm");
    expect(urgencyOf(108, 5)).toBe("soon");
    expect(urgencyOf(-1, 5)).toBe("over");
    expect(shareLeft(150, 5)).toBe(0.5);
    expect(shareLeft(150, null)).toBe(0.5);
  });
});

describe("the counts", () => {
  it("are of everything, also of what is not on the page", () => {
    const day = { counts: { missed: 3, overdue: 1, today: 10 }, return_now: [], scheduled_total: 4, tasks: [] } as unknown as Day;
    expect(countsOf(day)).toEqual({ all: 18, missed: 3, scheduled: 4, tasks: 11 });
  });
});
