import { expect, it } from "vitest";
import { rowOf, written } from "./writing";

const text = { encoding: "cp1251", delimiter: ";", sheet: null, header: 3 };

it("one correction keeps the others, and the row of names is found anew", () => {
  expect(written(text, { encoding: "koi8_r" })).toEqual({ encoding: "koi8_r", delimiter: ";" });
  expect(written(text, { delimiter: "" })).toEqual({ encoding: "cp1251", delimiter: "" });
  expect(written(text, { header: 0 })).toEqual({ encoding: "cp1251", delimiter: ";", header: 0 });
  expect(written({ encoding: null, delimiter: null, sheet: "One", header: 1 }, { sheet: "Two" })).toEqual({ sheet: "Two" });
});

it("a row is a number of the file, and nothing typed is no row", () => {
  expect([rowOf("4"), rowOf(" "), rowOf("0"), rowOf("-1"), rowOf("two"), rowOf("1048577")]).toEqual([4, 0, 0, null, null, null]);
});
