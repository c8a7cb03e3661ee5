/* Words looked for in a text. */

export interface Piece {
  readonly text: string;
  readonly hit: boolean;
}

/** What is looked for, in small letters; single letters are left out. */
export function wanted(query: string): string[] {
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter((word) => word.length > 1);
}

/** A text in pieces, those that were looked for apart; put together they are the text. */
export function cut(text: string, words: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  const small = text.toLocaleLowerCase();
  // A letter may become two in small letters (Turkish); then nothing is marked rather than something wrong.
  const searched = small.length === text.length ? words : [];
  let from = 0;
  while (from < text.length) {
    const [at, length] = nearest(small, searched, from);
    if (at < 0) break;
    pieces.push({ text: text.slice(from, at), hit: false }, { text: text.slice(at, at + length), hit: true });
    from = at + length;
  }
  return [...pieces, { text: text.slice(from), hit: false }].filter((piece) => piece.text);
}

function nearest(text: string, words: readonly string[], from: number): [number, number] {
  let best: [number, number] = [-1, 0];
  for (const word of words) {
    const at = text.indexOf(word, from);
    if (at >= 0 && (best[0] < 0 || at < best[0])) best = [at, word.length];
  }
  return best;
}
