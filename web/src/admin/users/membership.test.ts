import { expect, it } from "vitest";
import { isIn, joined, left } from "./membership";

const TODAY = "2026-11-22";
const ever = { user: 1, since: null, until: null };

it("keeps the days of who leaves", () => {
  const gone = left([ever, { user: 2, since: null, until: null }], 1, TODAY);
  expect(gone).toEqual([{ user: 1, since: null, until: "2026-11-21" }, { user: 2, since: null, until: null }]);
  expect([isIn(gone, 1, TODAY), isIn(gone, 2, TODAY)]).toEqual([false, true]);
});

it("gives a team nothing of the days before somebody came", () => {
  expect(joined([], 1, TODAY)).toEqual([{ user: 1, since: TODAY, until: null }]);
  const back = [{ user: 1, since: "2026-01-01", until: "2026-03-01" }];
  expect(joined(back, 1, TODAY)).toEqual([...back, { user: 1, since: TODAY, until: null }]);
});

it("leaves no trace of what is taken back on the same day", () => {
  expect(left(joined([], 1, TODAY), 1, TODAY)).toEqual([]);
  expect(joined(left([ever], 1, TODAY), 1, TODAY)).toEqual([ever]);
  expect(joined([ever], 1, TODAY)).toEqual([ever]);
});
