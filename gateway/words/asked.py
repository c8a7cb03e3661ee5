"""Which language a request asks for (RFC 9110, section 12.5.4)."""

from contextvars import ContextVar

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ru", "pl")
RANGES_MAX = 20
"""A browser names a handful; what stands behind these is not looked at."""

readers_language: ContextVar[str] = ContextVar("readers_language", default=ENGLISH)
"""Of the request that is being answered, for what is written deep within its answer; English outside of requests."""


def asked_language(header: str | None) -> str:
    """The one of our languages that the header Accept-Language likes best.

    Args:
        header: like `pl, en;q=0.5`; None: the request has none.

    Returns:
        `en`, `ru` or `pl`; English where the header names none of them, as programs send none.
    """
    best, weight = ENGLISH, 0.0
    for part in (header or "").split(",")[:RANGES_MAX]:
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (own := _quality(parameter)) > weight:
            best, weight = language, own
    return best


def _quality(parameter: str) -> float:
    """What `q=0.5` says; nothing is 1, and what cannot be read is 0."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    return float(value) if name.strip().lower() == "q" and _is_quality(value.strip()) else 0.0


def _is_quality(value: str) -> bool:
    return len(value) <= len("0.000") and value.replace(".", "", 1).isdecimal() and value.isascii()
