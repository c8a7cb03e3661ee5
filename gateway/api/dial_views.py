"""What dial permissions look like from outside: the models of `/dial-permissions` and its parts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Outgoing, RowId, Spoken
from gateway.api.users import PbxName
from gateway.domain.access import Role
from gateway.domain.dial_rules import CostlyKind, DialLimits, PrefixRule
from gateway.domain.dialling import DialPurpose, DialReason
from gateway.store.dial_permissions import KeptException

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166 country, like PL")]
Regions = Annotated[tuple[Region, ...], Field(max_length=250)]
Kinds = Annotated[tuple[CostlyKind, ...], Field(max_length=20)]
Most = Annotated[int, Field(ge=0, le=1_000_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read; another one is a conflict")]
KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Target = Annotated[str, Field(pattern=r"^[0-9X]{1,15}$", description="digits, X for any digit")]


class PrefixBody(Incoming):
    """Numbers that begin in one way."""

    prefix: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]
    allowed: bool
    costly: bool = Field(default=False, description="whether also its premium, satellite and other costly numbers")


Prefixes = Annotated[tuple[PrefixBody, ...], Field(max_length=500)]


class LimitsBody(Incoming):
    """How many calls; null: any number, in an exception: as the rule above it says."""

    minute: Most | None = None
    hour: Most | None = None
    day: Most | None = Field(default=None, description="within 24 hours")
    foreign_day: Most | None = Field(default=None, description="to other countries within 24 hours")


class LimitsView(Outgoing):
    """How many calls."""

    minute: int | None
    hour: int | None
    day: int | None
    foreign_day: int | None


class PrefixView(Outgoing):
    """Numbers that begin in one way."""

    prefix: str
    allowed: bool
    costly: bool


class DialExceptionView(Outgoing):
    """What holds otherwise for one role, team, person or key."""

    id: int
    role: str | None
    team: int | None
    user: int | None
    key: str | None
    countries: tuple[str, ...] = Field(description="allowed beside those of the site")
    kinds: tuple[CostlyKind, ...]
    prefixes: tuple[PrefixView, ...]
    limits: LimitsView = Field(description="in place of those of the site; null: as there")
    note: str
    changed_by: str
    changed_at: datetime
    version: int


class DialPermissionsView(Outgoing):
    """What may be dialled."""

    home: str = Field(description="the trunk's own country; ZZ: the configuration names none")
    countries: tuple[str, ...] = Field(description="as entered; none: the trunk's own only")
    allowed_countries: tuple[str, ...] = Field(description="what that comes to")
    kinds: tuple[CostlyKind, ...] = Field(description="costly numbers that are allowed")
    prefixes: tuple[PrefixView, ...] = Field(description="the longest that fits decides")
    internal_targets: tuple[str, ...] = Field(description="numbers of the PBX to which calls may be transferred")
    user_limits: LimitsView = Field(description="of each manager")
    key_limits: LimitsView = Field(description="of each API key")
    company_limits: LimitsView
    burst: int = Field(description="refusals of one person or key that raise an alarm")
    burst_minutes: int
    exceptions: tuple[DialExceptionView, ...]
    version: int


class DialPermissionsChange(Incoming):
    """What is to be changed; what is left out stays, also a limit."""

    version: Version
    countries: Regions | None = None
    kinds: Kinds | None = None
    prefixes: Prefixes | None = None
    internal_targets: Annotated[tuple[Target, ...], Field(max_length=200)] | None = None
    user_limits: LimitsBody | None = None
    key_limits: LimitsBody | None = None
    company_limits: LimitsBody | None = None
    burst: Annotated[int, Field(ge=1, le=1000)] | None = None
    burst_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None


class NewException(Incoming):
    """What is to hold otherwise for one role, team, person or key."""

    role: Role | None = None
    team: RowId | None = None
    user: RowId | None = None
    key: KeyId | None = Field(default=None, description="id of an API key")
    countries: Regions = ()
    kinds: Kinds = ()
    prefixes: Prefixes = ()
    limits: LimitsBody = LimitsBody()
    note: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="as it was read; 0: there is none yet. Another one is a conflict"
    )


class ExceptionPath(Incoming):
    """Which exception."""

    exception_id: RowId


class DialQuestion(Incoming):
    """What somebody would dial."""

    number: Annotated[str, Field(max_length=200)]
    purpose: DialPurpose = DialPurpose.CALL
    user: RowId | None = Field(default=None, description="for whom; left out: me. Others need a right")
    pbx: PbxName | None = Field(default=None, description="whose way of writing numbers; left out: the first one's")


class DialAnswer(Outgoing):
    """Whether it may be dialled."""

    allowed: bool
    reason: DialReason | None
    sentence: Spoken = Field(description="for people: which rule it is and who can change it; empty: it is allowed")
    number: str | None = Field(description="what would be dialled; null: it is no number")
    region: str | None
    foreign: bool
    again_at: datetime | None = Field(description="when a limit lets one more pass; null: waiting does not help")
    countries: tuple[str, ...] = Field(description="that he may dial")
    limits: LimitsView = Field(description="that hold for him")


class RefusalsQuery(Incoming):
    """Which refusals."""

    user: RowId | None = None
    key: KeyId | None = None
    reason: DialReason | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class RefusalPlace(Incoming):
    """Where a page of refusals ends."""

    at: datetime
    id: int


class RefusalView(Outgoing):
    """Something that was not dialled."""

    id: int
    at: datetime
    user: int | None
    user_name: str | None
    key: str | None
    number: str = Field(description="as it was written, without control characters")
    region: str | None
    purpose: DialPurpose
    reason: DialReason
    sentence: Spoken


class CountsQuery(Incoming):
    """Since when."""

    since: Moment | None = Field(default=None, description="left out: the last 24 hours")


class RefusalCounts(Outgoing):
    """How often was refused."""

    since: datetime
    total: int
    reasons: dict[str, int]


def prefix_rules(bodies: Sequence[PrefixBody]) -> tuple[PrefixRule, ...]:
    """Rules as the domain knows them."""
    return tuple(PrefixRule(prefix=b.prefix, allowed=b.allowed, costly=b.costly) for b in bodies)


def prefix_views(prefixes: Sequence[PrefixRule]) -> tuple[PrefixView, ...]:
    """Rules as they are shown."""
    return tuple(PrefixView(prefix=p.prefix, allowed=p.allowed, costly=p.costly) for p in prefixes)


def limits_view(limits: DialLimits) -> LimitsView:
    """Limits as they are shown."""
    return LimitsView(minute=limits.minute, hour=limits.hour, day=limits.day, foreign_day=limits.foreign_day)


def exception_view(kept: KeptException) -> DialExceptionView:
    """An exception as it is shown."""
    return DialExceptionView(
        id=kept.id,
        role=kept.role,
        team=kept.team_id,
        user=kept.user_id,
        key=kept.key_id,
        countries=tuple(sorted(kept.exception.countries)),
        kinds=tuple(sorted(kept.exception.kinds)),
        prefixes=prefix_views(kept.exception.prefixes),
        limits=limits_view(kept.exception.limits),
        note=kept.note,
        changed_by=kept.changed_by,
        changed_at=kept.changed_at,
        version=kept.version,
    )
