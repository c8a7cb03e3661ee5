import { expect, it } from "vitest";
import { isWhole, ruleOf, standOf } from "./rules";

const form = { measure: "numbers", direction: "outbound", seconds: 120, kind: "x", target: 50 } as const;

it("leaves out what a measure cannot have", () => {
  expect(ruleOf(form)).toEqual({ direction: "outbound", seconds: 120, kind: null, target: 50 });
  expect(ruleOf({ ...form, measure: "tasks" })).toEqual({ direction: "both", seconds: null, kind: "x", target: 50 });
});

it("wants a target, and of outcomes which one", () => {
  expect(isWhole(form)).toBe(true);
  expect(isWhole({ ...form, target: 0 })).toBe(false);
  expect(isWhole({ ...form, measure: "outcomes", kind: null })).toBe(false);
});

it("knows how a version stands to a day", () => {
  expect(standOf({ since: null, until: null }, "2026-11-22")).toBe("now");
  expect(standOf({ since: "2026-11-22", until: "2026-11-22" }, "2026-11-22")).toBe("now");
  expect(standOf({ since: "2026-12-01", until: null }, "2026-11-22")).toBe("comes");
  expect(standOf({ since: null, until: "2026-11-21" }, "2026-11-22")).toBe("over");
});
