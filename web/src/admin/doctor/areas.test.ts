import { expect, test } from "vitest";
import { byArea, countOf } from "./areas";

const FOUND = [
  { area: "asterisk", level: "ok", n: 1 },
  { area: "journal", level: "advice", n: 2 },
  { area: "asterisk", level: "ok", n: 3 },
  { area: "recordings", level: "ok", n: 4 },
  { area: "recordings", level: "fault", n: 5 },
] as const;

test("the place with a fault comes first, and its fault before what is good", () => {
  const found = byArea(FOUND).map(({ area, findings }) => [area, ...findings.map(({ n }) => n)]);
  expect(found).toEqual([
    ["recordings", 5, 4],
    ["journal", 2],
    ["asterisk", 1, 3],
  ]);
});

test("levels are counted", () => {
  expect([countOf(FOUND, "ok"), countOf(FOUND, "advice"), countOf(FOUND, "fault")]).toEqual([3, 1, 1]);
});
