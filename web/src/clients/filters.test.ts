import { expect, it } from "vitest";
import { queryOf } from "./filters";

it("the query of clients takes what is right in an address and leaves out what is not", () => {
  expect(queryOf({ q: "Łódź", owner: "none", heat: "boiling", stage: "lead", organisation: "x", next: "false", sort: "last_touch" })).toEqual({
    q: "Łódź",
    has_owner: false,
    stage: "lead",
    next_step: false,
    sort: "last_touch",
  });
  expect(queryOf({ owner: "7", next: "perhaps", sort: "name" })).toEqual({ owner: 7 });
});
