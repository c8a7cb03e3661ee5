import { describe, expect, it } from "vitest";
import { ApiProblem } from "../api/problem";
import { notPlaced } from "./refusals";
import { erased, pressed, read } from "./read";

describe("what is typed into the dial field", () => {
  it.each([
    ["8 (916) 123-45-67", "89161234567"],
    ["+48 12 345 67 89", "+48123456789"],
    ["00 44 20 7946 0958", "+442079460958"],
    ["12/345-67", "1234567"],
    ["tel:+7-343-278-15-40", "+73432781540"],
    ["\u202a+48 600 123 456\u202c", "+48600123456"],
    ["+7\u00a0343\u00a0278\u201115\u201140", "+73432781540"],
    ["*100#", "*100#"],
  ])("%s is a number", (text, number) => expect(read(text)).toEqual({ kind: "number", number }));
  it.each(["Анна", "Sales 2", "12", "anna@example.com", "+", "<script>"])("%s is searched for", (text) => {
    expect(read(text)).toEqual({ kind: "words", words: text });
  });
  it("is nothing where nothing is there", () => expect(read("  \u200b ")).toEqual({ kind: "nothing" }));
});

describe("the number pad", () => {
  it("writes behind what is there, and makes the plus of two noughts", () => {
    expect(Array.from("0048").reduce(pressed, "")).toBe("+48");
    expect(Array.from("100").reduce(pressed, "")).toBe("100");
  });
  it("takes the last digit back with the sign before it", () => {
    expect(erased("12-3")).toBe("12");
    expect(erased("+")).toBe("");
    expect(erased("")).toBe("");
  });
});

describe("a call that was not placed", () => {
  const problem = (code: string) => new ApiProblem(409, { detail: "d", errors: [{ place: "body", pointer: "#/number", code, detail: "Tomasz talks" }] });
  it("may be placed all the same while a colleague has the client, never twice by oneself", () => {
    expect(notPlaced({ number: "1" }, problem("colleague_talks"))).toMatchObject({ word: "colleague_talks", canAnyway: true, detail: "Tomasz talks" });
    expect(notPlaced({ number: "1" }, problem("in_flight")).canAnyway).toBe(false);
    expect(notPlaced({ number: "1" }, problem("country")).canAnyway).toBe(false);
  });
  it("names limits by one word, and what we have no word for by the gateway's sentence", () => {
    expect(notPlaced({ number: "1" }, problem("user_foreign_day")).word).toBe("limit");
    expect(notPlaced({ number: "1" }, problem("something_new"))).toMatchObject({ word: null, detail: "Tomasz talks" });
  });
});
