"""Cards: what their fields may hold, how addresses are compared, who sees which card.

A card is what we know of one person who calls us. Numbers are brought to E.164 (`gateway.domain.phone`); what else
tells that two cards are one person is folded here: e-mail addresses in small letters (RFC 5321 leaves the letters of
the part before the @ to the receiver, and no receiver of today tells them apart), sites without scheme and `www`,
messenger names without their @. A time zone is proposed where the number's plan allows only one, never guessed.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone

from gateway.domain.access import Principal, Role
from gateway.domain.errors import Rejected

NOBODY = 0
"""No user has this id."""
PRIORITY_MAX = 5


class CardRule(StrEnum):
    """Which cards a manager sees; supervisors and administrators see all."""

    ALL = "all"
    OWN = "own"
    """His own, nobody's, and those of clients with whom he has talked."""


class Heat(StrEnum):
    """How near a client is to buying."""

    COLD = "cold"
    WARM = "warm"
    HOT = "hot"


class Stage(StrEnum):
    """How far a client has come."""

    UNSORTED = "unsorted"
    """Nobody has looked at him yet."""
    LEAD = "lead"
    CLIENT = "client"
    REFUSED = "refused"


class AddressKind(StrEnum):
    """What kind of address it is."""

    EMAIL = "email"
    POSTAL = "postal"
    SITE = "site"
    MESSENGER = "messenger"


class AddressError(Rejected, ValueError):
    """This is no such address; write an e-mail address like name@example.com, without spaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of a card, other than a telephone number."""

    kind: AddressKind
    label: str
    """Whose or where: `work`, `Telegram`; empty: none."""
    value: str
    """As it was written."""
    folded: str
    """As it is compared."""


_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\_]{1,189}\.[^\s@<>,;:\"()\[\]\\_.]{2,63}")
_SPACES = re.compile(r"\s+")


def read_address(kind: AddressKind, value: str, label: str = "") -> Address:
    """An address as it was written and as it is compared.

    Args:
        kind: of the address.
        value: as written.
        label: in the writer's words.

    Raises:
        AddressError: it is empty, or no e-mail address where it should be one.
    """
    written = _SPACES.sub(" ", value).strip()
    folded = unicodedata.normalize("NFKC", written).casefold()
    match kind:
        case AddressKind.EMAIL:
            written = written.removeprefix("mailto:")
            folded = folded.removeprefix("mailto:")
            if not _EMAIL.fullmatch(folded) or ".." in folded:
                raise AddressError
        case AddressKind.SITE:
            folded = re.sub(r"^[a-z][a-z0-9+.-]*://", "", folded).removeprefix("www.").rstrip("/")
        case AddressKind.MESSENGER:
            folded = re.sub(r"^(https?://)?(t\.me/|wa\.me/)?@?", "", folded)
    if not folded:
        raise AddressError("An address must not be empty.")
    return Address(kind=kind, label=label.strip(), value=written, folded=folded)


def card_reach(principal: Principal) -> int | None:
    """How far somebody sees cards, where the rule of the site is `OWN`.

    Args:
        principal: who asks.

    Returns:
        None: every card; else the user to whom the rule is applied, `NOBODY` for a program without a person.
    """
    if principal.role is not Role.MANAGER:
        return None
    return NOBODY if principal.manager is None else int(principal.manager)


def is_zone(name: str) -> bool:
    """Whether a time zone of this name is known here."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def proposed_zone(numbers: Iterable[str]) -> str | None:
    """The time zone in which somebody with these numbers is.

    Args:
        numbers: E.164.

    Returns:
        None: the numbers do not say, since their plan lies in several zones, or they contradict each other.
    """
    found: set[str] = set()
    for number in numbers:
        try:
            zones = timezone.time_zones_for_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            continue
        if len(zones) == 1 and is_zone(zones[0]) and zones[0] != timezone.UNKNOWN_TIMEZONE:
            found.add(zones[0])
    return found.pop() if len(found) == 1 else None


PLAIN = (
    "name",
    "owner_id",
    "organisation_id",
    "job_title",
    "city",
    "line_of_business",
    "heat",
    "source_kind",
    "source_name",
    "timezone",
    "birthday",
)
"""Columns of a card that the one it is merged into takes over where it has nothing itself."""
_EMPTY: tuple[object, ...] = (None, "")


def merged(kept: Mapping[str, object], gone: Mapping[str, object]) -> dict[str, object]:
    """What a card takes over from the one that is merged into it.

    Args:
        kept: its columns.
        gone: the columns of the other.

    Returns:
        New values by column; only those that change.
    """
    taken: dict[str, object] = {n: gone[n] for n in PLAIN if kept[n] in _EMPTY and gone[n] not in _EMPTY}
    if int(str(gone["priority"])) > int(str(kept["priority"])):
        taken["priority"] = gone["priority"]
    if kept["stage"] == Stage.UNSORTED and gone["stage"] != Stage.UNSORTED:
        taken["stage"] = gone["stage"]
    notes = [str(card["note"]) for card in (kept, gone) if card["note"]]
    if gone["note"] and gone["note"] != kept["note"]:
        taken["note"] = "\n\n".join(notes)
    fields = {**_fields(gone), **{k: v for k, v in _fields(kept).items() if v not in _EMPTY}}
    if fields != _fields(kept):
        taken["fields"] = fields
    return taken


def _fields(card: Mapping[str, object]) -> dict[str, object]:
    found = card["fields"]
    return dict(found) if isinstance(found, Mapping) else {}
