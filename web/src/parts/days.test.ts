import { expect, it } from "vitest";
import { readDay, writeDay } from "./days";

it("reads a day as it is written in our languages, once it is whole", () => {
  expect(["24.11.2026", "24/11/2026", "4-1-2026", "2026-11-24", " 24 11 2026 "].map(readDay)).toEqual(["2026-11-24", "2026-11-24", "2026-01-04", "2026-11-24", "2026-11-24"]);
  expect(["", "24.11", "24.11.26", "31.02.2026", "24.13.2026", "tomorrow"].map(readDay)).toEqual([null, null, null, null, null, null]);
});

it("writes it in the reader's language, whatever his clock", () => {
  expect(["en", "ru", "pl"].map((language) => writeDay("2026-11-24", language))).toEqual(["24 Nov 2026", "24 нояб. 2026", "24 lis 2026"]);
});
