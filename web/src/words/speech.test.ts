import { describe, expect, it } from "vitest";
import { speech } from "./speech";

describe("words", () => {
  const ru = speech("ru", { left_one: "{{count}} звонок", left_few: "{{count}} звонка", left_many: "{{count}} звонков", left_other: "{{count}} звонка" });
  it("take the form of a number in their language", () => {
    expect([1, 3, 5, 21, 112, 1.5].map((count) => ru("left", { count }))).toEqual(["1 звонок", "3 звонка", "5 звонков", "21 звонок", "112 звонков", "1.5 звонка"]);
  });
  const en = speech("en", { hello: "{{ name }} calls {{name}}", plain: "Two {{braces", n_other: "{{count}} new", odd: "{{constructor}}" });
  it("have their values put in as they are, whatever stands in those", () => {
    expect(en("hello", { name: "<b>{{count}}</b> $& $1" })).toBe("<b>{{count}}</b> $& $1 calls <b>{{count}}</b> $& $1");
  });
  it("leave out what is not there", () => expect([en("hello", {}), en("hello", { name: null }), en("odd", {})]).toEqual([" calls ", " calls ", ""]));
  it("fall back to the form for others, and to the key", () => expect([en("n", { count: 1 }), en("missing"), en("plain")]).toEqual(["1 new", "missing", "Two {{braces"]));
});
