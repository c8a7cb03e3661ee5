"""Which rows make cards and which join one: never two for one client, and nothing is guessed (requirement 116)."""

from gateway.domain.import_plan import Known, OnMatch, changes_of, plan_rows, tally, undone_values
from gateway.domain.import_rows import ReadRow, Recipe, RowReader

READER = RowReader(
    Recipe(
        targets=("name", "number", "email", "external_id", "city", "note"),
        headers=("Name", "Phone", "E-mail", "ID", "City", "Note"),
        region="RU",
    )
)


def rows(*lines: str) -> list[ReadRow]:
    """Rows of a file, cells between bars; the first is row 2."""
    return [READER.read(n, line.split("|")) for n, line in enumerate(lines, 2)]


def known(**numbers: int) -> Known:
    """Cards called Old by the last digits of their numbers."""
    by = {f"+7916000000{digit[1:]}": (card,) for digit, card in numbers.items()}
    return Known(numbers=by, emails={}, externals={}, names=dict.fromkeys(numbers.values(), "Old"))


def said(*lines: str, on: Known | None = None, on_match: OnMatch = OnMatch.FILL) -> list[tuple[str, int | None, str]]:
    """Verdict, card and reason of each row."""
    plan = plan_rows(rows(*lines), on or known(), on_match=on_match)
    return [(v.verdict.value, v.card, v.code or v.by) for v in plan.verdicts]


def test_a_client_who_stands_twice_in_a_file_is_one_card() -> None:
    assert said("A|89160000001", "B|+7 916 000-00-02", "A|9160000001") == [
        ("created", -2, ""),
        ("created", -3, ""),
        ("joined", -2, "number"),
    ]


def test_a_row_joins_by_identifier_then_number_then_address() -> None:
    on = known(n1=1, n2=2)
    on.emails["a@x.com"], on.externals["77"] = (3,), 2

    assert said("Old|89160000001|b@x.com", "Old|||77", "Old||a@x.com", "Old|89160000001||77", on=on) == [
        ("joined", 1, "number"),
        ("joined", 2, "external_id"),
        ("joined", 3, "email"),
        ("refused", None, "several_cards"),
    ]


def test_numbers_of_different_cards_in_one_row_are_refused() -> None:
    assert said("X|89160000001;89160000002", on=known(n1=1, n2=2)) == [("refused", None, "several_cards")]


def test_a_shared_number_is_joined_by_name_and_else_refused() -> None:
    on = known(n1=1)
    on.numbers["+79160000001"], on.names = (1, 5), {1: "Иванов", 5: "Петров"}

    assert said("петров|89160000001", "Сидоров|89160000001", on=on) == [
        ("joined", 5, "number"),
        ("refused", None, "shared_number"),
    ]


def test_rows_of_known_clients_can_be_left_out() -> None:
    assert said("X|89160000001", on=known(n1=1), on_match=OnMatch.SKIP) == [("refused", 1, "card_exists")]


def test_a_row_without_any_way_to_its_client_is_refused_with_the_value_at_fault() -> None:
    plan = plan_rows(rows("A|нет", "B|12", "C||no address"), known(), on_match=OnMatch.FILL)

    assert [(v.code, v.column) for v in plan.verdicts] == [
        ("no_contact", ""),
        ("number_not_understood", "Phone"),
        ("email_not_understood", "E-mail"),
    ]
    assert tally(plan.verdicts) == {"created": 0, "joined": 0, "refused": 3, "told": 0}


CARD = {
    "name": "Old",
    "owner_id": None,
    "organisation_id": None,
    "job_title": "",
    "city": "Omsk",
    "line_of_business": "",
    "priority": 0,
    "heat": None,
    "stage": "unsorted",
    "source_kind": None,
    "source_name": None,
    "timezone": None,
    "birthday": None,
    "note": "known",
    "fields": {"a": 1},
}


def test_filling_adds_what_is_missing_and_overwriting_takes_the_row() -> None:
    plan = plan_rows(rows("New|89160000001|||Tver|more"), known(n1=1), on_match=OnMatch.FILL)
    content = plan.joined[1]

    assert changes_of(CARD, content, 9, overwrite=False) == {"organisation_id": 9, "note": "known\nmore"}
    assert changes_of(CARD, content, None, overwrite=True) == {"name": "New", "city": "Tver", "note": "known\nmore"}


def test_an_undo_gives_back_what_nobody_changed_since() -> None:
    before, after = {"city": "", "note": "", "fields": {}}, {"city": "Omsk", "note": "n", "fields": {"a": 1}}
    card = {**CARD, "note": "a person wrote this", "fields": {"a": 1, "b": 2}}

    assert undone_values(card, before, after, forced=False) == ({"city": "", "fields": {"b": 2}}, ["note"])
    assert undone_values(card, before, after, forced=True)[0]["note"] == ""
