import { expect, it } from "vitest";
import { said } from "./said";

it("an act is told by its thing and its deed", () => {
  expect(said("user.entered")).toEqual({ subject: "user", act: "entered" });
});

it("an act without words is told by its code", () => {
  expect(said("rocket.launched")).toEqual({ subject: null, act: null });
  expect(said("nonsense")).toEqual({ subject: null, act: null });
});
