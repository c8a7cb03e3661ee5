/* Elements from plain calls. What others wrote becomes a text node, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element.
 * @param {string} tag its name
 * @param {object|null} given attributes; `on...` are listeners, `style` an object, null and false are left out
 * @param {...(Node|string|number|null|false|Array)} children text is put in as text
 */
export function h(tag, given, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([k, v]) => node.style.setProperty(k, v));
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return put(node, ...children);
}

/** Append children; empty ones are left out. */
export function put(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Put these children in the place of those that are there. */
export function fill(node, ...children) {
  node.replaceChildren();
  return put(node, ...children);
}

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/g;

/** A text that anybody may have chosen, fit to be shown: one line, no control or direction signs, at most 80 long. */
export function tame(text, length = 80) {
  const signs = [
    ...String(text ?? "")
      .replace(HIDDEN, " ")
      .replace(/ {2,}/g, " ")
      .trim(),
  ];
  return signs.length > length ? signs.slice(0, length - 1).join("") + "…" : signs.join("");
}

/** Somebody's name, kept from turning the direction of the text around it. */
export function bdi(text, given) {
  return h("bdi", given, tame(text));
}

const PATHS = {
  in: ["M14 3l-5 5m0-4v4h4", "P"],
  out: ["M9 8l5-5m-4 0h4v4", "P"],
  phone: ["P"],
  miss: ["M9.5 3.5l4 4m0-4l-4 4", "P"],
  inside: ["M9.5 5.5h5m-2-2l2 2-2 2", "P"],
  live: ["M1.5 8.5h3l2-5 3.5 10 2-5h2.5"],
  list: ["M5.5 4h8.5M5.5 8h8.5M5.5 12h8.5M2.2 4h.1M2.2 8h.1M2.2 12h.1"],
  people: [
    "M6 8.2a2.6 2.6 0 1 0 0-5.200 2.600 2.600 0 0 0 0 5.200zM1.500 13.500c0-2.500 2-4 4.500-4s4.500 1.500 4.500 4M11 3.300a2.500 2.500 0 0 1 0 4.700M12.300 9.900c1.400.6 2.200 1.900 2.200 3.600",
  ],
  bars: ["M2.500 13.500v-4M6.200 13.500v-8M9.900 13.500v-5.500M13.500 13.500v-11"],
  pad: ["M3.500 3h.1M8 3h.1M12.500 3h.1M3.500 7h.1M8 7h.1M12.500 7h.1M3.500 11h.1M8 11h.1M12.500 11h.1M8 14.500h.1"],
  find: ["M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.700 10.700l3.500 3.500"],
  back: ["M10 3L5 8l5 5"],
  close: ["M4 4l8 8M12 4l-8 8"],
  play: ["M5 3.200v9.600l8-4.800z"],
  pause: ["M5.500 3.500v9M10.500 3.500v9"],
  hold: ["M5.500 3.500v9M10.500 3.500v9"],
  check: ["M3 8.500l3.500 3.500L13 4.500"],
  text: ["M3 3.500h10M3 6.500h10M3 9.500h7M3 12.500h5"],
  rec: ["M8 12.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM8 9a1 1 0 1 0 0-2 1 1 0 0 0 0 2z"],
  warn: ["M8 2.500l6 11H2zM8 6.500v3.500M8 11.800v.1"],
  move: ["M2.500 5.500h10M10 3l2.500 2.500L10 8M13.500 10.500h-10M6 8l-2.500 2.500L6 13"],
  end: ["M2 10.500c0-4 12-4 12 0l-.6 1.200-2.800-.6V9.300c-1.700-.5-3.500-.5-5.200 0v1.800l-2.800.6z"],
  free: ["M8 13a5 5 0 1 0 0-10 5 5 0 0 0 0 10z"],
  more: ["M3 8h.1M8 8h.1M13 8h.1"],
  person: [
    "M8 7.500a2.700 2.700 0 1 0 0-5.400 2.700 2.700 0 0 0 0 5.400zM2.800 14c0-3 2.300-4.700 5.200-4.700s5.200 1.700 5.200 4.700",
  ],
};
const HANDSET =
  "M3.600 2.500h2l1 2.700-1.300 1c.7 1.500 1.900 2.700 3.400 3.400l1-1.300 2.700 1v2c0 .7-.5 1.200-1.200 1.200C6.600 12.500 2.400 8.300 2.400 3.700c0-.7.5-1.200 1.200-1.200z";

/** A drawn sign; it says nothing to a screen reader, for a word stands beside it. */
export function icon(name, size = 16) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: size, height: size, class: "icon" })) {
    svg.setAttribute(key, value);
  }
  svg.setAttribute("aria-hidden", "true");
  for (const shape of PATHS[name] ?? []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape === "P" ? HANDSET : shape);
    svg.append(path);
  }
  return svg;
}
