"""What may be dialled: the one rule for calls, transfer targets and scheduled calls.

Toll fraud is the first attack on any telephone system: a stolen key or session that rings premium numbers abroad all
night. So what is not allowed is refused: numbers outside the trunk's own country, premium-rate and shared-cost numbers,
satellites and networks without a country (ITU-T E.164.1: +870, +878, +881, +882, +883, +888, +979), and whatever goes
beyond the limits. Which number is of which kind is said by `phonenumbers`; what is allowed is data (`DialRules`).

Emergency numbers are not dialled through us: the manager's phone would ring first, and the PBX would send help to the
address of the trunk, not to that of the manager (docs/decisions/0013).

Everything here is pure; `gateway.store.dial_permissions` brings the rules and counts.
"""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number

from gateway.domain.phone import LONGEST, SHORTEST_CLIENT, NumberKind, NumberPlan

NO_REGION = "ZZ"
RAW_MAX = 64
"""Characters of a number as somebody wrote it; more is no number."""
_SEPARATORS = re.compile(r"[ ().\-/\u00a0]+")
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
_EVERYWHERE = frozenset({"112", "911", "999"})


class DialPurpose(StrEnum):
    """What is about to be dialled."""

    CALL = "call"
    TRANSFER = "transfer"
    SCHEDULED = "scheduled"


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


class DialReason(StrEnum):
    """Why something is not dialled, for programs."""

    EMPTY = "empty"
    LETTERS = "letters"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INTERNATIONAL_PREFIX = "international_prefix"
    EXTENSION = "extension"
    UNKNOWN_EXTENSION = "unknown_extension"
    OWN_NUMBER = "own_number"
    EMERGENCY = "emergency"
    INVALID = "invalid"
    FORBIDDEN_PREFIX = "forbidden_prefix"
    COUNTRY = "country"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    SATELLITE = "satellite"
    NETWORK = "network"
    WORLD_PREMIUM = "world_premium"
    NOBODY = "nobody"
    USER_MINUTE = "user_minute"
    USER_HOUR = "user_hour"
    USER_DAY = "user_day"
    USER_FOREIGN_DAY = "user_foreign_day"
    KEY_MINUTE = "key_minute"
    KEY_HOUR = "key_hour"
    KEY_DAY = "key_day"
    KEY_FOREIGN_DAY = "key_foreign_day"
    COMPANY_MINUTE = "company_minute"
    COMPANY_HOUR = "company_hour"
    COMPANY_DAY = "company_day"
    COMPANY_FOREIGN_DAY = "company_foreign_day"


LIMITS = frozenset(DialReason(f"{scope}_{span}") for scope in Scope for span in Span)
"""Reasons that pass with time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialVerdict:
    """Whether something may be dialled, and if not, why."""

    allowed: bool
    reason: DialReason | None = None
    """None: it is allowed."""
    sentence: str = ""
    """For people: which rule it is and who can change it; empty: it is allowed."""
    number: str | None = None
    """What is to be dialled: E.164, or an extension of ours (`internal`); None: it is no number."""
    region: str | None = None
    """ISO 3166 region of the number; None: an extension, or a number of no country."""
    foreign: bool = False
    """It lies outside the trunk's own country."""
    internal: bool = False
    """An extension of ours: nothing that costs, so it is not counted."""
    again_at: datetime | None = None
    """When a limit lets one more pass; None: waiting does not help."""


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


_TYPES = {
    PhoneNumberType.PREMIUM_RATE: CostlyKind.PREMIUM,
    PhoneNumberType.SHARED_COST: CostlyKind.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: CostlyKind.PERSONAL,
}
_CODES = {
    870: CostlyKind.SATELLITE,
    881: CostlyKind.SATELLITE,
    882: CostlyKind.NETWORK,
    883: CostlyKind.NETWORK,
    878: CostlyKind.NETWORK,
    888: CostlyKind.NETWORK,
    979: CostlyKind.WORLD_PREMIUM,
    808: CostlyKind.SHARED_COST,
}
"""Country codes that belong to no country (ITU-T E.164.1, list of assigned codes)."""
_WORDS = {
    CostlyKind.PREMIUM: "premium-rate numbers",
    CostlyKind.SHARED_COST: "shared-cost numbers",
    CostlyKind.PERSONAL: "personal numbers, which are dear to call",
    CostlyKind.SATELLITE: "satellite telephones",
    CostlyKind.NETWORK: "networks that belong to no country",
    CostlyKind.WORLD_PREMIUM: "international premium-rate numbers",
}
_WHO = "an administrator can change that (right dialling.manage, PATCH /dial-permissions)"


