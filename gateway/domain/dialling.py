"""What may be dialled: the one rule for calls, transfer targets and scheduled calls.

Toll fraud is the first attack on any telephone system: a stolen key or session that rings premium numbers abroad all
night. So what is not allowed is refused: numbers outside the trunk's own country, premium-rate and shared-cost numbers,
satellites and networks without a country (ITU-T E.164.1: +870, +878, +881, +882, +883, +888, +979), and whatever goes
beyond the limits. Which number is of which kind is said by `phonenumbers`; what is allowed is data
(`gateway.domain.dial_rules`).

Emergency numbers are not dialled through us: the manager's phone would ring first, and the PBX would send help to the
address of the trunk, not to that of the manager (docs/decisions/0013).

Everything here is pure; `gateway.store.dial_permissions` brings the rules and counts.
"""

import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number

from gateway.domain.dial_rules import NO_REGION, CostlyKind, DialRules, Scope, Span, decisive
from gateway.domain.phone import LONGEST, SHORTEST_CLIENT, NumberKind, NumberPlan

RAW_MAX = 64
"""Characters of a number as somebody wrote it; more is no number."""
_SEPARATORS = re.compile(r"[ ().\-/\u00a0]+")
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
_SHORTEST_NATIONAL = 4
"""Digits behind the country code of the shortest numbers that cost anything."""
_EVERYWHERE = frozenset({"112", "911", "999"})


class DialPurpose(StrEnum):
    """What is about to be dialled."""

    CALL = "call"
    TRANSFER = "transfer"
    SCHEDULED = "scheduled"


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
_COSTLY = {
    CostlyKind.PREMIUM: "Calls to premium-rate numbers are not allowed.",
    CostlyKind.SHARED_COST: "Calls to shared-cost numbers are not allowed.",
    CostlyKind.PERSONAL: "Calls to personal numbers, which are dear to call, are not allowed.",
    CostlyKind.SATELLITE: "Calls to satellite telephones are not allowed.",
    CostlyKind.NETWORK: "Calls to networks that belong to no country are not allowed.",
    CostlyKind.WORLD_PREMIUM: "Calls to international premium-rate numbers are not allowed.",
}
_USED_UP = {
    (Scope.USER, Span.MINUTE): "You have {limit} calls a minute, and they are used up.",
    (Scope.USER, Span.HOUR): "You have {limit} calls an hour, and they are used up.",
    (Scope.USER, Span.DAY): "You have {limit} calls within 24 hours, and they are used up.",
    (Scope.USER, Span.FOREIGN_DAY): "You have {limit} calls abroad within 24 hours, and they are used up.",
    (Scope.KEY, Span.MINUTE): "This API key has {limit} calls a minute, and they are used up.",
    (Scope.KEY, Span.HOUR): "This API key has {limit} calls an hour, and they are used up.",
    (Scope.KEY, Span.DAY): "This API key has {limit} calls within 24 hours, and they are used up.",
    (Scope.KEY, Span.FOREIGN_DAY): "This API key has {limit} calls abroad within 24 hours, and they are used up.",
    (Scope.COMPANY, Span.MINUTE): "The company has {limit} calls a minute, and they are used up.",
    (Scope.COMPANY, Span.HOUR): "The company has {limit} calls an hour, and they are used up.",
    (Scope.COMPANY, Span.DAY): "The company has {limit} calls within 24 hours, and they are used up.",
    (Scope.COMPANY, Span.FOREIGN_DAY): "The company has {limit} calls abroad within 24 hours, and they are used up.",
}
_WHO = "An administrator can change that (right dialling.manage, PATCH /dial-permissions)."


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
    named = text in extensions or text in internal_targets
    internal = (named or _is_internal(text, internal_targets)) and not is_outside(text, plan)
    if _is_emergency(text, rules.home, plan.strip, named=named):
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
                "Nobody has this extension. A number of the PBX itself is dialled once an administrator has it in"
                " internal_targets (right dialling.manage, PATCH /dial-permissions).",
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
        return _refused(
            DialReason.INVALID, "No country has the code of this number; look whether a digit is wrong.", number=e164
        )
    region = _region(parsed)
    foreign = region != rules.home
    known = {"number": e164, "region": region, "foreign": foreign}
    where = region or f"+{parsed.country_code}"
    prefix = decisive(e164, rules.prefixes)
    if prefix is not None and not prefix.allowed:
        forbidden = f"Numbers that begin with {prefix.prefix} are forbidden."
        return _refused(DialReason.FORBIDDEN_PREFIX, f"{forbidden} {_WHO}", **known)
    known_number = phonenumbers.is_valid_number(parsed)
    kind = _kind(parsed) if known_number else _kind_behind(parsed)
    if kind is not None and kind not in rules.kinds and not (prefix and prefix.costly):
        return _costly(kind, e164, region, foreign=foreign)
    if prefix is not None and (known_number or _could_be(parsed, e164)):
        return DialVerdict(allowed=True, **known)  # type: ignore[arg-type]
    if prefix is None and region not in rules.countries and not (region is None and kind is not None):
        return _refused(DialReason.COUNTRY, f"{_closed(where, rules.countries)} {_WHO}", **known)
    if not known_number and (kind is None or not _could_be(parsed, e164)):
        return _refused(
            DialReason.INVALID,
            f"{where} has no such number; look whether a digit is missing. If its range is new, an administrator can"
            " allow it in prefixes (right dialling.manage, PATCH /dial-permissions).",
            **known,
        )
    return DialVerdict(allowed=True, **known)  # type: ignore[arg-type]


