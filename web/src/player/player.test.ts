import { describe, expect, it } from "vitest";
import { cut, wanted } from "./find";
import { neighbours } from "./neighbours";
import { afterSilence, barsOf, readPeaks, silences } from "./peaks";
import { lineAt, marksOf, partsOf, speakerAt, ticksOf } from "./story";
import type { Schemas } from "../api";

function file(channels: number, peaks: number[][]): ArrayBuffer {
  const bytes = new Uint8Array(16 + peaks.length * channels * 2);
  const view = new DataView(bytes.buffer);
  "TLPK".split("").forEach((sign, at) => view.setUint8(at, sign.charCodeAt(0)));
  view.setUint8(4, 1);
  view.setUint8(5, channels);
  view.setUint16(6, 50, true);
  peaks.forEach((peak, at) =>
    peak.forEach((loud, channel) => {
      view.setInt8(16 + (at * channels + channel) * 2, -loud);
      view.setInt8(16 + (at * channels + channel) * 2 + 1, loud / 2);
    }),
  );
  return bytes.buffer;
}

describe("a peaks file", () => {
  it("gives the loudness of each side", () => {
    const peaks = readPeaks(file(2, [[64, 0], [0, 128]])); // prettier-ignore
    expect(peaks.count).toBe(2);
    expect([...(peaks.sides[0] ?? [])]).toEqual([0.5, 0]);
    expect([...(peaks.sides[1] ?? [])]).toEqual([0, 1]);
  });

  it("of another kind is refused", () => {
    expect(() => readPeaks(new ArrayBuffer(4))).toThrow(RangeError);
    expect(() => readPeaks(new ArrayBuffer(64))).toThrow(/another kind/);
  });

  it("is drawn by its loudest peaks, however few bars there are", () => {
    expect([...barsOf(Float32Array.of(0, 0.5, 0, 1), 2, 1)]).toEqual([0.5, 1]);
    expect([...barsOf(Float32Array.of(0.25), 3, 0.5)]).toEqual([0.5, 0.5, 0.5]);
    expect([...barsOf(new Float32Array(0), 2, 1)]).toEqual([0, 0]);
  });
});

describe("silence", () => {
  const talk = (seconds: number) => Array.from({ length: seconds * 50 }, () => [100, 0]);
  const quiet = (seconds: number) => Array.from({ length: seconds * 50 }, () => [0, 1]);

  it("of more than two seconds is skipped but for a breath at both ends", () => {
    const found = silences(readPeaks(file(2, [...talk(1), ...quiet(5), ...talk(1)])));
    expect(found).toEqual([{ from: 1.4, until: 5.6 }]);
    expect(afterSilence(found, 3)).toBe(5.6);
    expect(afterSilence(found, 6)).toBeNull();
  });

  it("that is short is heard", () => {
    expect(silences(readPeaks(file(2, [...talk(1), ...quiet(2), ...talk(1)])))).toEqual([]);
  });
});

describe("words that are looked for", () => {
  it("are marked wherever they stand, and the text stays whole", () => {
    const pieces = cut("Цена доставки: цена ниже", wanted("ЦЕНА а"));
    expect(pieces.filter((piece) => piece.hit).map((piece) => piece.text)).toEqual(["Цена", "цена"]);
    expect(pieces.map((piece) => piece.text).join("")).toBe("Цена доставки: цена ниже");
  });

  it("mark nothing where there are none", () => {
    expect(cut("<b>x</b>", [])).toEqual([{ text: "<b>x</b>", hit: false }]);
  });
});

const CALL = {
  answered_at: "2026-11-21T12:00:00Z",
  answered_by: ["101", "102"],
  managers: [
    { extension: "101", user_id: 1, name: "Иван", rang_seconds: 3, talk_seconds: 134 },
    { extension: "102", user_id: 2, name: "Мария", rang_seconds: 2, talk_seconds: 634 },
  ],
  transfers: [{ kind: "attended", at: "2026-11-21T12:02:14Z", by: "101", to: "102", outcome: "taken", taken_by: "102" }],
} as unknown as Schemas["CallView"];

describe("the story of a call", () => {
  it("has a part for each manager from the moment he took over", () => {
    expect(partsOf(CALL)).toEqual([
      { name: "Иван", from: 0, seconds: 134 },
      { name: "Мария", from: 134, seconds: 634 },
    ]);
  });

  it("marks transfers and holds by their second", () => {
    const held = { kind: "held", at: "2026-11-21T12:00:30Z" } as Schemas["CallEvent"];
    expect(marksOf(CALL, [held])).toEqual([
      { kind: "hold", second: 30, to: null },
      { kind: "transfer", second: 134, to: "Мария" },
    ]);
  });

  it("of a call that nobody answered has neither", () => {
    const missed = { ...CALL, answered_at: null, answered_by: [] };
    expect(partsOf(missed)).toEqual([]);
    expect(marksOf(missed, [])).toEqual([]);
  });

  it("finds the sentence that is heard", () => {
    expect(lineAt([1, 5, 9], 0)).toBe(-1);
    expect(lineAt([1, 5, 9], 5)).toBe(1);
    expect(lineAt([1, 5, 9], 100)).toBe(2);
  });

  it("writes few and even times under the picture, and the end", () => {
    expect(ticksOf(768)).toEqual([0, 120, 240, 360, 480, 600, 768]);
    expect(ticksOf(0)).toEqual([0]);
    expect(ticksOf(4)).toEqual([0, 4]);
  });
});

describe("the list a call was opened from", () => {
  it("leads on", () => {
    expect(neighbours({ ids: ["a", "b", "c"] }, "b")).toEqual({ place: 2, of: 3, next: "c", previous: "a" });
    expect(neighbours({ ids: ["a"] }, "a")).toEqual({ place: 1, of: 1, next: null, previous: null });
    expect(neighbours(null, "a").of).toBe(0);
  });
});

describe("who speaks", () => {
  const parts = [{ name: "Иван Соколов", from: 0, seconds: 10 }, { name: "Мария Гончарова", from: 10, seconds: 20 }]; // prettier-ignore
  const call = { contact_name: "Анна Белозерская", client: { name: "line", number: "+7916" } } as unknown as Schemas["CallView"];

  it("is named by the first name of who has the call then", () => {
    expect(speakerAt(call, parts, "manager", 9)).toBe("Иван");
    expect(speakerAt(call, parts, "manager", 10)).toBe("Мария");
    expect(speakerAt(call, parts, "client", 12)).toBe("Анна");
  });
  it("is left to the side where nobody is known, or only a number", () => {
    const unknown = { contact_name: null, client: { name: null, number: "+7916" } } as unknown as Schemas["CallView"];
    expect(speakerAt(unknown, parts, "client", 1)).toBeNull();
    expect(speakerAt(call, [{ name: "101", from: 0, seconds: 9 }], "manager", 1)).toBeNull();
    expect(speakerAt(call, parts, null, 1)).toBeNull();
  });
});
