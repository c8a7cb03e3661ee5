import { expect, it } from "vitest";
import { mediaOf, shareOf, withTarget } from "./steps";

it("a file is sent as what its name says, else as bytes", () => {
  expect(mediaOf("База.XLSX")).toBe("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  expect(mediaOf("clients.csv")).toBe("text/csv");
  expect(mediaOf("clients")).toBe("application/octet-stream");
});

it("what only one column may become is taken from the other", () => {
  expect(withTarget(["name", "number", "ignore"], 2, "name")).toEqual(["ignore", "number", "name"]);
  expect(withTarget(["name", "number", "ignore"], 2, "number")).toEqual(["name", "number", "number"]);
});

it("progress is told in hundredths", () => {
  expect(shareOf({ done: 1, total: 3 })).toBe(33);
  expect(shareOf({ done: 5, total: 0 })).toBe(0);
});
