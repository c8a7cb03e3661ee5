import { describe, expect, it } from "vitest";
import type { LiveCall } from "../api";
import { callToWrapUp, noted } from "./recent";

const HOUR = 3_600_000;
const open = (id: string, contact_id: number, user_id: number) => ({ id, contact_id, managers: [{ user_id }] }) as unknown as LiveCall;

describe("calls whose outcome is still to be given", () => {
  it("are remembered once each, the newest first, and for half a day", () => {
    const list = noted(noted([{ call: "old", contact: 1, at: 0 }], { call: "a", contact: 1, at: 11 * HOUR }), { call: "b", contact: 2, at: 13 * HOUR });
    expect(list.map((one) => one.call)).toEqual(["b", "a"]);
    expect(noted(list, { call: "a", contact: 3, at: 13 * HOUR }).map((one) => [one.call, one.contact])).toEqual([["a", 3], ["b", 2]]); // prettier-ignore
  });
  it("are found by the client: the open one before the last", () => {
    const list = [{ call: "a", contact: 1, at: 0 }];
    expect(callToWrapUp(1, 7, [], list, HOUR)).toBe("a");
    expect(callToWrapUp(1, 7, [open("z", 1, 7)], list, HOUR)).toBe("z");
    expect(callToWrapUp(1, 7, [open("z", 1, 8)], [], HOUR)).toBeNull();
    expect(callToWrapUp(2, 7, [], list, HOUR)).toBeNull();
    expect(callToWrapUp(1, 7, [], list, 13 * HOUR)).toBeNull();
  });
});
