import { describe, expect, it } from "vitest";
import { byName } from "../formats/names";
import { found, type Colleague } from "./colleagues";

const colleague = (id: number, name: string, change: Partial<Colleague> = {}): Colleague => ({
  id, name, role: "manager", teams: ["Sales"], extensions: [String(100 + id)], state: "available", since: null, ringing: false, free: true, ...change,
}); // prettier-ignore
const ALL = [
  colleague(1, "Żaneta", { state: "off", free: false }),
  colleague(2, "Anna"),
  colleague(3, "Борис", { teams: ["Москва"], state: "talking", free: false }),
  colleague(4, "Zoe"),
  colleague(5, "Head", { extensions: [] }),
];
const names = (text: string) => found(ALL, text, byName("pl")).map((one) => one.name);

describe("colleagues for a transfer", () => {
  it("stand the free ones first, by name, without those who have no phone", () => expect(names("")).toEqual(["Anna", "Zoe", "Борис", "Żaneta"]));
  it("are found by name, team and extension", () => {
    expect(names("ann")).toEqual(["Anna"]);
    expect(names("МОСКВА")).toEqual(["Борис"]);
    expect(names("104")).toEqual(["Zoe"]);
    expect(names("sales z")).toEqual(["Zoe"]);
    expect(names("nobody")).toEqual([]);
  });
});
