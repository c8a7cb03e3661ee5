import { describe, expect, it } from "vitest";
import { choicesOf, keyOf, labelOf, lastPlace, moved, relabelled } from "./order";

const rows = [{ id: 1, place: 10 }, { id: 2, place: 20 }, { id: 3, place: 30 }];

describe("moved", () => {
  it("changes two places only", () => {
    expect(moved(rows, 2, -1).map(({ row, place }) => [row.id, place])).toEqual([[2, 10], [1, 20]]);
  });
  it("puts an order in where all stood at one place", () => {
    const same = rows.map(({ id }) => ({ id, place: 0 }));
    expect(moved(same, 1, 1).map(({ row, place }) => [row.id, place])).toEqual([[2, 10], [1, 20], [3, 30]]);
  });
  it("goes no further than the ends", () => {
    expect(moved(rows, 1, -1)).toEqual([]);
    expect(moved(rows, 3, 1)).toEqual([]);
  });
});

it("puts a new one behind all others", () => {
  expect(lastPlace(rows)).toBe(40);
  expect(lastPlace([])).toBe(10);
});

it("makes a name for programs of a label", () => {
  expect(keyOf(" 2. Żółta kartka! ")).toBe("zolta_kartka");
  expect(keyOf("Размер")).toBe("");
});

it("reads choices by lines", () => {
  expect(choicesOf(" S\n\nM\nS ")).toEqual(["S", "M"]);
});

it("labels in the language of who reads, else in another", () => {
  expect(labelOf({ key: "x", labels: { en: "One", pl: "Jeden" } }, "pl")).toBe("Jeden");
  expect(labelOf({ key: "x", labels: { en: "One" } }, "ru")).toBe("One");
  expect(labelOf({ key: "x", labels: {} }, "ru")).toBe("x");
  expect(relabelled({ en: "One" }, "en", " ")).toEqual({});
  expect(relabelled({ en: "One" }, "ru", "Один ")).toEqual({ en: "One", ru: "Один" });
});
