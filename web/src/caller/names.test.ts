import { describe, expect, it } from "vitest";
import { choicesOf, nameOf } from "./names";

const call = (change: object = {}) => ({ contact_id: null, contact_name: null, choices: [], client: { number: "+79161234567", kind: "client", name: "" }, ...change }) as Parameters<typeof nameOf>[0]; // prettier-ignore
const choice = (contact_id: number, name: string) => ({ contact_id, name, organisation: null });

describe("a caller's name", () => {
  it("is that of his card", () => {
    expect(nameOf(call({ contact_id: 4, contact_name: " Anna \n Белозерская " }))).toEqual({ kind: "card", name: "Anna Белозерская", contact: 4 });
  });
  it("is a count where several share the number, until one is chosen", () => {
    const several = call({ choices: [choice(1, "A"), choice(2, "B"), choice(3, "C")] });
    expect(nameOf(several)).toEqual({ kind: "several", count: 3 });
    expect(choicesOf(several).map(({ digit, contact }) => [digit, contact])).toEqual([[1, 1], [2, 2], [3, 3]]); // prettier-ignore
    expect(choicesOf({ ...several, contact_id: 2 })).toEqual([]);
  });
  it("is what the line says, as text, cut at 80 signs and without turned directions", () => {
    const forged = nameOf(call({ client: { number: "+79161234567", kind: "client", name: `<img src=x onerror=alert(1)>\u202e${"x".repeat(100)}` } }));
    expect(forged.kind).toBe("line");
    expect(forged.kind === "line" && [...forged.name].length).toBe(80);
    expect(forged.kind === "line" && forged.name).not.toMatch(/\u202e/);
    expect(forged.kind === "line" && forged.name.startsWith("<img src=x onerror=alert(1)>")).toBe(true);
  });
  it("is the number where the line repeats it, or says nothing", () => {
    expect(nameOf(call({ client: { number: "+79161234567", kind: "client", name: "7 916 123-45-67" } }))).toEqual({ kind: "number", number: "+79161234567" });
    expect(nameOf(call())).toEqual({ kind: "number", number: "+79161234567" });
  });
  it("is kept back by who withholds his number", () => {
    expect(nameOf(call({ client: { number: null, kind: "hidden", name: "" } }))).toEqual({ kind: "hidden" });
  });
});
