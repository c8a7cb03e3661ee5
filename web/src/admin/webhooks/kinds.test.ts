import { expect, it } from "vitest";
import { narrowed } from "./kinds";

it("takes everything alone", () => {
  expect(narrowed(["call.ended", "*"])).toEqual(["*"]);
  expect(narrowed(["*", "call.*"])).toEqual(["call.*"]);
});

it("lets a family stand for its kinds", () => {
  expect(narrowed(["call.ended", "task.done", "call.*", " "])).toEqual(["task.done", "call.*"]);
});
