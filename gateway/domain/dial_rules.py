"""What holds for whoever dials: the site's policy, exceptions from it, and limits.

The rules are data: rows that administrators change over the API (`gateway.store.dial_permissions`). `rules_for` puts
together what holds for one person and key; `gateway.domain.dialling` judges a number by it. Who gives rules to others
gives nothing that he has not himself (`beyond`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

NO_REGION = "ZZ"
"""A trunk of no country."""


class CostlyKind(StrEnum):
    """Numbers that cost more than a call to their country; each kind is allowed by name."""

    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"  # numbers that follow a person, like +44 70: dear, and loved by fraud
    SATELLITE = "satellite"
    NETWORK = "network"  # networks without a country: +882, +883, +878, +888
    WORLD_PREMIUM = "world_premium"  # +979


class Span(StrEnum):
    """Over which time calls are counted; each looks back from the moment of the call."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    FOREIGN_DAY = "foreign_day"

    @property
    def length(self) -> timedelta:
        """How far it looks back."""
        return _LENGTHS[self]

    @property
    def foreign_only(self) -> bool:
        """Whether only calls abroad are counted."""
        return self is Span.FOREIGN_DAY


_LENGTHS = {
    Span.MINUTE: timedelta(minutes=1),
    Span.HOUR: timedelta(hours=1),
    Span.DAY: timedelta(days=1),
    Span.FOREIGN_DAY: timedelta(days=1),
}


class Scope(StrEnum):
    """Whose calls are counted."""

    USER = "user"
    KEY = "key"
    COMPANY = "company"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixRule:
    """Numbers that begin in one way; of several rules the longest prefix decides."""

    prefix: str
    """`+` and digits."""
    allowed: bool
    costly: bool = False
    """Whether also its premium, satellite and other costly numbers are allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialLimits:
    """How many calls may be dialled; None: any number, in an exception: as the rule above it says."""

    minute: int | None = None
    hour: int | None = None
    day: int | None = None
    foreign_day: int | None = None

    def of(self, span: Span) -> int | None:
        """The limit over one span."""
        found: int | None = getattr(self, span.value)
        return found

    def over(self, above: "DialLimits") -> "DialLimits":
        """These limits, and where they say nothing those above them."""
        own = {span.value: self.of(span) for span in Span}
        return replace(above, **{name: value for name, value in own.items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class DialPolicy:
    """What holds for the whole site."""

    countries: frozenset[str] = frozenset()
    """ISO 3166 regions that may be dialled; none: the trunk's own only."""
    kinds: frozenset[CostlyKind] = frozenset()
    prefixes: tuple[PrefixRule, ...] = ()
    internal_targets: tuple[str, ...] = ()
    """Further numbers of the PBX itself to which calls may be transferred: digits, X for any digit."""
    user: DialLimits = field(default_factory=lambda: DialLimits(minute=20, hour=200, day=600, foreign_day=10))
    key: DialLimits = field(default_factory=lambda: DialLimits(minute=60, hour=1000, day=5000, foreign_day=20))
    company: DialLimits = field(default_factory=lambda: DialLimits(minute=300, hour=6000, day=30000, foreign_day=100))
    burst: int = 5
    """Refusals of one person or key within `burst_minutes` that raise an alarm."""
    burst_minutes: int = 10
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DialException:
    """What holds otherwise for a role, a team, a person or a key; it adds to the policy and replaces its limits."""

    countries: frozenset[str] = frozenset()
    kinds: frozenset[CostlyKind] = frozenset()
    prefixes: tuple[PrefixRule, ...] = ()
    limits: DialLimits = field(default_factory=DialLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRules:
    """What holds for one person and key at one moment."""

    home: str
    """The trunk's own region."""
    countries: frozenset[str]
    kinds: frozenset[CostlyKind]
    prefixes: tuple[PrefixRule, ...]
    """Of equal prefixes the last one decides."""
    user: DialLimits
    key: DialLimits
    company: DialLimits

    def limits(self, scope: Scope) -> DialLimits:
        """The limits of one scope."""
        match scope:
            case Scope.USER:
                return self.user
            case Scope.KEY:
                return self.key
            case Scope.COMPANY:
                return self.company


def rules_for(
    policy: DialPolicy, home: str, exceptions: Sequence[DialException], key: DialException | None = None
) -> DialRules:
    """What holds for somebody.

    Args:
        policy: of the site.
        home: the trunk's own region.
        exceptions: of his role, his teams and himself, the most particular one last.
        key: of the key that is used; None: it has none. What it allows is allowed beside the others.
    """
    every = [*exceptions, *([key] if key else [])]
    user = policy.user
    for exception in exceptions:
        user = exception.limits.over(user)
    own = frozenset() if home == NO_REGION else frozenset({home})
    return DialRules(
        home=home,
        countries=(policy.countries or own).union(*(e.countries for e in every)),
        kinds=policy.kinds.union(*(e.kinds for e in every)),
        prefixes=(*policy.prefixes, *(rule for e in every for rule in e.prefixes)),
        user=user,
        key=key.limits.over(policy.key) if key else policy.key,
        company=policy.company,
    )


def decisive(e164: str, prefixes: Iterable[PrefixRule]) -> PrefixRule | None:
    """The rule with the longest prefix that fits, of equal ones the last; None: none fits."""
    found: PrefixRule | None = None
    for rule in prefixes:
        if e164.startswith(rule.prefix) and (found is None or len(rule.prefix) >= len(found.prefix)):
            found = rule
    return found


def beyond(own: DialRules, wanted: DialException) -> str | None:
    """What somebody would give away that he has not himself; None: nothing.

    Args:
        own: what holds for him.
        wanted: what he would enter for others.

    Returns:
        The name of the field.
    """
    if wanted.countries - own.countries:
        return "countries"
    if wanted.kinds - own.kinds:
        return "kinds"
    if any(rule.allowed and not judge_prefix(rule, own) for rule in wanted.prefixes):
        return "prefixes"
    return above(own.user, wanted.limits)


def judge_prefix(rule: PrefixRule, own: DialRules) -> bool:
    """Whether somebody may himself dial all that a prefix would allow: only where a prefix of his own covers it."""
    found = decisive(rule.prefix, own.prefixes)
    return found is not None and found.allowed and (found.costly or not rule.costly)


def above(ceiling: DialLimits, wanted: DialLimits) -> str | None:
    """The name of a limit that lies above another one; None: none does."""
    for span in Span:
        most, asked = ceiling.of(span), wanted.of(span)
        if most is not None and asked is not None and asked > most:
            return span.value
    return None
