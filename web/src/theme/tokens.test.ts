import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

type Tokens = Record<string, string>;

function tokensOf(selector: string): Tokens {
  const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
  const begin = css.indexOf(selector + " {");
  const block = css.slice(begin, css.indexOf("\n}", begin));
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

/** Relative luminance by the formula of WCAG 2.2. */
function luminance(colour: string): number {
  const channels = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r = 0, g = 0, b = 0] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["bg", "surface", "inset"];
const STATES = ["talk", "ring", "hold", "after", "miss", "warn", "pause"];
const TEXT_PAIRS = [
  ...["text", "text2", "text3", "accent-text"].flatMap((text) => GROUNDS.map((ground) => [text, ground])),
  ...STATES.flatMap((state) => [...GROUNDS.slice(0, 2), `${state}-soft`].map((ground) => [state, ground])),
  ...["accent-text", "text", "text2", "text3"].map((text) => [text, "accent-soft"]),
  ...STATES.flatMap((state) => [["text", `${state}-soft`], ["text2", `${state}-soft`]]), // prettier-ignore
  ["on-accent", "accent"],
  ["on-accent", "accent-over"],
  ["on-fill", "fill-go"],
  ["on-fill", "fill-stop"],
  ["bg", "text"],
];
const EDGE_PAIRS = [
  ["edge", "surface"],
  ["edge", "bg"],
  ["accent", "surface"],
  ["accent", "bg"],
  ["side-manager", "surface"],
  ["side-client", "surface"],
];

describe.each([":root", ':root[data-mantine-color-scheme="dark"]'])("the colours of %s", (selector) => {
  const tokens = tokensOf(selector);
  const ratio = ([one = "", other = ""]: string[]) => contrast(tokens[one] ?? "", tokens[other] ?? "");

  it.each(TEXT_PAIRS)("let %s be read on %s", (...pair) => expect(ratio(pair)).toBeGreaterThanOrEqual(4.5));
  it.each(EDGE_PAIRS)("let %s be seen on %s", (...pair) => expect(ratio(pair)).toBeGreaterThanOrEqual(3));
});
