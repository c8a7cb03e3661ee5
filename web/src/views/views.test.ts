import { describe, expect, it } from "vitest";
import { addressOf, areSame, filtersOf } from "./views";

describe("a kept list", () => {
  it("holds the filters of an address, and nothing else", () => {
    expect(filtersOf({ filters: { result: "missed", limit: 5, q: "" }, columns: ["when"] })).toEqual({ result: "missed" });
    expect(filtersOf({ filters: ["result"] })).toEqual({});
    expect(filtersOf({})).toEqual({});
  });

  it("is the present one while its filters are the present ones, in any order", () => {
    expect(areSame({ result: "missed", team: "3" }, { team: "3", result: "missed" })).toBe(true);
    expect(areSame({ result: "missed" }, { result: "missed", team: "3" })).toBe(false);
    expect(areSame({ result: "missed" }, { team: "missed" })).toBe(false);
  });

  it("has an address with its number", () => {
    expect(addressOf({ id: 5, list: "contacts", query: { filters: { q: "Łódź & co" } } })).toBe("/clients?q=%C5%81%C3%B3d%C5%BA+%26+co&view=5");
    expect(addressOf({ id: 5, list: "letters", query: {} })).toBeNull();
  });
});
