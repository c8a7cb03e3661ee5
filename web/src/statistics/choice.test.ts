import { expect, it } from "vitest";
import { daysOf } from "./choice";

it("reads days, and takes no wrong ones", () => {
  expect(daysOf({})).toEqual({ period: "last_7_days" });
  expect(daysOf({ period: "month", since: "2026-01-01" })).toEqual({ period: "month" });
  const dates = { period: "dates", since: "2026-01-01", until: "2026-01-31" };
  expect(daysOf(dates)).toEqual(dates);
  expect(daysOf({ ...dates, until: "2025-12-31" })).toEqual({ period: "last_7_days" });
  expect(daysOf({ ...dates, since: "2026-99-01" })).toEqual({ period: "last_7_days" });
});
