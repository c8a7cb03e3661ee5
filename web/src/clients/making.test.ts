import { expect, it } from "vitest";
import { faultsElsewhere, valueOfField } from "./making";

it("a field of the company's own is sent as its kind", () => {
  expect(valueOfField("number", " 1,5 ")).toBe(1.5);
  expect(valueOfField("number", "many")).toBe("many");
  expect(valueOfField("yes_no", "false")).toBe(false);
  expect(valueOfField("date", "2026-11-22")).toBe("2026-11-22");
  expect(valueOfField("text", "  ")).toBeNull();
});

it("a reason stands at its field, and below the form where there is none", () => {
  const fault = (pointer: string, detail: string) => ({ place: "body" as const, pointer, code: "value", detail });
  const problem = { detail: "2 faults", errors: [fault("#/name", "Too long."), fault("#/owner", "Nobody has this id.")] };
  expect(faultsElsewhere(problem, ["name"])).toEqual(["Nobody has this id."]);
  expect(faultsElsewhere({ detail: "The number has a card.", errors: [] }, ["name"])).toEqual(["The number has a card."]);
});
