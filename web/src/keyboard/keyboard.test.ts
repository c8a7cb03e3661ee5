import { describe, expect, it, vi } from "vitest";
import { Dispatcher } from "./dispatch";
import { ACTS, chordOf, shownKeys, type Pressed } from "./keymap";
import { fits } from "./matching";

function key(code: string, change: Partial<Pressed> = {}): Pressed {
  const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, isAltGraph: false };
  return { code, key: "x", ...plain, ...change };
}
const WRITING = true;

describe("a key", () => {
  it("is matched by its place, so J works in a Russian layout", () => expect(chordOf(key("KeyJ", { key: "о" }))).toBe("KeyJ"));
  it("with AltGr is a Polish letter", () => {
    expect(chordOf(key("KeyL", { key: "ł", isAltGraph: true }))).toBeNull();
    expect(chordOf(key("KeyL", { key: "ł", ctrlKey: true, altKey: true }))).toBeNull();
  });
  it("is Control or Command", () => expect(chordOf(key("KeyK", { metaKey: true }))).toBe("Control+KeyK"));
  it("? is whatever types a question mark", () => {
    expect(chordOf(key("Digit7", { key: "?", shiftKey: true }))).toBe("Slash?");
  });
  it("of the number pad is a digit", () => expect(chordOf(key("Numpad3"))).toBe("Digit3"));
  it("is nothing while a word is composed", () => expect(chordOf(key("KeyJ", { isComposing: true }))).toBeNull());
  it("is shown as it is printed", () => {
    expect(shownKeys("Shift+F8")).toEqual(["⇧F8"]);
    expect(shownKeys("Control+Enter")).toEqual(["Ctrl", "↵"]);
    expect(shownKeys("KeyJ")).toEqual(["J"]);
  });
});

describe("keys in force", () => {
  it("of a call work while typing, letters do not", () => {
    const [answer, next] = [vi.fn(), vi.fn()];
    const keys = new Dispatcher();
    keys.add({ "call.answer": answer, "list.next": next });
    expect(keys.press(key("F8"), WRITING, 0)).toBe(true);
    expect(keys.press(key("KeyJ"), WRITING, 0)).toBe(false);
    expect(keys.press(key("KeyJ"), !WRITING, 0)).toBe(true);
    expect([answer, next].map((act) => act.mock.calls.length)).toEqual([1, 1]);
  });
  it("of the part above win, until it passes them on", () => {
    const [page, panel] = [vi.fn(), vi.fn<() => boolean>(() => true)];
    const keys = new Dispatcher();
    keys.add({ leave: page });
    const above = keys.add({ leave: panel });
    keys.press(key("Escape"), !WRITING, 0);
    expect(page).not.toHaveBeenCalled();
    panel.mockReturnValue(false);
    keys.press(key("Escape"), !WRITING, 0);
    expect(page).toHaveBeenCalledOnce();
    above.remove();
    expect(keys.inForce()).toEqual(["leave"]);
  });
  it("that are letters can be switched off", () => {
    const next = vi.fn();
    const keys = new Dispatcher();
    keys.add({ "list.next": next });
    keys.follow({ rebound: {}, letters: false });
    keys.press(key("KeyJ"), !WRITING, 0);
    expect(next).not.toHaveBeenCalled();
    keys.press(key("ArrowDown"), !WRITING, 0);
    expect(next).toHaveBeenCalledOnce();
  });
  it("can be others", () => {
    const answer = vi.fn();
    const keys = new Dispatcher();
    keys.add({ "call.answer": answer });
    keys.follow({ rebound: { "call.answer": ["F4"] }, letters: true });
    expect([keys.press(key("F8"), WRITING, 0), keys.press(key("F4"), WRITING, 0)]).toEqual([false, true]);
  });
  it("G and a letter go somewhere, if the letter comes soon", () => {
    const go = vi.fn();
    const keys = new Dispatcher();
    keys.places({ KeyC: go });
    keys.press(key("KeyG"), !WRITING, 1000);
    expect(keys.press(key("KeyC"), !WRITING, 1500)).toBe(true);
    keys.press(key("KeyG"), !WRITING, 5000);
    expect(keys.press(key("KeyC"), !WRITING, 9000)).toBe(false);
    expect(go).toHaveBeenCalledOnce();
  });
  it("of everything that can happen in a call are for all layouts and while typing", () => {
    const ofCalls = Object.entries(ACTS).filter(([act]) => act.startsWith("call."));
    expect(ofCalls.every(([, { where, keys }]) => where === "call" && keys.every((chord) => /F\d+$/.test(chord)))).toBe(true);
  });
});

describe("the palette", () => {
  it("finds by the beginnings of words, without accents", () => {
    expect(fits("luk dab", "Łukasz Dąbek")).toBe(true);
    expect(fits("моЙ", "Мой день")).toBe(true);
    expect(fits("asz", "Łukasz")).toBe(false);
    expect(fits("", "anything")).toBe(true);
  });
});
