import { describe, expect, it } from "vitest";
import { FIRST_CHOICE, loudness, microphoneAsked, readChoice } from "./sound";

describe("what was chosen of sound", () => {
  it("is read whatever stands there", () => {
    expect(readChoice(null)).toEqual(FIRST_CHOICE);
    expect(readChoice("no JSON")).toEqual(FIRST_CHOICE);
    expect(readChoice('{"ringVolume": 7, "microphone": 3, "isCleaned": false}')).toEqual({
      ...FIRST_CHOICE,
      ringVolume: 1,
      isCleaned: false,
    });
  });

  it("asks for the chosen microphone, and for raw sound where a headset cleans it itself", () => {
    expect(microphoneAsked(FIRST_CHOICE)).toEqual({
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    });
    expect(microphoneAsked({ ...FIRST_CHOICE, microphone: "usb", isCleaned: false })).toEqual({
      echoCancellation: false,
      noiseSuppression: false,
      autoGainControl: false,
      deviceId: { ideal: "usb" },
    });
  });
});

describe("the meter", () => {
  it("shows silence as nothing, speech in the middle, and full scale as all", () => {
    const wave = (height: number) => Float32Array.from({ length: 800 }, (_, at) => height * Math.sin(at / 5));
    expect(loudness(new Float32Array(0))).toBe(0);
    expect(loudness(wave(0))).toBe(0);
    expect(loudness(wave(0.05))).toBeGreaterThan(0.3);
    expect(loudness(wave(0.05))).toBeLessThan(0.7);
    expect(loudness(wave(1))).toBeGreaterThan(0.9);
  });
});
