import { describe, expect, it } from "vitest";
import { backoff } from "./backoff";
import { touchedBy } from "./keys";
import { ApiProblem, problemOf } from "./problem";
import { isPassing, pauseBefore } from "./queries";

describe("a lost line", () => {
  it("is tried again after 1, 2, 4, ... 10 s", () => {
    expect([1, 2, 3, 4, 5, 6, 9].map((failures) => backoff(failures, 0))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });
  it("is never tried later than that, and up to a quarter earlier", () => expect(backoff(3, 1)).toBe(3000));
});

describe("a problem", () => {
  const answer = (status: number, body: object, headers = {}) => problemOf(new Response(JSON.stringify(body), { status, headers }));

  it("says what is wrong with a field", async () => {
    const errors = [{ place: "body", pointer: "#/phones/0/number", code: "value", detail: "This is no number." }];
    const problem = await answer(422, { type: "/api/v1/problems/invalid-request", detail: "Not allowed.", errors });
    expect(problem.field("phones/0/number")).toBe("This is no number.");
    expect(problem.field("name")).toBeNull();
    expect(problem.slug).toBe("invalid-request");
  });
  it("that is no JSON has its status", async () => {
    const problem = await problemOf(new Response("<html>", { status: 502 }));
    expect(problem.status).toBe(502);
    expect(problem.isPassing).toBe(true);
  });
  it("tells how long to wait", async () => {
    const problem = await answer(429, {}, { "Retry-After": "7" });
    expect(pauseBefore(0, problem)).toBe(7000);
  });
  it("is repeated only where it may pass by itself", () => {
    expect([0, 429, 502, 503, 504].every((status) => isPassing(new ApiProblem(status)))).toBe(true);
    expect([400, 403, 404, 409, 412, 422, 500].some((status) => isPassing(new ApiProblem(status)))).toBe(false);
  });
  it("is told from a fault of the page", () => expect(isPassing(new TypeError("x"))).toBe(false));
});

describe("a fact", () => {
  it("touches its thing and what is made of many", () => {
    expect(touchedBy({ kind: "contact.changed", body: { id: 42 } })).toEqual([
      { family: "contacts", id: null },
      { family: "contacts", id: "42" },
    ]);
  });
  it("of a call touches the client's card too", () => {
    const touched = touchedBy({ kind: "call.ended", body: { id: "9f2c", contact_id: 42 } });
    expect(touched).toContainEqual({ family: "calls", id: "9f2c" });
    expect(touched).toContainEqual({ family: "contacts", id: "42" });
  });
  it("of a transcript touches the call it belongs to", () => {
    expect(touchedBy({ kind: "transcript.ready", body: { call_id: "9f2c" } })).toContainEqual({ family: "calls", id: "9f2c" });
  });
  it("that nobody knows touches nothing", () => expect(touchedBy({ kind: "new.thing", body: { id: 1 } })).toEqual([]));
});
