"""Touches that come from outside: whom one belongs to, which is the same once more, and how many are too many.

A touch is placed by what it brings: a card's id, another system's id, a number, an e-mail address. Where these lead to
one card it is that card's; where they lead to several nothing is guessed, and the touch keeps the choices; where they
lead to none and there is a number or an address, it makes a card. A visit of somebody unknown stays without one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.domain.cards import Address

JOINED_WITHIN = timedelta(minutes=10)
"""The same touch of the same client once more within this time is the first one (a button pressed twice)."""
KIND_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
SYSTEM_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,39}$"
FIELDS_MAX = 50
FIELD_MAX = 2000
CHOICES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """So many within a span of time."""

    span: timedelta
    most: int


KEY_BOUNDS = (Bound(span=timedelta(minutes=1), most=600),)
"""Touches that one caller of the API may send."""
FORM_BOUNDS = (Bound(span=timedelta(minutes=1), most=300),)
"""Touches that all visitors together may send through one form."""
VISITOR_BOUNDS = (Bound(span=timedelta(minutes=1), most=5), Bound(span=timedelta(hours=1), most=30))
"""Touches that one address may send through forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """By what a client may be found."""

    contact: int | None = None
    external: tuple[str, str] | None = None
    """System and its id."""
    number: str | None = None
    """E.164."""
    email: Address | None = None
    name: str = ""
    """For a card that is made."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What two touches at once would both make a card of, in the one order in which it is locked."""
        return tuple(sorted(filter(None, (self.number, self.email.folded if self.email else None))))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTouch:
    """A touch about to be written."""

    kind: str
    at: datetime
    direction: str
    source_kind: str | None
    source_name: str | None
    text: str
    made_by: str
    user: int | None = None
    """Manager who was touched; None: nobody in particular."""
    external: tuple[str, str] | None = None
    """System and the touch's id there; the same once more is the first one."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What else was sent along."""


def placed(found: Iterable[Iterable[int]]) -> tuple[int | None, tuple[int, ...]]:
    """The card that what was found agrees upon.

    Args:
        found: the cards to which each way leads, ways that lead nowhere left out.

    Returns:
        The one card and no choices, or none and the choices; neither where nothing was found.
    """
    sets = [set(cards) for cards in found if cards]
    if not sets:
        return None, ()
    common = set.intersection(*sets)
    if len(common) == 1:
        return next(iter(common)), ()
    return None, tuple(sorted(set.union(*sets)))[:CHOICES_MAX]


def beginning(moment: datetime, span: timedelta) -> datetime:
    """When the span began in which a moment lies."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return moment - (moment - epoch) % span
