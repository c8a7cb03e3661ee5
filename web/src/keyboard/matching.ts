/* Whether a text fits what was typed: each typed word begins a word of it, without regard to case and accents. */

/** Small letters without accents: `Łukasz` as `lukasz`, `Ёж` as `еж`. */
export function folded(text: string): string {
  return text
    .toLowerCase()
    .replace(/\u0142/g, "l")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "");
}

export function fits(typed: string, text: string): boolean {
  const words = folded(text).split(/[^\p{L}\p{N}]+/u);
  return folded(typed)
    .split(/\s+/)
    .filter(Boolean)
    .every((part) => words.some((word) => word.startsWith(part)));
}
