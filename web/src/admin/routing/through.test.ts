import { expect, test } from "vitest";
import { callsAddress, parts } from "./through";

const DAYS = { since: "2026-11-16", until: "2026-11-22" };
const figures = {
  missed: 3,
  lost: 1,
  steps: [
    { step: "owner", answered: 2, missed: 0, lost: 1 },
    { step: "group:3", answered: 9, missed: 1, lost: 0 },
    { step: "site", answered: 0, missed: 2, lost: 0 },
  ],
};

test("every call through a route is in one part of its bar", () => {
  const found = parts(figures);
  expect(found.map(({ step, calls }) => [step, calls])).toEqual([["group:3", 9], ["owner", 2], ["", 1], ["", 3]]);
  expect(found.reduce((sum, { calls }) => sum + calls, 0)).toBe(2 + 9 + 1 + 3);
});

test("each part opens the list that has exactly its calls", () => {
  const [group, , lost, missed] = parts(figures);
  expect(callsAddress(4, DAYS, group)).toBe("/calls?route=4&first=2026-11-16&last=2026-11-22&state=ended&result=answered&step=group%3A3");
  expect(callsAddress(4, DAYS, lost)).toContain("result=lost_in_transfer");
  expect(callsAddress(4, DAYS, missed)).toContain("result=missed");
  expect(callsAddress(4, DAYS)).not.toContain("result");
});
