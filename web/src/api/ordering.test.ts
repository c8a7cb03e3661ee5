import { describe, expect, it } from "vitest";
import { OrderKeys, PAUSES_MS, repeated, SAME_MS } from "./ordering";
import { ApiProblem } from "./problem";

const lost = () => Promise.reject(new ApiProblem(0));

describe("an order whose answer is lost", () => {
  it("is sent again until one comes", async () => {
    const pauses: number[] = [];
    let sent = 0;
    const answer = await repeated(
      () => (++sent < 3 ? lost() : Promise.resolve("done")),
      (ms) => Promise.resolve(void pauses.push(ms)),
    );
    expect([answer, sent, pauses]).toEqual(["done", 3, PAUSES_MS.slice(0, 2)]);
  });

  it("is given up after some seconds, and a refusal at once", async () => {
    let sent = 0;
    const wait = () => Promise.resolve();
    await expect(repeated(() => (sent++, lost()), wait)).rejects.toMatchObject({ status: 0 });
    expect(sent).toBe(PAUSES_MS.length + 1);
    sent = 0;
    await expect(repeated(() => (sent++, Promise.reject(new ApiProblem(409))), wait)).rejects.toMatchObject({ status: 409 });
    expect(sent).toBe(1);
  });

  it("keeps its key for a minute when a person gives it again, and no longer than until it is answered", async () => {
    const keys = new OrderKeys();
    const used: string[] = [];
    let now = 1000;
    const give = (name: string, send: () => Promise<unknown>) => keys.give(name, () => now, (key) => (used.push(key), send())).catch(() => null);
    await give("call 1", lost);
    await give("call 2", lost);
    await give("call 1", () => Promise.resolve());
    await give("call 1", lost);
    now += SAME_MS;
    await give("call 1", lost);
    expect(used[2]).toBe(used[0]);
    expect(new Set([used[0], used[1], used[3], used[4]]).size).toBe(4);
  });
});
