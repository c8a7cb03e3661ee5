import { describe, expect, it, vi } from "vitest";
import { isOutOfReach, persistently } from "./late";

const lost = new TypeError("Failed to fetch dynamically imported module: /static/assets/Palette.js");

describe("a part that is loaded late", () => {
  it("is asked for again until it comes, with longer and longer rests", async () => {
    const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(lost).mockRejectedValueOnce(lost).mockResolvedValue("part");
    const pauses: number[] = [];
    const found = await persistently(load, (failures) => Promise.resolve(pauses.push(failures)))();
    expect([found, pauses]).toEqual(["part", [1, 2]]);
  });
  it("is loaded once for all who want it", async () => {
    const load = vi.fn(() => Promise.resolve("part"));
    const wanted = persistently(load);
    await Promise.all([wanted(), wanted()]);
    expect(load).toHaveBeenCalledTimes(1);
  });
  it("that is faulty itself says so", async () => {
    const faulty = persistently(() => Promise.reject(new ReferenceError("x is not defined")));
    await expect(faulty()).rejects.toThrow("x is not defined");
  });
  it("counts as out of reach in the words of every browser", () => {
    const words = [lost.message, "error loading dynamically imported module: x", "Importing a module script failed.", "Unable to preload CSS for /x.css"];
    expect(words.map((word) => isOutOfReach(new Error(word)))).toEqual([true, true, true, true]);
  });
});
