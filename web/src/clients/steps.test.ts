import { expect, it } from "vitest";
import { nearest, type Step } from "./steps";

const step = (id: number, at: string | null): Step => ({ kind: "task", id, at, what: "", owner: null, ownerName: "" });

it("the earliest step is the next one, and one without a time comes last", () => {
  expect(nearest([step(1, null), step(2, "2026-11-24T12:00:00Z"), step(3, "2026-11-24T09:00:00Z")])?.id).toBe(3);
  expect(nearest([step(1, null)])?.id).toBe(1);
  expect(nearest([])).toBeNull();
});
