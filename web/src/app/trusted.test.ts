import { describe, expect, it } from "vitest";
import { guardMarkup, isHarmless } from "./trusted";

const FRAME = `
  <style nonce="r4nd0m_-A">
    :host { user-select: none; }
    :host > .scroll { overflow-x: auto; }
  </style>
  <div class="scroll" part="scroll">
    <div class="wrapper" part="wrapper"></div>
  </div>`;

describe("a text that is to become markup", () => {
  it.each([
    ["nothing", ""],
    ["rules of style", "*, *::before { transition: none !important; } .a > .b { color: red; }"],
    ["the frame of a waveform", FRAME],
    ["a name with an ampersand", "Иванов & synowie &lt;b&gt;"],
  ])("passes as %s", (_what, text) => {
    expect(isHarmless(text)).toBe(true);
  });

  it.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<svg onload=alert(1)>",
    '<div onclick="alert(1)">',
    '<div class="a" onclick="alert(1)">',
    '<div class=">" onclick="alert(1)">',
    '<div style="position:fixed">',
    "<style>@import url(//evil)</style><script>",
    "<iframe srcdoc=x>",
    "<a href=javascript:alert(1)>x</a>",
    "<!-- --><b>",
    "<DIV><SCRIPT>",
    "<div/><img>",
    "<",
    "<divx>",
  ])("is refused as %s", (text) => {
    expect(isHarmless(text)).toBe(false);
  });
});

describe("the guard", () => {
  it("lets through what is harmless and throws at the rest", () => {
    let made: (text: string) => string = () => "";
    guardMarkup({
      trustedTypes: {
        createPolicy: (_name, rules) => {
          made = rules.createHTML;
        },
      },
    });
    expect(made("a > b { color: red }")).toBe("a > b { color: red }");
    expect(() => made("<b>bold</b>")).toThrow(TypeError);
  });

  it("does nothing in a browser that has no Trusted Types", () => {
    expect(() => {
      guardMarkup({});
    }).not.toThrow();
  });
});
