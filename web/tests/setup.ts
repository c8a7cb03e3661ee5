/* Tests of pure parts run without a browser; all that a module of theirs may ask while it is loaded is the address. A
   test that needs more begins with `// @vitest-environment jsdom`. */

if (!("location" in globalThis)) {
  Object.defineProperty(globalThis, "location", { value: new URL("http://trunkline.test/"), writable: true });
}
