import { describe, expect, it } from "vitest";
import { fitOf, instantOf, nearest, offsetName, proposal, spanOf, timeOf, wallOf, warningOf, type Hours } from "./times";

const at = (text: string) => Date.parse(text);
const span = (text: string) => [spanOf(text) ?? { since: 0, until: 0 }];
const office: Hours = { zone: "Europe/Warsaw", week: [...Array.from({ length: 5 }, () => span("09:00-17:00")), [], []] };
const client: Hours = { zone: "Asia/Yekaterinburg", week: Array.from({ length: 7 }, () => span("09:00-20:00")) };

describe("a clock on the wall", () => {
  it("shows day, time and weekday of its zone", () => {
    expect(wallOf(at("2026-12-01T06:00:00Z"), "Asia/Yekaterinburg")).toEqual({ day: "2026-12-01", time: "11:00", weekday: 1, minutes: 660 });
  });
  it("is read back to its moment, also when summer time begins and ends", () => {
    expect(instantOf("2026-12-01", "11:00", "Asia/Yekaterinburg").toISOString()).toBe("2026-12-01T06:00:00.000Z");
    expect(instantOf("2026-10-25", "12:00", "Europe/Warsaw").toISOString()).toBe("2026-10-25T11:00:00.000Z");
    expect(instantOf("2026-07-01", "12:00", "Europe/Warsaw").toISOString()).toBe("2026-07-01T10:00:00.000Z");
    const leftOut = instantOf("2026-03-29", "02:30", "Europe/Warsaw").getTime();
    expect(wallOf(leftOut, "Europe/Warsaw").time).toBe("03:30");
  });
  it("names its distance from UTC", () => {
    expect(offsetName(at("2026-12-01T00:00:00Z"), "Asia/Yekaterinburg")).toBe("UTC+5");
    expect(offsetName(at("2026-12-01T00:00:00Z"), "America/St_Johns")).toBe("UTC\u22123:30");
    expect(offsetName(at("2026-12-01T00:00:00Z"), "UTC")).toBe("UTC");
  });
});

describe("hours", () => {
  it("tell before, within, after and closed", () => {
    expect(fitOf(at("2026-12-01T07:00:00Z"), office)).toBe("before");
    expect(fitOf(at("2026-12-01T08:00:00Z"), office)).toBe("fits");
    expect(fitOf(at("2026-12-01T16:00:00Z"), office)).toBe("after");
    expect(fitOf(at("2026-12-05T10:00:00Z"), office)).toBe("closed");
  });
  it("are otherwise on a day of their own", () => {
    expect(fitOf(at("2026-12-01T10:00:00Z"), { ...office, days: { "2026-12-01": [] } })).toBe("closed");
  });
  it("give the nearest moment that suits both", () => {
    const early = instantOf("2026-12-01", "11:00", client.zone).getTime();
    const suits = nearest(early, [client, office]) ?? 0;
    expect([wallOf(suits, client.zone).time, wallOf(suits, office.zone).time]).toEqual(["13:00", "09:00"]);
  });
});

describe("a warning", () => {
  it("names our day where the client's hours are kept, with the moment to take instead", () => {
    const early = instantOf("2026-12-01", "11:00", client.zone).getTime();
    const found = warningOf(early, client, office);
    expect(found).toMatchObject({ whose: "own", fit: "before", clock: "07:00", day: { since: "09:00", until: "17:00" } });
    expect(wallOf(found?.instead ?? 0, client.zone).time).toBe("13:00");
  });
  it("names the client's first", () => {
    const late = instantOf("2026-12-01", "23:00", client.zone).getTime();
    expect(warningOf(late, client, office)).toMatchObject({ whose: "client", fit: "after", clock: "23:00" });
  });
  it("is none where both may be disturbed, and where nobody knows hours", () => {
    expect(warningOf(instantOf("2026-12-01", "14:00", client.zone).getTime(), client, office)).toBeNull();
    expect(warningOf(instantOf("2026-12-01", "03:00", client.zone).getTime(), null, null)).toBeNull();
  });
});

describe("a proposal", () => {
  it("is the client's next working morning", () => {
    expect(proposal(at("2026-11-27T12:00:00Z"), "Europe/Warsaw", null, null)).toEqual({ day: "2026-11-30", time: "10:00" });
  });
  it("waits until we are there", () => {
    expect(proposal(at("2026-11-30T12:00:00Z"), client.zone, client, office)).toEqual({ day: "2026-12-01", time: "13:00" });
  });
});

describe("a typed time", () => {
  it.each([["9", "09:00"], ["9:5", "09:05"], ["905", "09:05"], ["1730", "17:30"], ["9.30", "09:30"], ["25", null], ["ten", null]])("%s", (text, time) => expect(timeOf(text)).toBe(time)); // prettier-ignore
});
