/* What opens from anywhere: the palette and the list of keys. */

type Overlay = "palette" | "keys";

let open: Overlay | null = null;
let text = "";
const listeners = new Set<() => void>();

function show(next: Overlay | null, typed = ""): void {
  open = next;
  text = typed;
  for (const listener of listeners) listener();
}

export const overlays = {
  get: (): Overlay | null => open,
  /** What the palette begins with. */
  text: (): string => text,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Open the palette, with something typed already. */
export const openPalette = (typed?: unknown): void => show("palette", typeof typed === "string" ? typed : "");
export const openKeys = (): void => show("keys");
export const closeOverlay = (): void => show(null);
