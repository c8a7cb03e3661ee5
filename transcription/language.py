"""Which language a call is in: asked once, on enough speech, among the configured languages only.

Whisper's guess on a second of speech, or among all its 99 languages, is often wrong for telephone sound; on
two seconds and more, between the two or three languages a company speaks, it is right. The guess costs one
step of the decoder on sound that is encoded anyway.
"""

from collections.abc import Iterable, Mapping, Sequence

LEAST_SPEECH = 2.0
"""Seconds of speech below which no guess is made."""
SURE = 0.8
"""Share of the configured languages' probability at which no second window is asked."""


def choose(guesses: Iterable[Mapping[str, float]], languages: Sequence[str]) -> str:
    """Choose the language of a call. Pure.

    Args:
        guesses: Probability by language code, for one window after another; read only as far as needed.
        languages: The configured languages; the first is taken when there is no guess.

    Returns:
        One of `languages`.
    """
    if len(languages) == 1:
        return languages[0]
    total = dict.fromkeys(languages, 0.0)
    for guess in guesses:
        mass = sum(guess.get(language, 0.0) for language in languages)
        if mass <= 0.0:
            continue
        for language in languages:
            total[language] += guess.get(language, 0.0) / mass
        if max(total.values()) / sum(total.values()) >= SURE:
            break
    return max(languages, key=lambda language: total[language])
