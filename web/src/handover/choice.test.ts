import { describe, expect, it } from "vitest";
import { isWhole, orderOf, receivers, shares, toggled, whichOf } from "./choice";

describe("what an address means", () => {
  it("takes no value that the API does not know", () => {
    expect(whichOf({ heat: "hot,scalding", stage: "client", open: "task" })).toEqual({ heats: ["hot"], stages: ["client"], has_task: true });
  });
  it("keeps lines of business with commas whole, and has one for none", () => {
    expect(whichOf({ line: "timber, boards\n-" })).toEqual({ lines_of_business: ["timber, boards", ""] });
  });
  it("is no order before somebody gets the clients", () => {
    expect(isWhole({ from: "2" })).toBe(false);
    expect(isWhole({ from: "2", way: "rules" })).toBe(true);
    expect(orderOf({ from: "x", to: "3" }, null)).toBeNull();
  });
  it("names one colleague, or all who share", () => {
    expect(receivers({ to: "3,4" })).toEqual([3]);
    expect(orderOf({ from: "2", to: "3" }, null)).toEqual({ from: 2, to: 3, tasks: true, scheduled: true });
    const shared = orderOf({ from: "2", way: "shared", to: "3,4", tasks: "stay", why: " holiday " }, "2026-12-05T00:00:00Z");
    expect(shared).toMatchObject({ among: [3, 4], tasks: false, until: "2026-12-05T00:00:00Z", reason: "holiday" });
    expect(shared).not.toHaveProperty("to");
  });
});

it("a value is put in and taken away", () => {
  expect(toggled("hot", "cold")).toBe("hot,cold");
  expect(toggled("hot", "hot")).toBeNull();
});

it("whoever shares gets as many as the others, or one more", () => {
  expect(shares(9, 2)).toEqual([5, 4]);
  expect(shares(1, 3)).toEqual([1, 0, 0]);
});
