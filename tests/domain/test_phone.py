"""Numbers as providers, phones and people write them, brought to one writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.phone import LONGEST, NumberKind, NumberPlan

RUSSIA = NumberPlan(region="RU", area_code="495")


@pytest.mark.parametrize(
    "written",
    [
        "+79161234567",
        "+7 (916) 123-45-67",
        "79161234567",
        "89161234567",
        "8 916 123 45 67",
        "9161234567",
        "8(916)123.45.67",
        "sip:+79161234567@provider.example;user=phone",
        "tel:+7-916-123-45-67",
        "\u00a08\u00a0916\u00a01234567",
    ],
)
def test_one_number_written_in_many_ways_is_one_number(written: str) -> None:
    number = RUSSIA.parse(written)

    assert (number.e164, number.kind) == ("+79161234567", NumberKind.CLIENT)


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("1234567", "+74951234567"),
        ("123-45-67", "+74951234567"),
        ("4951234567", "+74951234567"),
        ("84951234567", "+74951234567"),
        ("88001234567", "+78001234567"),
    ],
)
def test_a_city_number_gets_the_code_of_its_trunk(written: str, e164: str) -> None:
    assert RUSSIA.parse(written).e164 == e164


def test_a_city_number_without_a_known_code_is_no_client() -> None:
    number = NumberPlan(region="RU").parse("1234567")

    assert (number.e164, number.kind) == (None, NumberKind.SHORT)


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+48221234567", "+48221234567"),
        ("48221234567", "+48221234567"),
        ("0048221234567", "+48221234567"),
        ("8 10 48 22 123 45 67", "+48221234567"),
        ("375291234567", "+375291234567"),
        ("+12025550123", "+12025550123"),
    ],
)
def test_foreign_numbers_are_clients_too(written: str, e164: str) -> None:
    assert RUSSIA.parse(written).e164 == e164


def test_the_same_digits_mean_another_number_in_another_country() -> None:
    poland = NumberPlan(region="PL")

    assert poland.parse("221234567").e164 == "+48221234567"
    assert poland.parse("0048 22 123 45 67").e164 == "+48221234567"


def test_a_plan_younger_than_our_tables_is_still_one_client() -> None:
    number = RUSSIA.parse("+99912345678")

    assert (number.e164, number.kind) == ("+99912345678", NumberKind.CLIENT)


@pytest.mark.parametrize("word", ["", "  ", "anonymous", "Anonymous", "unknown", "<unknown>", "Restricted", "private"])
def test_a_withheld_number_is_hidden(word: str) -> None:
    number = RUSSIA.parse(word)

    assert (number.e164, number.kind) == (None, NumberKind.HIDDEN)


@pytest.mark.parametrize("short", ["101", "112", "0611", "*8", "s", "12345", "+101"])
def test_extensions_services_and_words_are_short(short: str) -> None:
    number = NumberPlan(region="RU").parse(short)

    assert (number.e164, number.kind) == (None, NumberKind.SHORT)


@pytest.mark.parametrize("written", ["74954950001", "8 495 495-00-01", "+74954950001", "4950001"])
def test_our_own_number_is_never_a_client(written: str) -> None:
    plan = NumberPlan(region="RU", area_code="495", own=frozenset({"+74954950001"}))

    assert plan.parse(written).kind is NumberKind.OWN


def test_an_own_number_that_no_plan_knows_is_own_by_its_digits() -> None:
    plan = NumberPlan(region="RU", own=frozenset({"4950001"}))

    assert plan.parse("4950001").kind is NumberKind.OWN


def test_the_longest_prefix_of_the_pbx_comes_off() -> None:
    plan = NumberPlan(region="RU", strip=("9", "99"))

    assert plan.parse("99" + "89161234567").e164 == "+79161234567"
    assert plan.parse("9" + "89161234567").e164 == "+79161234567"


def test_a_caller_whose_number_begins_like_the_prefix_keeps_it() -> None:
    assert NumberPlan(region="RU", strip=("9",)).parse("9161234567").e164 == "+79161234567"


def test_a_prefix_does_not_eat_into_a_short_number() -> None:
    assert NumberPlan(region="RU", strip=("9",)).parse("911").raw == "911"
    assert NumberPlan(region="RU", strip=("9",)).parse("911").kind is NumberKind.SHORT


@pytest.mark.parametrize("text", ["7916\r\nEvent: Hangup", "7916\x007916", "７９１６１２３４５６７", '","', "+", "+-"])
def test_hostile_text_is_no_number(text: str) -> None:
    assert RUSSIA.parse(text).e164 is None


@given(st.text())
def test_whatever_a_caller_sends_is_read_without_an_error(text: str) -> None:
    number = RUSSIA.parse(text)

    assert len(number.raw) <= 64
    assert number.e164 is None or (number.e164[0] == "+" and number.e164[1:].isdigit())
    assert number.e164 is None or len(number.e164) <= LONGEST + 1
    assert (number.kind is NumberKind.CLIENT) == (number.e164 is not None)


@given(st.text(alphabet="0123456789+ -()", max_size=20))
def test_a_number_in_its_international_writing_stays_itself(text: str) -> None:
    e164 = RUSSIA.parse(text).e164

    assert e164 is None or RUSSIA.parse(e164).e164 == e164
