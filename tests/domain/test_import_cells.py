"""Cells of a list of clients as people, Excel and other programs write them (requirements 112, 113, 115)."""

from datetime import date

import pytest

from gateway.domain.import_cells import CellFault, read_date, read_emails, read_field, read_numbers
from gateway.domain.import_columns import FieldKind
from gateway.domain.phone import NumberPlan

MOSCOW = NumberPlan(region="RU", area_code="495", own=frozenset({"+74950000000"}))
WARSAW = NumberPlan(region="PL")
DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("8 (495) 123-45-67 доб. 12", ["+74951234567 ext. 12"]),
        ("8 (495) 123-45-67, доб.12; моб. 8 916 123 45 67", ["+74951234567 ext. 12", "+79161234567 моб"]),
        ("123-45-67", ["+74951234567"]),
        ("9161234567", ["+79161234567"]),
        ("7.4951234567E10", ["+74951234567"]),
        ("7,4951234567E+10", ["+74951234567"]),
        ("74951234567.0", ["+74951234567"]),
        ('="+74951234567"', ["+74951234567"]),
        ("'+74951234567", ["+74951234567"]),
        ("89161234567 89167654321", ["+79161234567", "+79167654321"]),
        ("8-916-123-45-67/8-916-123-45-68", ["+79161234567", "+79161234568"]),
        ("+7 (495) 123–45–67", ["+74951234567"]),
        ("8 916 123-45-67 и +7 916 123 45 67", ["+79161234567"]),
        ("+44 20 7946 0958 x12", ["+442079460958 ext. 12"]),
        ("00 48 501 234 567 (Jan)", ["+48501234567 Jan"]),
    ],
)
def test_every_number_of_a_cell_becomes_international_with_its_label(cell: str, numbers: list[str]) -> None:
    found, faults = read_numbers(cell, MOSCOW)

    assert ([f"{n.e164} {n.label}".strip() for n in found], faults) == (numbers, [])


@pytest.mark.parametrize("cell", ["501 234 567", "48501234567", "tel. 501-234-567", "0048501234567"])
def test_a_polish_list_is_read_by_its_region(cell: str) -> None:
    assert [n.e164 for n in read_numbers(cell, WARSAW)[0]] == ["+48501234567"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("7,49512E+10", "digits_lost"),
        ("4.8501E+10", "digits_lost"),
        ("позвонить", "number_not_understood"),
        ("12", "number_not_understood"),
        ("8 495 000 00 00", "number_own"),
        ("+7 916 123-45-6", "number_not_understood"),
    ],
)
def test_what_is_no_number_is_told_and_never_guessed(cell: str, code: str) -> None:
    found, faults = read_numbers(cell, MOSCOW)

    assert (found, [f.code for f in faults]) == ([], [code])


def test_several_addresses_of_a_cell_are_found() -> None:
    assert read_emails("a@Example.com; Jan <jan@firma.pl>")[0] == ["a@example.com", "jan@firma.pl"]
    assert read_emails("no address")[1][0].code == "email_not_understood"


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("31.12.1980", date(1980, 12, 31)),
        ("1980-12-31 00:00:00", date(1980, 12, 31)),
        ("12/31/1980", date(1980, 12, 31)),
        ("02/03/99", date(1999, 3, 2)),
        ("02.03.26", date(2026, 3, 2)),
        ("29586", date(1980, 12, 31)),
        ("29.02.2000", date(2000, 2, 29)),
        ("29.02.2001", None),
        ("32.13.1999", None),
        ("yesterday", None),
    ],
)
def test_dates_are_read_as_people_and_excel_write_them(cell: str, day: date | None) -> None:
    found = read_date(cell, day_first=True, latest=DAY)

    assert (None if isinstance(found, CellFault) else found) == day


def test_month_first_is_read_where_the_file_says_so() -> None:
    assert read_date("02/03/1999", day_first=False, latest=DAY) == date(1999, 2, 3)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("number", "1 234,50", 1234.5),
        ("number", "1.234.567,8", 1234567.8),
        ("number", "-7", -7),
        ("yes_no", "Да", True),
        ("yes_no", "nie", False),
        ("choice", "ЗОЛОТОЙ", "Золотой"),
        ("date", "1.2.2020", "2020-02-01"),
        ("text", " x ", "x"),
    ],
)
def test_fields_of_the_sites_own_are_read(kind: str, cell: str, value: object) -> None:
    field = FieldKind(key="k", label="K", kind=kind, choices=("Золотой", "Серебряный"))

    assert read_field(cell, field, day_first=True, latest=DAY) == value


@pytest.mark.parametrize(("kind", "cell"), [("number", "many"), ("number", "1e999"), ("yes_no", "?"), ("choice", "x")])
def test_a_value_that_a_field_cannot_hold_is_told(kind: str, cell: str) -> None:
    field = FieldKind(key="k", label="K", kind=kind, choices=("a",))

    assert isinstance(read_field(cell, field, day_first=True, latest=DAY), CellFault)
