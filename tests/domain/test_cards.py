"""Addresses as they are compared, proposed time zones, values of own fields, and what a merge takes over."""

from datetime import date
from typing import Any

import pytest

from gateway.domain.card_fields import CustomField, FieldKind, FieldOf, FieldValueError, changed_values, read_text
from gateway.domain.cards import AddressError, AddressKind, is_zone, merged, proposed_zone, read_address

CARD: dict[str, Any] = {
    "name": "", "owner_id": None, "organisation_id": None, "job_title": "", "city": "", "line_of_business": "",
    "heat": None, "source_kind": None, "source_name": None, "timezone": None, "birthday": None, "priority": 0,
    "stage": "unsorted", "note": "", "fields": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (AddressKind.EMAIL, "Ivan@Example.COM", " mailto:ivan@example.com"),
        (AddressKind.EMAIL, "иван@почта.рф", "ИВАН@ПОЧТА.РФ"),
        (AddressKind.SITE, "https://www.Example.com/", "example.com"),
        (AddressKind.MESSENGER, "@Ivan", "https://t.me/ivan"),
        (AddressKind.POSTAL, "Казань,  ул. Баумана 1", "казань, ул. баумана 1"),
    ],
)
def test_an_address_written_two_ways_is_one(kind: AddressKind, one: str, other: str) -> None:
    assert read_address(kind, one).folded == read_address(kind, other).folded


@pytest.mark.parametrize(
    "text", ["", "ivan", "a@b", "a b@c.example", "a@b..example", "a@b.example, c@d.example", "@b.example"]
)
def test_what_is_no_mail_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        read_address(AddressKind.EMAIL, text)


@pytest.mark.parametrize(
    ("numbers", "zone"),
    [
        (["+74951234567"], "Europe/Moscow"),
        (["+73432345678"], "Asia/Yekaterinburg"),
        (["+48221234567"], "Europe/Warsaw"),
        (["+79161234567"], None),
        (["+79161234567", "+73432345678"], "Asia/Yekaterinburg"),
        (["+74951234567", "+73432345678"], None),
        ([], None),
        (["+999"], None),
    ],
)
def test_a_zone_is_proposed_only_where_the_numbers_leave_one(numbers: list[str], zone: str | None) -> None:
    """Requirement 115: right time zones by number; a Russian mobile has eleven, so none is guessed."""
    assert proposed_zone(numbers) == zone


@pytest.mark.parametrize("name", ["", "Moon/Base", "../etc/passwd", "/etc/passwd", "Europe/\0"])
def test_a_zone_that_nobody_knows_is_none(name: str) -> None:
    assert not is_zone(name)


def field(kind: FieldKind, **values: Any) -> CustomField:
    return CustomField(id=1, of=FieldOf.CONTACT, key="k", label="K", kind=kind, **values)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldKind.NUMBER, "1 234,5", 1234.5),
        (FieldKind.NUMBER, "-7", -7),
        (FieldKind.DATE, "29.02.2020", "2020-02-29"),
        (FieldKind.DATE, "2020-02-29", "2020-02-29"),
        (FieldKind.YES_NO, "Да", True),
        (FieldKind.YES_NO, "nie", False),
        (FieldKind.CHOICE, "тёплый", "Тёплый"),
        (FieldKind.TEXT, " x ", "x"),
        (FieldKind.TEXT, "  ", None),
    ],
)
def test_a_value_is_read_from_text(kind: FieldKind, text: str, value: object) -> None:
    assert read_text(field(kind, choices=("Тёплый",)), text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.NUMBER, "1e9"),
        (FieldKind.NUMBER, "nan"),
        (FieldKind.NUMBER, "²"),
        (FieldKind.DATE, "29.02.2021"),
        (FieldKind.DATE, "2021-2-1"),
        (FieldKind.YES_NO, "maybe"),
        (FieldKind.CHOICE, "горячий"),
        (FieldKind.TEXT, "x" * 2001),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_is_allowed(kind: FieldKind, text: str) -> None:
    with pytest.raises(FieldValueError, match="The field k holds"):
        read_text(field(kind, choices=("Тёплый",)), text)


@pytest.mark.parametrize("value", [True, float("inf"), float("nan"), 1e16, "7", None])
def test_a_number_is_a_number(value: object) -> None:
    _, faults = changed_values([field(FieldKind.NUMBER)], {"k": 1}, {"k": value})

    assert bool(faults) is (value is not None)


def test_a_required_field_is_missed_when_it_is_taken_away_and_not_when_another_is_changed() -> None:
    fields = [field(FieldKind.TEXT, required=True)]

    assert changed_values(fields, {}, {}, is_new=True)[1]
    assert not changed_values(fields, {}, {"k": "x"}, is_new=True)[1]
    assert changed_values(fields, {"k": "x"}, {"k": None})[1]
    assert not changed_values(fields, {"old": 1}, {})[1]


def test_a_merge_keeps_what_the_card_says_and_takes_what_it_lacks() -> None:
    kept = CARD | {"name": "Иван", "priority": 2, "note": "a", "fields": {"inn": "1", "vip": None}, "stage": "lead"}
    gone = CARD | {
        "name": "Ваня", "city": "Казань", "priority": 4, "note": "b", "owner_id": 7, "birthday": date(1980, 1, 1),
        "fields": {"inn": "2", "vip": True}, "stage": "client",
    }  # fmt: skip

    assert merged(kept, gone) == {
        "city": "Казань",
        "owner_id": 7,
        "birthday": date(1980, 1, 1),
        "priority": 4,
        "note": "a\n\nb",
        "fields": {"inn": "1", "vip": True},
    }
    assert merged(kept, kept) == {}
