import { expect, test } from "vitest";
import { spansOf, USUAL } from "./spans";

test.each([
  ["9-18", ["09:00-18:00"]],
  ["9:30–13, 14:00 - 18:15", ["09:30-13:00", "14:00-18:15"]],
  ["0-24", ["00:00-24:00"]],
  ["22-6", ["22:00-06:00"]],
  ["", []],
])("%s is read", (text, spans) => {
  expect(spansOf(text)).toEqual(spans);
});

test.each(["nine to six", "9-9", "24-9", "9-25", "9:70-12", "9-12, x"])("%s cannot be read", (text) => {
  expect(spansOf(text)).toBeNull();
});

test("the usual week has five days", () => {
  expect(USUAL.filter((day) => day.length > 0)).toHaveLength(5);
});
