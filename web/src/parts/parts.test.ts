import { describe, expect, it } from "vitest";
import { level } from "./charts/HeatMap";
import { every, steps } from "./charts/scale";
import { stretched } from "./Waveform";

describe("a chart", () => {
  it("has round steps up to above the highest value", () => {
    expect(steps(968)).toEqual([0, 250, 500, 750, 1000]);
    expect(steps(3)).toEqual([0, 1, 2, 3]);
    expect(steps(0)).toEqual([0, 1]);
    expect(steps(9)).toEqual([0, 3, 6, 9]); // no halves
  });
  it("leaves labels out where there is no room", () => expect([every(7, 700, 56), every(90, 700, 56)]).toEqual([1, 8]));
});

describe("a heat map", () => {
  it("has six shades, the darkest for the highest", () => {
    expect([0, null, 1, 5, 9, 10].map((value) => level(value, 10))).toEqual([0, 0, 1, 3, 5, 5]);
  });
});

describe("a small waveform", () => {
  it("keeps the loudest of each stretch", () => expect(stretched([0, 1, 0, 0, 0.5, 0], 3)).toEqual([1, 0, 0.5]));
  it("is not longer than the sound", () => expect(stretched([0.2], 120)).toEqual([0.2]));
});
