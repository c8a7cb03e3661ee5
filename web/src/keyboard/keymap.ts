/* Every key of the workplace by the act it does. Keys are matched by their place on the keyboard (`event.code`), so `J` is
   where it is in a Russian layout too. A person may give an act another key. */

export interface ActDefinition {
  /** Chords such as `F8`, `Shift+F8`, `Control+KeyK`, `KeyJ`. `Slash?` is whatever types a question mark. */
  readonly keys: readonly string[];
  /** `call`: also while typing; `field`: with Control, also while typing; `page`: outside fields only. */
  readonly where: "call" | "field" | "page";
}

const page = (...keys: string[]): ActDefinition => ({ keys, where: "page" });
const call = (...keys: string[]): ActDefinition => ({ keys, where: "call" });
const field = (...keys: string[]): ActDefinition => ({ keys, where: "field" });

export const ACTS = {
  "call.answer": call("F8"),
  "call.end": call("Shift+F8"),
  "call.mute": call("F2"),
  "call.hold": call("F9"),
  "call.transfer": call("Shift+F9"),
  palette: field("Control+KeyK"),
  undo: page("Control+KeyZ"),
  help: page("Slash?"),
  filter: page("Slash"),
  dial: page("KeyD"),
  leave: page("Escape"),
  "list.next": page("KeyJ", "ArrowDown"),
  "list.previous": page("KeyK", "ArrowUp"),
  "list.open": page("Enter"),
  "list.select": page("KeyX"),
  "list.news": page("Period"),
  "row.call": page("KeyC"),
  "row.note": page("KeyN"),
  "row.task": page("KeyT"),
  "row.letter": page("KeyM"),
  "outcome.1": page("Digit1"),
  "outcome.2": page("Digit2"),
  "outcome.3": page("Digit3"),
  "outcome.4": page("Digit4"),
  "outcome.5": page("Digit5"),
  "outcome.6": page("Digit6"),
  "outcome.7": page("Digit7"),
  "outcome.8": page("Digit8"),
  "outcome.9": page("Digit9"),
  "outcome.save": field("Control+Enter"),
  "player.play": page("Space"),
  "player.back10": page("KeyJ"),
  "player.on10": page("KeyL"),
  "player.back5": page("ArrowLeft"),
  "player.on5": page("ArrowRight"),
  "player.slower": page("BracketLeft"),
  "player.faster": page("BracketRight"),
  "player.example": page("KeyE"),
  "player.anew": page("KeyR"),
  "player.nextCall": page("KeyN"),
  "board.listen": page("KeyL"),
  "board.whisper": page("KeyW"),
  "board.barge": page("KeyB"),
  "board.sort": page("KeyS"),
} as const satisfies Record<string, ActDefinition>;

export type Act = keyof typeof ACTS;
/** Keys that a person chose himself, by act. */
export type Rebound = Readonly<Partial<Record<Act, readonly string[]>>>;

/** The first key of "go to": then a letter of the page (app/nav.ts). */
export const GO = "KeyG";
export const GO_WAIT_MS = 1500;

/** The keys of an act that are in force. */
export function keysOf(act: Act, rebound: Rebound): readonly string[] {
  return rebound[act] ?? ACTS[act].keys;
}

/** What of an event is looked at. */
export interface Pressed {
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
  readonly isAltGraph: boolean;
}

/** The chord of a pressed key; null: none of ours (a modifier alone, AltGr, Alt, a word being composed). */
export function chordOf(pressed: Pressed): string | null {
  // AltGr types Polish letters; Windows tells it as Control and Alt together.
  if (pressed.isComposing || pressed.isAltGraph || pressed.altKey) return null;
  if (/^(Shift|Control|Alt|Meta)/.test(pressed.code) || pressed.code === "") return null;
  if (pressed.key === "?") return "Slash?";
  const code = pressed.code.replace(/^Numpad(\d)$/, "Digit$1").replace(/^NumpadEnter$/, "Enter").replace(/^NumpadDivide$/, "Slash"); // prettier-ignore
  const control = pressed.ctrlKey || pressed.metaKey ? "Control+" : "";
  return control + (pressed.shiftKey ? "Shift+" : "") + code;
}

/** Whether a chord is a single sign, which types something in a field and may be switched off (WCAG 2.1.4). */
export function isSingle(chord: string): boolean {
  return /^(Shift\+)?(Key[A-Z]|Digit\d|Slash\??|Period|Comma|Bracket(Left|Right)|Space|Semicolon|Quote|Minus|Equal)$/.test(chord);
}

const SHOWN: Readonly<Record<string, string>> = {
  Control: "Ctrl", Shift: "⇧", Escape: "Esc", Enter: "↵", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→",
  Slash: "/", "Slash?": "?", Period: ".", Comma: ",", BracketLeft: "[", BracketRight: "]", Space: "␣", Semicolon: ";",
  Quote: "'", Minus: "-", Equal: "=",
}; // prettier-ignore

/** A chord as it is shown on keys: `["Ctrl", "K"]`, `["⇧F8"]`. */
export function shownKeys(chord: string): string[] {
  const parts = chord.split("+").map((part) => SHOWN[part] ?? part.replace(/^(Key|Digit)/, ""));
  return parts.reduce<string[]>((all, part, at) => {
    if (at > 0 && parts[at - 1] === "⇧") return [...all.slice(0, -1), `⇧${part}`];
    return [...all, part];
  }, []);
}