def judge(
    raw: str,
    *,
    purpose: DialPurpose,
    rules: DialRules,
    plan: NumberPlan,
    extensions: Container[str] = (),
    internal_targets: Sequence[str] = (),
) -> DialVerdict:
    """Whether a number may be dialled at all; limits are counted elsewhere.

    Args:
        raw: as somebody wrote it; it may be anything.
        purpose: what it is dialled for; only a transfer may go to an extension.
        rules: what holds for whoever dials.
        plan: how the trunk writes numbers.
        extensions: of our own people.
        internal_targets: further numbers of the PBX, X for any digit.
    """
    text = compact(raw)
    if len(raw) > RAW_MAX:
        return _refused(DialReason.TOO_LONG, f"A number has at most {LONGEST} digits.")
    if not text:
        return _refused(DialReason.EMPTY, "There is no number; write digits.")
    if not _NUMBER.fullmatch(text):
        return _refused(
            DialReason.LETTERS,
            "A number may have digits, spaces, ( ) . - / and one + at its beginning, and nothing else.",
        )
    internal = text in extensions or _is_internal(text, internal_targets)
    if _is_emergency(text, rules.home, plan.strip, internal=internal):
        return _refused(
            DialReason.EMERGENCY,
            "Emergency numbers are not dialled from here: take the telephone and dial it there, so that help comes to"
            " where you are.",
        )
    if internal:
        if purpose is DialPurpose.TRANSFER:
            return DialVerdict(allowed=True, number=text, internal=True)
        return _refused(DialReason.EXTENSION, "This is an extension of ours; write the client's number with its code.")
    if text.startswith("00"):
        return _refused(
            DialReason.INTERNATIONAL_PREFIX, "Write a foreign number with + in place of 00, like +48221234567."
        )
    return _outside(text, purpose=purpose, rules=rules, plan=plan)


def compact(raw: str) -> str:
    """A number without the separators that people write; of one that is too long only the beginning."""
    return _SEPARATORS.sub("", raw[: RAW_MAX + 1])


def _outside(text: str, *, purpose: DialPurpose, rules: DialRules, plan: NumberPlan) -> DialVerdict:
    """The verdict on what is no extension and no emergency number."""
    number, digits = plan.parse(text), text.removeprefix("+")
    if number.kind is NumberKind.OWN:
        return _refused(DialReason.OWN_NUMBER, "This is one of our own numbers; write the client's.")
    if number.e164 is None or number.kind is not NumberKind.CLIENT:
        if len(digits) > LONGEST:
            return _refused(DialReason.TOO_LONG, f"A number has at most {LONGEST} digits.")
        if len(digits) >= SHORTEST_CLIENT:
            return _refused(DialReason.INVALID, "No country has a number like this; write it with + and its country.")
        if purpose is DialPurpose.TRANSFER:
            return _refused(
                DialReason.UNKNOWN_EXTENSION,
                f"Nobody has this extension; a number of the PBX itself is allowed in internal_targets: {_WHO}.",
            )
        return _refused(DialReason.TOO_SHORT, "This is too short for a client's number; write it with its code.")
    return judge_number(number.e164, rules)


def judge_number(e164: str, rules: DialRules) -> DialVerdict:
    """Whether a full number may be dialled.

    Args:
        e164: `+` and digits.
        rules: what holds for whoever dials.
    """
    if e164.startswith("+888"):  # `phonenumbers` reads some of them, and none of those of the young networks
        return _costly(CostlyKind.NETWORK, e164, None)
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return _refused(DialReason.INVALID, f"No country has the code of this number; {_WHO}.", number=e164)
    region = _region(parsed)
    foreign = region != rules.home
    known = {"number": e164, "region": region, "foreign": foreign}
    prefix = decisive(e164, rules.prefixes)
    if prefix is not None and not prefix.allowed:
        return _refused(
            DialReason.FORBIDDEN_PREFIX, f"Numbers that begin with {prefix.prefix} are forbidden; {_WHO}.", **known
        )
    kind = _CODES.get(parsed.country_code or 0) or _TYPES.get(phonenumbers.number_type(parsed))
    if kind is not None and kind not in rules.kinds and not (prefix and prefix.costly):
        return _costly(kind, e164, region, foreign=foreign)
    if prefix is not None:
        return DialVerdict(allowed=True, **known)  # type: ignore[arg-type]
    if region not in rules.countries and not (region is None and kind is not None):
        allowed = ", ".join(sorted(rules.countries)) or "none"
        where = region or f"+{parsed.country_code}"
        return _refused(
            DialReason.COUNTRY,
            f"Calls to {where} are not allowed; allowed countries: {allowed}; {_WHO}.",
            **known,
        )
    if kind is None and not phonenumbers.is_valid_number(parsed):
        return _refused(
            DialReason.INVALID,
            f"{region} has no such number; look whether a digit is missing. If its range is new, {_WHO}: prefixes.",
            **known,
        )
    return DialVerdict(allowed=True, **known)  # type: ignore[arg-type]


