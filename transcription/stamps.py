"""Reading the decoder's output: text tokens between time stamps. Pure.

Whisper writes `<|0.00|> text <|2.40|><|2.80|> text <|5.10|>`, a stamp being a token that counts fiftieths of a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

STAMP_SECONDS = 0.02

_END_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Text tokens between two time stamps."""

    start: float
    """Seconds, as the decoder says; it may lie behind the end of the sound."""
    end: float | None
    """Seconds; None: no stamp follows."""
    tokens: tuple[int, ...]


def stretches(tokens: Sequence[int], first_stamp: int, end_of_text: int) -> list[Stretch]:
    """Split the decoder's tokens at its time stamps.

    Args:
        tokens: What the decoder wrote.
        first_stamp: The token of 0 seconds; greater ones are later.
        end_of_text: Tokens from this one on are no text.

    Returns:
        The stretches that hold text, in order.
    """
    found: list[Stretch] = []
    start = 0.0
    held: tuple[int, ...] = ()
    for is_stamp, run in groupby(tokens, key=lambda token: token >= first_stamp):
        if is_stamp:
            stamps = [(token - first_stamp) * STAMP_SECONDS for token in run]
            if held:
                found.append(Stretch(start=start, end=stamps[0], tokens=held))
            start, held = stamps[-1], ()
        else:
            held = tuple(token for token in run if token < end_of_text)
    if held:
        found.append(Stretch(start=start, end=None, tokens=held))
    return found


def spoken(found: Sequence[Stretch], duration: float) -> tuple[list[Stretch], bool]:
    """Leave out what the decoder itself places behind the end of the sound: it goes on from habit, and repeats.

    Args:
        found: See `stretches`.
        duration: Length of the sound in seconds.

    Returns:
        The stretches within the sound, the first in any case, and whether any was left out.
    """
    kept = [one for at, one in enumerate(found) if at == 0 or one.start < duration - _END_SECONDS]
    return kept, len(kept) < len(found)
