"""Which person an extension was at a moment, and where his day begins and ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """A person's time zone.

    Args:
        name: of the IANA list; None: he has none of his own.
        otherwise: the company's, also where the machine does not know the name (any more): a zone that was renamed
            must not stop the calls.
    """
    try:
        return ZoneInfo(name) if name else otherwise
    except (ZoneInfoNotFoundError, ValueError):
        return otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One user as the figures need him."""

    user_id: int
    timezone: tzinfo

    def day(self, at: datetime) -> date:
        """His local day of that moment."""
        return at.astimezone(self.timezone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """An extension's owner for a time; None: from ever, for ever."""

    member: Member
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether he had the extension at that moment."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """The extensions of one PBX with their owners."""

    tenures: Mapping[str, tuple[Tenure, ...]] = field(default_factory=dict)
    timezone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """The company's zone: the day of calls that are nobody's."""

    def member(self, extension: str, at: datetime) -> Member | None:
        """Who had the extension; None: nobody is entered for it."""
        return next((t.member for t in self.tenures.get(extension, ()) if t.holds(at)), None)

    def day(self, at: datetime) -> date:
        """The company's local day of that moment."""
        return at.astimezone(self.timezone).date()
