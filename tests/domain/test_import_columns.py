"""What columns are taken for, by their headers in three languages and by what stands below (requirement 117)."""

import pytest

from gateway.domain.import_columns import FieldKind, Target, column_of, is_header, phone_kind, propose

NUMBERS = ("8 (495) 123-45-67", "+7 916 765-43-21")


def targets(*columns: tuple[str, tuple[str, ...]], fields: tuple[FieldKind, ...] = ()) -> list[str]:
    """The proposal for columns of header and cells."""
    return [p.target for p in propose([column_of(n, h, c) for n, (h, c) in enumerate(columns)], fields)]


@pytest.mark.parametrize(
    ("heads", "wanted"),
    [
        (
            ("ФИО", "Телефон", "Моб. телефон", "Эл. почта", "Название организации", "Город", "Ответственный менеджер"),
            ("name", "number", "number", "email", "organisation", "city", "owner"),
        ),
        (
            ("First Name", "Last Name", "Mobile Phone", "E-mail Address", "Company", "Job Title", "Date of Birth"),
            ("first_name", "last_name", "number", "email", "organisation", "job_title", "birthday"),
        ),
        (
            ("Imię i nazwisko", "Numer telefonu", "Adres e-mail", "Nazwa firmy", "Miejscowość", "Opiekun", "Uwagi"),
            ("name", "number", "email", "organisation", "city", "owner", "note"),
        ),
    ],
)
def test_headers_of_three_languages_are_known(heads: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    assert targets(*((head, ()) for head in heads)) == list(wanted)


def test_content_speaks_where_there_is_no_header() -> None:
    found = targets(("", ("a@x.com", "b@y.pl")), ("", NUMBERS), ("", ("Иванов Иван", "Петров Пётр")), ("", ("a", "b")))

    assert found == [Target.EMAIL, Target.NUMBER, Target.NAME, Target.IGNORE]


def test_content_overrules_a_header_only_without_a_doubt() -> None:
    assert targets(("Контакт", ("a@x.com", "b@y.pl")), ("Номер", ("1", "2"))) == [Target.EMAIL, Target.IGNORE]


def test_a_target_that_a_card_has_once_is_proposed_once() -> None:
    assert targets(("City", ("Omsk",)), ("Город", ("Тверь",)), ("Phone", NUMBERS), ("Phone 2", NUMBERS)) == [
        Target.CITY,
        Target.IGNORE,
        Target.NUMBER,
        Target.NUMBER,
    ]


def test_a_field_of_the_sites_own_is_found_by_its_label() -> None:
    assert targets(("Договор №", ("1",)), fields=(FieldKind(key="contract", label="Договор", kind="text"),)) == [
        "field:contract"
    ]


def test_a_row_of_clients_is_no_header() -> None:
    assert is_header(["Имя", "Телефон"], [])
    assert not is_header(["Иванов", "89161234567"], [["Петров", "89161234568"]])
    assert is_header(["Кто", "Куда"], [["Петров", "89161234568"], ["Иванов", "89161234567"]])


def test_the_kind_of_a_number_comes_from_its_header() -> None:
    kinds = [phone_kind(head) for head in ("Моб. телефон", "Рабочий", "Home", "Faks", "Телефон")]

    assert kinds == ["mobile", "work", "home", "fax", "phone"]
