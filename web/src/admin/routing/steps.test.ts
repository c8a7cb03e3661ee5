import { expect, test } from "vitest";
import type { Step } from "./queries";
import { added, begins, bodyOf, longest, raised, stepOf, toldOnce } from "./steps";

const GROUP: Step = { kind: "group", group: 3, seconds: 20, whose: null, user: null, sound: null, route: null, wait_seconds: null };

test("a step is sent without what it does not have", () => {
  expect(bodyOf(GROUP)).toEqual({ kind: "group", group: 3, seconds: 20 });
});

test("a choice becomes a step", () => {
  expect(stepOf("group:3")).toEqual({ kind: "group", group: 3, seconds: 20 });
  expect(stepOf("announcement:custom/a:b")).toEqual({ kind: "announcement", sound: "custom/a:b" });
  expect(stepOf("hang_up")).toEqual({ kind: "hang_up" });
});

test("the first step cannot rise, another one changes its place with the one before", () => {
  expect(raised(["a", "b", "c"], 0)).toEqual(["a", "b", "c"]);
  expect(raised(["a", "b", "c"], 2)).toEqual(["a", "c", "b"]);
});

test("seconds add up", () => {
  expect(longest([GROUP, { ...GROUP, wait_seconds: 30 }])).toBe(70);
  expect(begins([{ seconds: 15 }, { seconds: 20 }, { seconds: 0 }])).toEqual([0, 15, 35]);
});

test("what ends a route stays the last step, and there is one of it", () => {
  const owner = stepOf("owner");
  expect(added([owner, { kind: "site" }], stepOf("group:3")).map(({ kind }) => kind)).toEqual(["owner", "group", "site"]);
  expect(added([owner, { kind: "site" }], stepOf("hang_up")).map(({ kind }) => kind)).toEqual(["owner", "hang_up"]);
  expect(added([owner], stepOf("site")).map(({ kind }) => kind)).toEqual(["owner", "site"]);
});

test("says of nobody twice why he is not rung", () => {
  const before = { user: 1, why: "rung_before" };
  const decisions = [{ reasons: [{ user: 1, why: "chosen" }, { user: null, why: "end" }] }, { reasons: [before, { user: 2, why: "off" }] }, { reasons: [before, { user: 2, why: "off" }, { user: 3, why: "off" }] }];
  expect(toldOnce(decisions)).toEqual([[], [before, { user: 2, why: "off" }], [{ user: 3, why: "off" }]]);
});