def _closed(where: str, countries: Collection[str]) -> str:
    """That a country may not be called, with those that may."""
    if not countries:
        return f"Calls to {where} are not allowed, and to no other country either."
    return f"Calls to {where} are not allowed, only to {', '.join(sorted(countries))}."


def _could_be(parsed: phonenumbers.PhoneNumber, e164: str) -> bool:
    """Whether a number of no known range could be one of a new range: by its length, and without a needless zero.

    Zeros and digits too many are how a forbidden number is made to look like an unknown one.
    """
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return written == e164 and not parsed.italian_leading_zero and phonenumbers.is_possible_number(parsed)


def _kind(parsed: phonenumbers.PhoneNumber) -> CostlyKind | None:
    """What a number costs more for; None: nothing is known."""
    return _CODES.get(parsed.country_code or 0) or _TYPES.get(phonenumbers.number_type(parsed))


def _kind_behind(parsed: phonenumbers.PhoneNumber) -> CostlyKind | None:
    """The kind that a number which is none hides: an exchange counts digits from the left and ignores what follows."""
    digits = str(parsed.national_number or 0)
    for length in range(len(digits), _SHORTEST_NATIONAL - 1, -1):
        cut = phonenumbers.PhoneNumber(country_code=parsed.country_code, national_number=int(digits[:length]))
        if (kind := _kind(cut)) is not None:
            return kind
    return None


def _costly(kind: CostlyKind, e164: str, region: str | None, *, foreign: bool = True) -> DialVerdict:
    return _refused(DialReason(kind.value), f"{_COSTLY[kind]} {_WHO}", number=e164, region=region, foreign=foreign)


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
    again = None if limit == 0 or oldest is None else oldest + span.length
    wait = (f"The next one may be dialled at {again:%H:%M:%S} UTC.",) if again else ()
    sentence = " ".join((_USED_UP[scope, span].format(limit=limit), *wait, _WHO))
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
        sentence=sentence,
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


def is_outside(text: str, plan: NumberPlan) -> bool:
    """Whether an extension is a full telephone number: whatever it was entered as, a PBX sends it to the trunk."""
    return len(text.removeprefix("+")) >= SHORTEST_CLIENT and plan.parse(text).kind is NumberKind.CLIENT


def _is_emergency(text: str, home: str, strip: Iterable[str], *, named: bool) -> bool:
    """Whether somebody asks for help, also behind a digit for the outside line or an international prefix.

    Where 101 is an extension of ours, 101 rings a colleague, whatever the country does with it; 112 stays 112. A
    pattern like 1XX names nobody: what it happens to cover stays the country's.
    """
    digits = text.removeprefix("+").removeprefix("00")
    written = {digits, *(digits.removeprefix(prefix) for prefix in strip)}
    if written & _EVERYWHERE:
        return True
    return not named and home != NO_REGION and any(len(w) <= 6 and is_emergency_number(w, home) for w in written)


def _is_internal(text: str, patterns: Sequence[str]) -> bool:
    return any(
        len(text) == len(pattern) and all(p in ("X", sign) for p, sign in zip(pattern, text, strict=True))
        for pattern in patterns
    )
