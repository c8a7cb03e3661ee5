/* The order of a list that people arrange, and names for programs. */

const STEP = 10;

export interface Placed {
  readonly id: number;
  readonly place: number;
}

/** Move one up (-1) or down (1): the rows whose place changes, with the new one. Nothing where it cannot go further. */
export function moved<T extends Placed>(rows: readonly T[], id: number, by: -1 | 1): { row: T; place: number }[] {
  const from = rows.findIndex((row) => row.id === id);
  const [one, other] = [rows[from], rows[from + by]];
  if (!one || !other) return [];
  const order = [...rows];
  order[from] = other;
  order[from + by] = one;
  return order.map((row, at) => ({ row, place: (at + 1) * STEP })).filter(({ row, place }) => row.place !== place);
}

/** Where a new one stands: behind all others. */
export function lastPlace(rows: readonly Placed[]): number {
  return Math.max(0, ...rows.map((row) => row.place)) + STEP;
}

/** A name for programs made of a label; empty where the label has no Latin letters. */
export function keyOf(label: string): string {
  return label
    .toLowerCase()
    .normalize("NFD")
    .replace(/ł/g, "l")
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 40);
}

/** One choice a line, without empty and doubled ones. */
export function choicesOf(text: string): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];
}

/** The label in a language, else in English, else any, else the key. */
export function labelOf(row: { key: string; labels: Readonly<Record<string, string>> }, language: string): string {
  return row.labels[language] ?? row.labels["en"] ?? Object.values(row.labels)[0] ?? row.key;
}

/** Labels with one changed; an empty one is taken away. */
export function relabelled(labels: Readonly<Record<string, string>>, language: string, label: string): Record<string, string> {
  const rest = Object.fromEntries(Object.entries(labels).filter(([some]) => some !== language));
  return label.trim() === "" ? rest : { ...rest, [language]: label.trim() };
}
