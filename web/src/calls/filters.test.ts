import { describe, expect, it } from "vitest";
import { callsLink } from "../statistics/figure";
import { beginOf, datesOf, daysOf, isNumber, queryOf, secondsOf } from "./filters";

const MOSCOW = { language: "ru", zone: "Europe/Moscow" };
const WARSAW = { language: "pl", zone: "Europe/Warsaw" };
const NOW = Date.parse("2026-11-24T22:30:00Z"); // Wednesday already in Moscow

describe("a named period", () => {
  it("is of the reader's own days", () => {
    expect(daysOf("today", NOW, MOSCOW)).toEqual({ from: "2026-11-25", until: "2026-11-26" });
    expect(daysOf("today", NOW, WARSAW)).toEqual({ from: "2026-11-24", until: "2026-11-25" });
  });

  it("of a week begins on Monday, of a quarter with its first month", () => {
    expect(daysOf("week", NOW, WARSAW).from).toBe("2026-11-23");
    expect(daysOf("month", NOW, WARSAW).from).toBe("2026-11-01");
    expect(daysOf("quarter", NOW, WARSAW).from).toBe("2026-10-01");
    expect(daysOf("year", NOW, WARSAW).from).toBe("2026-01-01");
  });

  it("of the last seven days ends with yesterday, as in the reports", () => {
    expect(daysOf("last_7_days", NOW, WARSAW)).toEqual({ from: "2026-11-17", until: "2026-11-24" });
  });
});

describe("a day", () => {
  it("begins by the clock of the reader, also where it is put on", () => {
    expect(beginOf("2026-11-24", MOSCOW)).toBe("2026-11-23T21:00:00.000Z");
    expect(beginOf("2026-03-29", WARSAW)).toBe("2026-03-28T23:00:00.000Z");
    expect(beginOf("2026-03-30", WARSAW)).toBe("2026-03-29T22:00:00.000Z");
  });
});

describe("the query of an address", () => {
  it("takes what is right and leaves out what is not", () => {
    const query = queryOf({ direction: "inbound", result: "nonsense", manager: "17", contact: "x", since: "2026-13-99", talk_since: "-1", recorded: "perhaps" }, WARSAW);
    expect(query).toEqual({ direction: "inbound", manager: 17 });
  });

  it("leaves days by name to the gateway, which knows the reader's", () => {
    expect(queryOf({ period: "yesterday", first: "2026-11-01" }, WARSAW)).toEqual({ period: "yesterday" });
    expect(queryOf({ first: "2026-11-01", last: "2026-11-03" }, WARSAW)).toEqual({ period: "dates", first: "2026-11-01", last: "2026-11-03" });
  });

  it("has the whole of the last day where only one end is chosen", () => {
    expect(queryOf({ last: "2026-11-23" }, WARSAW)).toEqual({ until: "2026-11-23T23:00:00.000Z" });
    expect(queryOf({ first: "2026-11-23" }, WARSAW)).toEqual({ since: "2026-11-22T23:00:00.000Z" });
  });

  it("understands links that name the day behind the last one", () => {
    expect(queryOf({ since: "2026-11-22", until: "2026-11-24" }, WARSAW)).toEqual({ period: "dates", first: "2026-11-22", last: "2026-11-23" });
    expect(datesOf({ since: "2026-11-22", until: "2026-11-23" })).toEqual({ first: "2026-11-22", last: "2026-11-22" });
  });

  it("understands the days of a figure's link", () => {
    const filters = Object.fromEntries(new URLSearchParams(callsLink({ figure: "answered", since: "2026-11-22", until: "2026-11-23", user: 7 })?.split("?")[1]));
    expect(queryOf(filters, WARSAW)).toEqual({ period: "dates", first: "2026-11-22", last: "2026-11-23", figure: "answered", manager: 7 });
  });

  it("asks for what a figure counts", () => {
    expect(queryOf({ figure: "answered", team: "3", kind: "all", state: "open" }, WARSAW)).toEqual({ figure: "answered", team: 3, kind: "all", state: "open" });
  });

  it("has talk, recording and outcome", () => {
    const filters = { talk_since: "120", talk_until: "600", recorded: "true", transcript: "false", outcome: "none", did: "74955550101", source: "Site" };
    expect(queryOf(filters, WARSAW)).toEqual({ talk_since: 120, talk_until: 600, recorded: true, transcript: false, outcome: "none", did: "74955550101", source: "Site" });
  });
});

describe("a length of talk", () => {
  it("is typed in seconds, or in minutes and seconds", () => {
    expect(secondsOf("2:00")).toBe(120);
    expect(secondsOf(" 90 ")).toBe(90);
    expect(secondsOf("two")).toBeNull();
    expect(secondsOf("999999999")).toBeNull();
  });
});

describe("what is searched", () => {
  it("is a number in any form, or words", () => {
    expect(isNumber("8 (343) 278-15-40")).toBe(true);
    expect(isNumber("+48 12")).toBe(true);
    expect(isNumber("12 chairs")).toBe(false);
    expect(isNumber("расчёт")).toBe(false);
  });
});