def _costly(kind: CostlyKind, e164: str, region: str | None, *, foreign: bool = True) -> DialVerdict:
    sentence = f"Calls to {_WORDS[kind]} are not allowed; {_WHO}: kinds."
    return _refused(DialReason(kind.value), sentence, number=e164, region=region, foreign=foreign)


def decisive(e164: str, prefixes: Iterable[PrefixRule]) -> PrefixRule | None:
    """The rule with the longest prefix that fits, of equal ones the last; None: none fits."""
    found: PrefixRule | None = None
    for rule in prefixes:
        if e164.startswith(rule.prefix) and (found is None or len(rule.prefix) >= len(found.prefix)):
            found = rule
    return found


def over_limit(scope: Scope, span: Span, limit: int, oldest: datetime | None, now: datetime) -> DialVerdict | None:
    """The refusal where a limit is reached; None: one more may pass.

    Args:
        scope: whose calls are counted.
        span: over which time.
        limit: calls that may lie within it.
        oldest: the moment of the call that lies `limit` calls back, this one not counted; None: there were fewer.
        now: the present moment.
    """
    if limit > 0 and (oldest is None or oldest <= now - span.length):
        return None
    whose = {Scope.USER: "You have", Scope.KEY: "This API key has", Scope.COMPANY: "The company has"}[scope]
    what = {
        Span.MINUTE: "calls a minute",
        Span.HOUR: "calls an hour",
        Span.DAY: "calls within 24 hours",
        Span.FOREIGN_DAY: "calls abroad within 24 hours",
    }[span]
    again = None if limit == 0 or oldest is None else oldest + span.length
    wait = f" The next one may be dialled at {again:%H:%M:%S} UTC;" if again else ""
    sentence = f"{whose} {limit} {what}, and they are used up.{wait or ' To have more:'} {_WHO}."
    return DialVerdict(allowed=False, reason=DialReason(f"{scope}_{span}"), sentence=sentence, again_at=again)


def nobody() -> DialVerdict:
    """The refusal for somebody who does not work here any more."""
    return _refused(DialReason.NOBODY, "Nobody who is active has this id, so nothing is dialled for him.")


def _refused(
    reason: DialReason,
    sentence: str,
    *,
    number: object = None,
    region: object = None,
    foreign: object = False,
) -> DialVerdict:
    return DialVerdict(
        allowed=False,
        reason=reason,
        sentence=sentence[0].upper() + sentence[1:],
        number=number if isinstance(number, str) else None,
        region=region if isinstance(region, str) else None,
        foreign=bool(foreign),
    )


def _region(parsed: phonenumbers.PhoneNumber) -> str | None:
    """The region of a number, also of one that its plan does not know; None: it belongs to no country."""
    found = phonenumbers.region_code_for_number(parsed)
    if found is None:
        found = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return None if found in ("001", NO_REGION, None) else str(found)


def _is_emergency(text: str, home: str, strip: Iterable[str], *, internal: bool) -> bool:
    """Whether somebody asks for help, also behind a digit for the outside line or an international prefix.

    Where 101 is an extension of ours, 101 rings a colleague, whatever the country does with it; 112 stays 112.
    """
    digits = text.removeprefix("+").removeprefix("00")
    written = {digits, *(digits.removeprefix(prefix) for prefix in strip)}
    if written & _EVERYWHERE:
        return True
    return not internal and home != NO_REGION and any(len(w) <= 6 and is_emergency_number(w, home) for w in written)


def _is_internal(text: str, patterns: Sequence[str]) -> bool:
    return any(
        len(text) == len(pattern) and all(p in ("X", sign) for p, sign in zip(pattern, text, strict=True))
        for pattern in patterns
    )


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
