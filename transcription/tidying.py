"""Taking away what a recogniser writes when it has nothing to go on. Pure.

Two habits of Whisper: it repeats a phrase until the length limit, and for sounds that are no speech it writes
the credit lines of the film subtitles it was trained on. The voice detector keeps most such sounds away;
these rules take what is left.
"""

import zlib
from collections.abc import Sequence

_CREDITS = (
    "субтитры",
    "редактор субтитров",
    "dimatorzok",
    "amara.org",
    "продолжение следует",
    "спасибо за просмотр",
    "thanks for watching",
    "thank you for watching",
)
_LONGEST_CREDIT = 60
_LONGEST_PHRASE = 12


def repetition(text: str) -> float:
    """Measure how much a text repeats itself, as Whisper's own fallback does: the ratio by which it
    compresses.

    Args:
        text: Any text.

    Returns:
        Below 2 for speech, above 2.4 for a phrase written over and over; 0 for no text.
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def without_loops(words: Sequence[str]) -> list[str]:
    """Keep a phrase that follows itself three times or more only once.

    Args:
        words: Words in order.

    Returns:
        The words without such repeats; two in a row stay, since people say "yes, yes".
    """
    kept = list(words)
    while len(once := _one_pass(kept)) < len(kept):  # a loop may hold smaller loops
        kept = once
    return kept


def is_credit(text: str) -> bool:
    """Tell whether a line is a credit of film subtitles and not speech.

    Args:
        text: All words between two time stamps.

    Returns:
        True for such a line; a long sentence that merely holds the words is none.
    """
    folded = text.casefold()
    return len(folded) <= _LONGEST_CREDIT and any(credit in folded for credit in _CREDITS)


def _one_pass(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(words):
        size, times = _loop_at(words, at)
        kept.extend(words[at : at + size])
        at += size * times
    return kept


def _loop_at(words: Sequence[str], at: int) -> tuple[int, int]:
    """Length of the phrase that begins here and how often it is said; 1 and 1 where nothing is repeated."""
    for size in range(1, min(_LONGEST_PHRASE, (len(words) - at) // 3) + 1):
        phrase = words[at : at + size]
        times = 1
        while words[at + times * size : at + (times + 1) * size] == phrase:
            times += 1
        if times >= 3:
            return size, times
    return 1, 1
