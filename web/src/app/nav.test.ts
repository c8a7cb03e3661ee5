import { describe, expect, it } from "vitest";
import { homeOf, mayOpen, navOf, PAGES } from "./nav";
import type { Who } from "./session";

const MANAGER = ["calls.read_own", "contacts.read", "tasks.read_own", "statistics.read_own"] as Who["rights"];
const SUPERVISOR = [...MANAGER, "states.read_all", "statistics.read_all", "goals.manage"] as Who["rights"];

function who(role: Who["role"], rights: Who["rights"], phones: string[] = ["101"]): Who {
  return { role, rights, user: { extensions: phones } } as unknown as Who;
}
const names = (one: Who) => navOf(one).map(({ group, items }) => [group, ...items.map((item) => item.name)]);

describe("the rail", () => {
  it("of a manager begins with his day", () => {
    expect(names(who("manager", MANAGER))).toEqual([["manager", "today", "clients", "calls", "tasks", "me"]]);
    expect(homeOf(who("manager", MANAGER))).toBe("/today");
  });
  it("of a supervisor begins with the board, and has his own day under it where he has a phone", () => {
    expect(names(who("supervisor", SUPERVISOR))).toEqual([
      ["supervisor", "live", "calls", "clients", "tasks", "stats", "goals"],
      ["manager", "today", "me"],
    ]);
    expect(names(who("supervisor", SUPERVISOR, [])).map(([group]) => group)).toEqual(["supervisor"]);
  });
  it("shows no page twice, and none without its right", () => {
    const all = navOf(who("admin", [...SUPERVISOR, "users.manage", "doctor.read"])).flatMap((part) => part.items);
    expect(new Set(all.map((item) => item.name)).size).toBe(all.length);
    expect(all.some((item) => item.name === "webhooks")).toBe(false);
  });
  it("has a letter of its own for each page", () => {
    const letters = Object.values(PAGES).map((page) => page.go);
    expect(new Set(letters).size).toBe(letters.length);
  });
  it("does not open what is forbidden", () => expect(mayOpen({ rights: MANAGER }, PAGES.audit)).toBe(false));
});
