"""Packing utterances into windows for the recogniser, and giving its words back to the utterances. Pure.

Whisper always looks at 30 s; a call's utterances last 2-3 s. So utterances of one channel are laid behind
each other with a short silence between them until a window is full, and one look serves several. What the
recogniser wrote for a window is then shared out: its own time stamps say roughly which words belong to which
utterance, and the exact times are always those of the utterance, which the voice detector measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

GAP = 0.4
"""Seconds of silence between two utterances in a window."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Utterance:
    """One stretch of speech in one channel of one recording of a batch."""

    recording: int
    """Place of the recording in the batch."""
    channel: int
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds from the start of the recording."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Utterances of one channel, recognised in one look."""

    utterances: tuple[Utterance, ...]

    @property
    def recording(self) -> int:
        """Place of the recording in the batch."""
        return self.utterances[0].recording

    @property
    def slots(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each utterance within the window, in seconds."""
        slots: list[tuple[float, float]] = []
        at = 0.0
        for utterance in self.utterances:
            slots.append((at, at + utterance.duration))
            at += utterance.duration + GAP
        return tuple(slots)

    @property
    def duration(self) -> float:
        """Seconds, gaps included."""
        return sum(u.duration for u in self.utterances) + GAP * (len(self.utterances) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Words that the recogniser put between two of its time stamps."""

    start: float
    """Seconds within the window."""
    end: float
    """Seconds within the window."""
    text: str


def pack(utterances: Sequence[Utterance], limit: float) -> list[Window]:
    """Lay utterances of the same recording and channel into as few windows as order allows.

    Args:
        utterances: In any order.
        limit: Longest window in seconds; a single longer utterance gets a window of its own.

    Returns:
        Windows with every utterance exactly once, in order of recording, channel and start.
    """
    windows: list[Window] = []
    for _, channel in groupby(sorted(utterances), key=lambda u: (u.recording, u.channel)):
        held: list[Utterance] = []
        length = 0.0
        for utterance in channel:
            if held and length + GAP + utterance.duration > limit:
                windows.append(Window(utterances=tuple(held)))
                held, length = [], 0.0
            length += utterance.duration + (GAP if held else 0.0)
            held.append(utterance)
        windows.append(Window(utterances=tuple(held)))
    return windows


def batches(windows: Sequence[Window], languages: Sequence[str], size: int) -> Iterator[tuple[str, list[Window]]]:
    """Put windows of one language and similar length together, so that little padding is computed.

    Args:
        windows: Windows of any number of recordings.
        languages: The language of each recording, by its place in the batch.
        size: Most windows in a batch.

    Yields:
        A language and its windows, the longest first.
    """
    ordered = sorted(windows, key=lambda w: (languages[w.recording], -w.duration))
    for language, group in groupby(ordered, key=lambda w: languages[w.recording]):
        same = list(group)
        for at in range(0, len(same), size):
            yield language, same[at : at + size]


def share(window: Window, pieces: Sequence[Piece]) -> list[tuple[Utterance, str]]:
    """Give the words recognised in a window back to its utterances.

    A piece within one utterance is that utterance's; one that covers several is cut between words, near the
    place where the speech of one ends and the next begins, preferably behind a full stop.

    Args:
        window: The window.
        pieces: What the recogniser wrote, in order.

    Returns:
        Each utterance that got words, with its words in order.
    """
    texts: list[list[str]] = [[] for _ in window.utterances]
    slots = window.slots
    floor = 0
    for piece in pieces:
        words = piece.text.split()
        owners = [i for i in _owners(piece, slots) if i >= floor] or [floor]
        weights = [_overlap(piece, slots[i]) or slots[i][1] - slots[i][0] for i in owners]
        for owner, part in zip(owners, _divide(words, weights), strict=True):
            texts[owner].extend(part)
        floor = owners[-1]
    return [(u, " ".join(words)) for u, words in zip(window.utterances, texts, strict=True) if words]


def spans_several(piece: Piece, window: Window) -> bool:
    """Tell whether a piece covers more than one utterance, so that its words must be divided."""
    return len(_owners(piece, window.slots)) > 1


def _owners(piece: Piece, slots: Sequence[tuple[float, float]]) -> list[int]:
    """Utterances that a piece covers in earnest; where it covers none, the nearest one."""
    enough = min(0.5, 0.5 * max(0.0, piece.end - piece.start))
    covered = [
        i
        for i, slot in enumerate(slots)
        if (seconds := _overlap(piece, slot)) > 0 and seconds >= min(enough, 0.5 * (slot[1] - slot[0]))
    ]
    if covered:
        return list(range(covered[0], covered[-1] + 1))
    middle = (piece.start + piece.end) / 2
    return [min(range(len(slots)), key=lambda i: abs((slots[i][0] + slots[i][1]) / 2 - middle))]


def _overlap(piece: Piece, slot: tuple[float, float]) -> float:
    return max(0.0, min(piece.end, slot[1]) - max(piece.start, slot[0]))


def _divide(words: Sequence[str], weights: Sequence[float]) -> list[list[str]]:
    """Cut words into consecutive parts whose letters are about as many as the weights ask."""
    letters = [0]
    for word in words:
        letters.append(letters[-1] + len(word) + 1)
    cuts = [0]
    total = sum(weights) or 1.0
    share_so_far = 0.0
    for weight in weights[:-1]:
        share_so_far += weight / total
        cuts.append(_cut_near(words, letters, share_so_far * letters[-1], cuts[-1]))
    cuts.append(len(words))
    return [list(words[a:b]) for a, b in pairwise(cuts)]


def _cut_near(words: Sequence[str], letters: Sequence[int], target: float, first: int) -> int:
    """The best place for a cut: near the target, and behind the end of a sentence where one is near."""

    def cost(k: int) -> float:
        distance = abs(letters[k] - target) / max(1, letters[-1])
        ending = words[k - 1][-1] if k else ""
        return distance - (0.2 if ending in ".?!…" and ending else 0.08 if ending in ",;:" and ending else 0.0)

    return min(range(first, len(words) + 1), key=cost)
