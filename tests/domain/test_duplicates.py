"""Which cards are proposed as one person: the pairs on which the thresholds were measured, and what they share."""

from datetime import date

import pytest

from gateway.domain.duplicates import (
    NEAR_AMONG_COLLEAGUES,
    NEAR_IN_A_CITY,
    Likeness,
    Reason,
    compare,
    similarity,
)

ONE_PERSON = [
    ("Иван Петров", "Петров Иван"),
    ("Иван Петров", "Петров Иван Сергеевич"),
    ("Пётр Иванов", "Petr Ivanov"),
    ("Иванов Пётр", "ИВАНОВ ПЕТР"),
    ("Екатерина Щукина", "Ekaterina Shchukina"),
    ("Сергей Ковалёв", "Сергей Ковалев (склад)"),
    ("Александр Соколов", "Алексндр Соколов"),
    ("Наталья Смирнова", "Наталия Смирнова"),
    ("Jan Kowalski", "Jan Kowalsky"),
    ("Łukasz Nowak", "Lukasz Nowak"),
    ("Dorota Maj", "Maj, Dorota"),
]
TWO_PERSONS = [
    ("Иван Иванов", "Иван Сидоров"),
    ("Ольга Иванова", "Анна Иванова"),
    ("Иван Петров", "Иван Петренко"),
    ("Пётр Иванов", "Иван Петров"),
    ("Александр Соколов", "Алексей Соколов"),
    ("Мария Попова", "Марина Попова"),
    ("Сергей Ковалёв", "Сергей Коваленко"),
    ("Jan Kowalski", "Anna Kowalska"),
    ("Dorota Maj", "Dorota Mak"),
]


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_a_name_written_two_ways_is_near_enough_in_a_city(one: str, other: str) -> None:
    assert similarity(one, other) >= NEAR_IN_A_CITY


@pytest.mark.parametrize(("one", "other"), TWO_PERSONS)
def test_names_that_are_only_alike_are_not(one: str, other: str) -> None:
    assert similarity(one, other) < NEAR_IN_A_CITY


def test_most_of_the_like_names_are_no_proposal_among_colleagues_either() -> None:
    assert sum(similarity(*pair) >= NEAR_AMONG_COLLEAGUES for pair in TWO_PERSONS) <= 2


def test_a_shared_number_with_one_name_is_surer_than_with_two() -> None:
    caller = Likeness(id=1, name="Иван Петров", numbers=["+79165550011"])
    same = compare(caller, Likeness(id=2, name="Петров Иван", numbers=["+79165550011"]))
    colleague = compare(caller, Likeness(id=2, name="Ольга Щукина", numbers=["+79165550011"]))
    nameless = compare(caller, Likeness(id=2, name="", numbers=["+79165550011"]))

    assert same is not None
    assert colleague is not None
    assert nameless is not None
    assert same.score > nameless.score > colleague.score
    assert same.reasons == (Reason.NUMBER, Reason.NAME)


def test_one_mail_address_is_a_reason() -> None:
    found = compare(Likeness(id=9, name="", emails=["a@b.example"]), Likeness(id=4, name="x", emails=["a@b.example"]))

    assert found is not None
    assert (found.one, found.other, found.reasons) == (4, 9, (Reason.EMAIL,))


@pytest.mark.parametrize(
    ("around", "proposed"),
    [
        ({"city": "Казань"}, True),
        ({"organisation_id": 3}, True),
        ({"birthday": date(1980, 2, 29)}, True),
        ({}, False),
    ],
)
def test_a_name_alone_is_no_reason_but_near_something_it_is(around: dict[str, object], proposed: bool) -> None:
    one = Likeness(id=1, name="Иван Петров", **around)  # type: ignore[arg-type]
    other = Likeness(id=2, name="Петров Иван", **around)  # type: ignore[arg-type]

    assert (compare(one, other) is not None) is proposed


def test_a_first_name_in_one_city_is_no_proposal() -> None:
    assert compare(Likeness(id=1, name="Иван", city="Казань"), Likeness(id=2, name="Иван", city="Казань")) is None


def test_names_without_letters_are_near_nothing() -> None:
    assert similarity("---", "---") == similarity("", "Иван") == 0.0
