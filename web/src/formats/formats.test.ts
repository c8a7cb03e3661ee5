import { describe, expect, it } from "vitest";
import { distance, duration, hoursAndMinutes, sum } from "./durations";
import { clock, clockThere, daysFrom, isoDay, longDay, moment, shortDay, weekDay } from "./moments";
import { byName, initials, tame } from "./names";
import { change, count, growth, money, points, share } from "./numbers";
import { dialable, maskedPhone, phone } from "./phones";

/** Spaces and dashes that do not break are written as plain ones here. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ").replaceAll("\u2011", "-");
const unit = (name: string, n: number) => `${n} ${name}`;

describe("durations", () => {
  it.each([
    [0, "0:00"],
    [7, "0:07"],
    [768, "12:48"],
    [3730, "1:02:10"],
    [59.999_999_9, "1:00"],
    [-3, "0:00"],
    [null, "–"],
  ])("show %s s as %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [40, "40 s"],
    [14 * 60, "14 min"],
    [2 * 3600 + 14 * 60, "2 h 14 min"],
    [2 * 3600, "2 h"],
  ])("sum %s s up as %s", (seconds, text) => expect(plain(sum(seconds, unit))).toBe(text));

  it.each([
    [19 * 60, "19 min"],
    [-(2 * 3600 + 4 * 60), "2 h 04"],
    [3 * 86_400, "3 d"],
  ])("tell a distance of %s s as %s", (seconds, text) => expect(plain(distance(seconds, unit))).toBe(text));

  it("write work in hours and minutes", () => expect(hoursAndMinutes(53_520)).toBe("14:52"));
});

describe("telephone numbers", () => {
  it.each([
    ["+48123456789", "PL", "12 345 67 89"],
    ["+48600123456", "PL", "600 123 456"],
    ["+73432781540", "PL", "+7 343 278-15-40"],
    ["+79161234567", "RU", "8 916 123-45-67"],
    ["+48123456789", "RU", "+48 12 345 67 89"],
    ["+442079460958", "RU", "+44 20 7946 0958"],
    ["+441614960142", "GB", "0161 496 0142"],
    ["+37167123456", "LV", "67 123 456"],
    ["+77012345678", "RU", "+7 701 234-56-78"],
    ["+8613812345678", "PL", "+86 13 812 345 678"],
    ["101", "PL", "101"],
  ])("show %s to a reader in %s as %s", (number, country, text) => expect(plain(phone(number, country))).toBe(text));

  it("never break at a line's end", () => expect(phone("+73432781540", "PL")).not.toMatch(/[ -]/));
  it("keep digits back", () => expect(plain(maskedPhone("+73432781540"))).toBe("+7 ··· ··-40"));

  it.each([
    ["8 (916) 123-45-67", "89161234567"],
    ["+48 12 345 67 89", "+48123456789"],
    ["0048 12 345 67 89", "+48123456789"],
    ["101", "101"],
    ["*43", "*43"],
    ["Anna", null],
    ["1", null],
    ["12 anna", null],
  ])("typed as %s are dialled as %s", (text, number) => expect(dialable(text)).toBe(number));
});

describe("moments", () => {
  const at = "2026-11-24T13:26:05Z";
  const now = "2026-11-24T20:00:00Z";
  const krakow = (language: string) => ({ language, zone: "Europe/Warsaw" });

  it("are in 24 hours of the reader's zone", () => {
    expect(clock(at, krakow("en"))).toBe("14:26");
    expect(clock("2026-11-24T23:05:00Z", krakow("ru"))).toBe("00:05");
  });
  it("tell the client's own time", () => {
    expect(clockThere(Date.parse(at), "Asia/Yekaterinburg")).toBe("18:26");
    expect(clockThere(Date.parse(at), "Nowhere/At all")).toBeNull();
  });
  it("name days in three languages", () => {
    expect(longDay(at, now, krakow("en"))).toBe("Tuesday, 24 November");
    expect(longDay(at, now, krakow("ru"))).toBe("вторник, 24 ноября");
    expect(longDay(at, now, krakow("pl"))).toBe("wtorek, 24 listopada");
    expect(weekDay(at, now, krakow("en"))).toBe("Tue 24 Nov");
  });
  it("say the year of another year", () => expect(shortDay("2025-11-21T10:00:00Z", now, krakow("en"))).toBe("21 Nov 2025"));
  it("of today have no day", () => {
    expect(moment(at, now, krakow("en"))).toBe("14:26");
    expect(moment("2026-11-21T11:48:00Z", now, krakow("en"))).toBe("21 Nov, 12:48");
  });
  it("count days by the reader's midnight", () => {
    expect(isoDay("2026-11-23T23:30:00Z", krakow("en"))).toBe("2026-11-24");
    expect(daysFrom("2026-11-23T22:30:00Z", now, krakow("en"))).toBe(-1);
    // The clocks change on 25 October.
    expect(daysFrom("2026-10-26T10:00:00Z", "2026-10-24T10:00:00Z", krakow("en"))).toBe(2);
  });
});

describe("numbers", () => {
  it("are grouped as each language does", () => {
    expect(count(4492, "en")).toBe("4,492");
    expect(plain(count(4492, "ru"))).toBe("4 492");
    expect(plain(count(4492, "pl"))).toBe("4 492");
  });
  it("change with a sign", () => expect([change(12, "en"), change(-6, "en"), change(0, "en")]).toEqual(["+12", "−6", "0"]));
  it("are shares with a space", () => expect(plain(share(0.84))).toBe("84 %"));
  it("not known are a dash", () => expect(share(null)).toBe("–"));
  it("of shares move in points", () => expect(points(0.84, 0.79)).toBe(5));
  it("do not grow from nothing", () => expect(growth(5, 0)).toBeNull());
  it("are money in its own currency", () => expect(plain(money(86_400, "RUB", "ru"))).toBe("86 400 ₽"));
});

describe("names", () => {
  it("are one line of at most 80 signs", () => {
    expect(tame("Anna\r\nx: y\u202e")).toBe("Anna x: y");
    expect(Array.from(tame("ж".repeat(200)))).toHaveLength(80);
  });
  it("keep markup as text", () => expect(tame("<script>alert(1)</script>")).toBe("<script>alert(1)</script>"));
  it("have initials of first and last word", () => {
    expect(initials("Мария Гончарова")).toBe("МГ");
    expect(initials("Анна Сергеевна Белозерская")).toBe("АБ");
    expect(initials("root")).toBe("R");
  });
  it("sort as the language does", () => expect(["Łukasz", "Maria", "Lena"].sort(byName("pl"))).toEqual(["Lena", "Łukasz", "Maria"]));
});
