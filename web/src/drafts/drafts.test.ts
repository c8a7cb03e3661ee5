import { describe, expect, it } from "vitest";
import { ApiProblem } from "../api/problem";
import { againAfter, isOvertaken, outcomeOf, rebased, same } from "./saving";
import type { Draft } from "./store";

const draft: Draft = { value: "Kraków", base: "Krak", version: 3, at: 0 };

describe("a field saved as typed", () => {
  it("is no conflict while nobody else wrote into it", () => {
    expect(isOvertaken(draft, { value: "Krak", version: 3 })).toBe(false);
    expect(isOvertaken(draft, { value: "Krak", version: 5 })).toBe(false); // another field of the card changed
  });
  it("offers both texts where somebody else wrote something else", () => {
    expect(isOvertaken(draft, { value: "Warszawa", version: 4 })).toBe(true);
  });
  it("is content where both wrote the same", () => expect(isOvertaken(draft, { value: "Kraków", version: 4 })).toBe(false));
  it("stands upon its own older text after that was stored", () => {
    const typedOn = rebased({ ...draft, value: "Kraków 2" }, "Kraków", { version: 4, city: "Kraków" });
    expect(typedOn).toMatchObject({ base: "Kraków", version: 4 });
    expect(isOvertaken(typedOn, { value: "Kraków", version: 4 })).toBe(false);
  });
  it("is kept without a connection, and while the gateway starts anew", () => {
    expect([0, 502, 503].map((status) => outcomeOf(new ApiProblem(status), "city").kind)).toEqual(["kept", "kept", "kept"]);
  });
  it("says the server's own reason", () => {
    const errors = [{ place: "body", pointer: "#/city", code: "value", detail: "At most 80 signs." }];
    expect(outcomeOf(new ApiProblem(422, { errors, detail: "Not allowed." }), "city")).toEqual({ kind: "refused", why: "At most 80 signs." });
    expect(outcomeOf(new ApiProblem(403, { detail: "Ask Ewa." }), "city")).toEqual({ kind: "refused", why: "Ask Ewa." });
  });
  it("is sent again ever more seldom", () => expect([1, 2, 3, 9].map(againAfter)).toEqual([2000, 4000, 8000, 30_000]));
  it("takes nothing and an empty text for the same", () => {
    expect(same(null, "")).toBe(true);
    expect(same(undefined, "")).toBe(true);
    expect(same(0, "")).toBe(false);
  });
});
