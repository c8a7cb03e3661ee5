import { expect, it } from "vitest";
import { gate } from "./gate";

it("requests that meet a closed session go on after the next sign-in", async () => {
  const done: string[] = [];
  const waiting = [1, 2].map(() => gate.wait().then(() => done.push("sent")));
  expect(gate.isClosed()).toBe(true);
  expect(done).toEqual([]);

  gate.open();
  await Promise.all(waiting);

  expect(done).toEqual(["sent", "sent"]);
  expect(gate.isClosed()).toBe(false);
});

it("requests of somebody who has signed out are not sent for the next one", async () => {
  const waiting = gate.wait();

  gate.abandon();

  await expect(waiting).rejects.toMatchObject({ status: 401 });
  expect(gate.isClosed()).toBe(false);
});
