import { expect, it } from "vitest";
import { daysOf, fateOf, returned } from "./choice";

it("reads days, and takes no wrong ones", () => {
  expect(daysOf({})).toEqual({ period: "last_7_days" });
  expect(daysOf({ period: "month", since: "2026-01-01" })).toEqual({ period: "month" });
  const dates = { period: "dates", since: "2026-01-01", until: "2026-01-31" };
  expect(daysOf(dates)).toEqual(dates);
  expect(daysOf({ ...dates, until: "2025-12-31" })).toEqual({ period: "last_7_days" });
  expect(daysOf({ ...dates, since: "2026-99-01" })).toEqual({ period: "last_7_days" });
});

it("counts who was returned in time as docs/metrics.md says", () => {
  const [due, now] = ["2026-03-02T09:05:00Z", Date.parse("2026-03-02T10:00:00Z")];
  const one = (state: string, closed: string | null = null, some: object = {}) =>
    ({ state, hidden: false, due_at: due, closed_at: closed, ...some }) as Parameters<typeof fateOf>[0];
  expect(fateOf(one("called_back", due), now)).toBe("inTime");
  expect(fateOf(one("reached_us", "2026-03-02T09:30:00Z"), now)).toBe("later");
  expect(fateOf(one("late", "2026-03-02T09:30:00Z"), now)).toBe("later");
  expect(fateOf(one("open"), now)).toBe("never");
  expect(fateOf(one("open"), Date.parse(due))).toBeNull();
  for (const state of ["withdrawn", "dismissed"]) expect(fateOf(one(state), now)).toBeNull();
  expect(fateOf(one("never", null, { hidden: true }), now)).toBeNull();
  expect(returned([one("called_back", due), one("never"), one("dismissed")], now)).toEqual({ inTime: 1, of: 2, share: 0.5 });
  expect(returned([], now).share).toBeNull();
});
