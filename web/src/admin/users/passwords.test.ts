import { expect, test } from "vitest";
import { newPassword } from "./passwords";

test("a password has four groups of five signs that are not taken for others", () => {
  expect(newPassword()).toMatch(/^[^01OIl5S8B-]{5}(-[^01OIl5S8B-]{5}){3}$/);
});

test("no two are alike", () => {
  expect(newPassword()).not.toBe(newPassword());
});

test("bytes behind the last whole round are left out", () => {
  let calls = 0;
  const random = (bytes: number) => new Uint8Array(bytes).fill(calls++ === 0 ? 255 : 0);
  expect(newPassword(random)).toBe("aaaaa-aaaaa-aaaaa-aaaaa");
});
