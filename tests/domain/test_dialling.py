"""What may be dialled: countries, kinds, prefixes, wrong and hostile numbers."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.dial_rules import (
    CostlyKind,
    DialException,
    DialLimits,
    DialPolicy,
    DialRules,
    PrefixRule,
    Scope,
    Span,
    above,
    beyond,
    rules_for,
)
from gateway.domain.dialling import DialPurpose, DialReason, DialVerdict, judge, over_limit
from gateway.domain.phone import NumberPlan

PLAN = NumberPlan(region="RU", area_code="495", strip=("9",), own=frozenset({"+74951112233"}))
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def rules(home: str = "RU", **policy: object) -> DialRules:
    return rules_for(DialPolicy(**policy), home, [])  # type: ignore[arg-type]


def verdict(
    raw: str, held: DialRules | None = None, *, purpose: DialPurpose = DialPurpose.CALL, plan: NumberPlan = PLAN
) -> DialVerdict:
    return judge(
        raw,
        purpose=purpose,
        rules=held or rules(),
        plan=plan,
        extensions=frozenset({"101", "102"}),
        internal_targets=("6XX",),
    )


@pytest.mark.parametrize("raw", ["+7 916 123-45-67", "8 (916) 123.45.67", "9161234567", "+74951234567", "1234567"])
def test_a_number_of_the_trunks_own_country_may_be_dialled(raw: str) -> None:
    found = verdict(raw)

    assert (found.allowed, found.region, found.foreign, found.reason) == (True, "RU", False, None)
    assert found.number is not None
    assert found.number.startswith("+7")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("  ( ) ", "empty"),
        ("Anna", "letters"),
        ("+7916123456a", "letters"),
        ("*21*79161234567#", "letters"),
        ("101;102", "letters"),
        ("+79161234567\r\nAction: Originate", "letters"),
        ("${EVAL(x)}", "letters"),
        ("sip:79161234567@evil.example", "letters"),
        ("７９１６１２３４５６７", "letters"),
        ("++79161234567", "letters"),
        ("12", "too_short"),
        ("4444", "too_short"),
        ("+7916", "too_short"),
        ("1234567890123456", "too_long"),
        ("7" * 65, "too_long"),
        ("004915112345678", "international_prefix"),
        ("101", "extension"),
        ("601", "extension"),
        ("+74951112233", "own_number"),
        ("84951112233", "own_number"),
        ("112", "emergency"),
        ("9112", "emergency"),
        ("+112", "emergency"),
        ("103", "emergency"),
        ("+79991", "too_short"),
        ("+7 000 000 00 00", "invalid"),
        ("+999123456789", "invalid"),
    ],
)
def test_a_wrong_number_is_refused_for_its_own_reason(raw: str, reason: str) -> None:
    found = verdict(raw)

    assert (found.allowed, found.reason) == (False, reason)
    assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("raw", "reason", "region"),
    [
        ("+78091234567", "premium", "RU"),
        ("+77012345678", "country", "KZ"),  # shares +7 with the trunk's own country
        ("+48221234567", "country", "PL"),
        ("+48701234567", "premium", "PL"),
        ("+447012345678", "personal", "GB"),
        ("+8816234567890", "satellite", None),
        ("+870773111632", "satellite", None),
        ("+882161234567", "network", None),
        ("+88316123456789", "network", None),
        ("+888123456789", "network", None),
        ("+979123456789", "world_premium", None),
        ("+80812345678", "shared_cost", None),
        ("+80012345678", "country", None),
        ("+18765551234", "country", "JM"),
    ],
)
def test_what_costs_is_refused_and_told_apart(raw: str, reason: str, region: str | None) -> None:
    found = verdict(raw)

    assert (found.allowed, found.reason, found.region) == (False, reason, region)
    assert "administrator" in found.sentence


def test_a_country_of_a_shared_code_is_not_opened_by_its_neighbour() -> None:
    """+1 876 is Jamaica, the first address of toll fraud in North America."""
    held = rules("US", countries=frozenset({"US", "CA"}))

    assert verdict("+1 212 555 2368", held, plan=NumberPlan(region="US")).allowed
    assert verdict("+1 876 555 1234", held).reason is DialReason.COUNTRY
    assert verdict("+1 900 555 1234", held).reason is DialReason.PREMIUM


def test_countries_that_are_entered_take_the_place_of_the_trunks_own() -> None:
    held = rules(countries=frozenset({"PL"}))

    assert verdict("+48221234567", held).allowed
    assert verdict("+48221234567", held).foreign
    assert verdict("+79161234567", held).reason is DialReason.COUNTRY


def test_a_trunk_of_no_country_opens_none() -> None:
    held = rules("ZZ")

    assert verdict("+79161234567", held, plan=NumberPlan()).reason is DialReason.COUNTRY


def test_of_prefixes_the_longest_decides() -> None:
    held = rules(
        prefixes=(
            PrefixRule(prefix="+48", allowed=True),
            PrefixRule(prefix="+4870", allowed=False),
            PrefixRule(prefix="+7916", allowed=False),
            PrefixRule(prefix="+7916123", allowed=True),
        )
    )

    assert verdict("+48221234567", held).allowed
    assert verdict("+48701234567", held).reason is DialReason.FORBIDDEN_PREFIX
    assert verdict("+79160000000", held).reason is DialReason.FORBIDDEN_PREFIX
    assert verdict("+79161234567", held).allowed


def test_an_allowed_prefix_opens_costly_numbers_only_where_it_says_so() -> None:
    plain = rules(prefixes=(PrefixRule(prefix="+8816", allowed=True),))
    costly = rules(prefixes=(PrefixRule(prefix="+8816", allowed=True, costly=True),))

    assert verdict("+8816234567890", plain).reason is DialReason.SATELLITE
    assert verdict("+8816234567890", costly).allowed


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("+4870123456799", "premium"),  # two digits too many: an exchange connects after the ninth
        ("+49900123456799", "premium"),
        ("+190055512349999", "premium"),
        ("+480701234567", "premium"),  # a trunk zero that some networks drop
        ("+440221234567", "invalid"),
        ("+71048221234567", "invalid"),  # a PBX that writes 8 for +7 would dial 8 10 48 22 123 45 67, abroad
    ],
)
def test_a_costly_number_does_not_hide_behind_digits_too_many(raw: str, reason: str) -> None:
    """An allowed prefix also opens ranges that our tables do not know, and only those."""
    held = rules(prefixes=tuple(PrefixRule(prefix=p, allowed=True) for p in ("+48", "+49", "+1", "+44", "+7")))

    assert verdict(raw, held).reason == reason
    assert verdict("+48221234567", held).allowed
    assert verdict("+48451234567", held).allowed  # no range of today


def test_a_pattern_of_targets_opens_no_emergency_number() -> None:
    """102 is an extension of ours here, 103 is the ambulance."""

    def target(raw: str, *patterns: str) -> DialVerdict:
        return judge(
            raw,
            purpose=DialPurpose.TRANSFER,
            rules=rules(),
            plan=PLAN,
            extensions=frozenset({"102"}),
            internal_targets=patterns,
        )

    assert target("102", "1XX").internal
    assert target("155", "1XX").internal
    assert target("103", "1XX").reason is DialReason.EMERGENCY
    assert target("103", "103").internal  # named by itself: the site knows what it does


def test_a_full_number_is_no_extension_whatever_it_was_entered_as() -> None:
    """Who may enter extensions, or patterns of targets, opens no country by it."""

    def target(raw: str) -> DialVerdict:
        return judge(
            raw,
            purpose=DialPurpose.TRANSFER,
            rules=rules(),
            plan=PLAN,
            extensions=frozenset({"81048701234567", "4951112233"}),
            internal_targets=("8XXXXXXXXXX",),
        )

    assert target("81048701234567").reason is DialReason.PREMIUM
    assert target("88091234567").reason is DialReason.PREMIUM
    assert (target("89161234567").internal, target("89161234567").number) == (False, "+79161234567")
    assert target("4951112233").internal  # a direct number of ours


def test_an_allowed_kind_opens_no_country() -> None:
    held = rules(kinds=frozenset({CostlyKind.PREMIUM, CostlyKind.SATELLITE}))

    assert verdict("+78091234567", held).allowed
    assert verdict("+8816234567890", held).allowed
    assert verdict("+48701234567", held).reason is DialReason.COUNTRY


def test_a_transfer_may_go_to_an_extension_and_to_what_the_site_names() -> None:
    for target in ("101", "601"):
        found = verdict(target, purpose=DialPurpose.TRANSFER)
        assert (found.allowed, found.internal, found.number) == (True, True, target)

    assert verdict("777", purpose=DialPurpose.TRANSFER).reason is DialReason.UNKNOWN_EXTENSION
    assert verdict("112", purpose=DialPurpose.TRANSFER).reason is DialReason.EMERGENCY
    assert verdict("*72", purpose=DialPurpose.TRANSFER).reason is DialReason.LETTERS
    assert verdict("+48701234567", purpose=DialPurpose.TRANSFER).reason is DialReason.PREMIUM


def test_a_persons_exception_adds_countries_and_replaces_limits() -> None:
    role = DialException(countries=frozenset({"PL"}), limits=DialLimits(hour=50, foreign_day=5))
    person = DialException(countries=frozenset({"DE"}), limits=DialLimits(foreign_day=30))
    held = rules_for(DialPolicy(), "RU", [role, person])

    assert held.countries == {"RU", "PL", "DE"}
    assert held.user == DialLimits(minute=20, hour=50, day=600, foreign_day=30)


def test_a_persons_own_prefix_wins_over_the_same_one_of_the_site() -> None:
    policy = DialPolicy(prefixes=(PrefixRule(prefix="+7916", allowed=False),))
    held = rules_for(policy, "RU", [DialException(prefixes=(PrefixRule(prefix="+7916", allowed=True),))])

    assert verdict("+79161234567", held).allowed


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (DialException(countries=frozenset({"DE"})), "countries"),
        (DialException(kinds=frozenset({CostlyKind.PREMIUM})), "kinds"),
        (DialException(prefixes=(PrefixRule(prefix="+49", allowed=True),)), "prefixes"),
        (DialException(prefixes=(PrefixRule(prefix="+482", allowed=True, costly=True),)), "prefixes"),
        (DialException(limits=DialLimits(hour=201)), "hour"),
        (DialException(limits=DialLimits(foreign_day=11)), "foreign_day"),
        (DialException(prefixes=(PrefixRule(prefix="+482", allowed=True),), limits=DialLimits(hour=200)), None),
        (DialException(prefixes=(PrefixRule(prefix="+4", allowed=False),)), None),
    ],
)
def test_nobody_gives_others_more_than_he_has(wanted: DialException, field: str | None) -> None:
    own = rules_for(DialPolicy(prefixes=(PrefixRule(prefix="+48", allowed=True),)), "RU", [])

    assert beyond(own, wanted) == field


def test_a_limit_lies_above_another_only_where_both_are_there() -> None:
    assert above(DialLimits(minute=10), DialLimits(minute=11)) == "minute"
    assert above(DialLimits(minute=10), DialLimits(minute=10, day=10**6)) is None


def test_a_limit_is_reached_when_so_many_calls_lie_within_its_span() -> None:
    minute = NOW - timedelta(minutes=1)

    assert over_limit(Scope.USER, Span.MINUTE, 3, None, NOW) is None
    assert over_limit(Scope.USER, Span.MINUTE, 3, minute, NOW) is None
    found = over_limit(Scope.USER, Span.MINUTE, 3, minute + timedelta(seconds=10), NOW)
    assert found is not None
    assert (found.reason, found.again_at) == (DialReason.USER_MINUTE, NOW + timedelta(seconds=10))
    assert "3 calls a minute" in found.sentence


def test_a_limit_of_zero_lets_nothing_pass() -> None:
    found = over_limit(Scope.KEY, Span.FOREIGN_DAY, 0, None, NOW)

    assert found is not None
    assert (found.reason, found.again_at) == (DialReason.KEY_FOREIGN_DAY, None)


def test_every_limit_has_its_own_reason() -> None:
    found = {over_limit(scope, span, 0, None, NOW) for scope in Scope for span in Span}

    assert len({v.reason for v in found if v}) == len(Scope) * len(Span)


HOSTILE = st.text(alphabet=string.printable + "\x00é７٣${}", max_size=80)


@given(raw=st.one_of(HOSTILE, st.from_regex(r"\+?[0-9 ().\-/]{0,20}", fullmatch=True)))
def test_whatever_is_written_gives_a_number_of_digits_or_a_reason(raw: str) -> None:
    found = verdict(raw, replace(rules(), countries=frozenset({"RU", "PL", "US"})))

    if found.allowed:
        assert found.number is not None
        assert set(found.number.removeprefix("+")) <= set(string.digits)
        assert found.region in {"RU", "PL", "US"}
    else:
        assert found.reason is not None
        assert found.sentence
        assert raw.isalnum() or len(raw) < 5 or raw not in found.sentence
