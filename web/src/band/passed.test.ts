import { expect, it } from "vitest";
import { becameOf } from "./passed";

it("a call that was passed on is told of once somebody took it, or it is over", () => {
  expect(becameOf(undefined)).toBe(null);
  expect(becameOf({ state: "ringing", answered_by: [] })).toBe(null);
  expect(becameOf({ state: "talking", answered_by: [] })).toBe(null); // with the menu of the site
  expect(becameOf({ state: "talking", answered_by: ["102"] })).toBe("taken");
  expect(becameOf({ state: "ended", answered_by: ["102"] })).toBe("taken");
  expect(becameOf({ state: "ended", answered_by: [] })).toBe("lost");
});
