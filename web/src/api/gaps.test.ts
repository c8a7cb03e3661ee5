import { expect, it } from "vitest";
import { caughtUp, missedOf } from "./gaps";

const PAGE = { items: [{ id: 3, state: "new" }, { id: 2, state: "new" }], next: "c" };
const FRESH = [{ id: 4, state: "new" }, { id: 2, state: "done" }];

it("after a gap rows that are shown get their new values where they stand", () => {
  expect(caughtUp(PAGE, FRESH)).toEqual({ items: [{ id: 3, state: "new" }, { id: 2, state: "done" }], next: "c" });
});

it("what came is counted until it is shown", () => {
  expect(missedOf(PAGE.items, [4, 2])).toBe(1);
  expect(missedOf([{ id: 4 }, ...PAGE.items], [4, 2])).toBe(0);
  expect(missedOf(PAGE.items, [])).toBe(0);
});
