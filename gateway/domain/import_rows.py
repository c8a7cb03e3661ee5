"""One row of a file, read: what a card would get from it, what was not understood, or why it is refused.

A `Recipe` says what the columns mean and how they are read; `RowReader` applies it. What comes out is plain JSON, for
it is made in a process of its own (`spreadsheets.worker`) and goes to the database in batches. Nothing is left out
without a word: each value that was not taken is a fault with its column, and a row without any way to its client is
refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, TypedDict

from gateway.domain.cards import AddressError, AddressKind, is_zone, read_address
from gateway.domain.import_cells import (
    CellFault,
    clean,
    is_nothing,
    read_date,
    read_emails,
    read_field,
    read_heat,
    read_numbers,
    read_priority,
    read_stage,
)
from gateway.domain.import_columns import FIELD, FieldKind, Target, phone_kind
from gateway.domain.phone import NumberPlan

NAME_LENGTH = 200
NOTE_LENGTH = 10_000
TEXT_LENGTH = 200
CELL_KEPT = 500
NUMBERS_A_ROW = 20
Fault = list[str]
"""Code, column's header, and the value."""


class ReadRow(TypedDict):
    """A row as it travels between processes."""

    line: int
    """Row of the file, as a spreadsheet counts: from 1."""
    name: str
    numbers: list[list[str]]
    """E.164, kind, label."""
    addresses: list[list[str]]
    """Kind, value, and the value folded for comparison."""
    organisation: str
    external: str
    values: dict[str, object]
    """Columns of the card; only those that have a value."""
    fields: dict[str, object]
    faults: list[Fault]
    refused: Fault | None
    cells: list[str]
    """The row as it stands in the file, where a fault is told; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a file is read."""

    targets: tuple[str, ...]
    """What each column becomes: a `Target`, or `field:` and the key of a custom field."""
    headers: tuple[str, ...]
    region: str
    area_code: str = ""
    own: tuple[str, ...] = ()
    """E.164 numbers that are ours."""
    day_first: bool = True
    strict: bool = False
    """Whether a row with a value that is not understood is refused."""
    need_contact: bool = True
    """Whether a row without number, e-mail address and identifier is refused."""
    people: tuple[tuple[str, int], ...] = ()
    """Logins and names, folded by `person_key`, with the user; a name that two have stands twice."""
    fields: tuple[FieldKind, ...] = ()
    latest: date = field(default=date(2100, 1, 1))
    """The present day: a two-digit year is not after it."""


def recipe_to_json(recipe: Recipe) -> dict[str, object]:
    """A recipe for another process."""
    return {**asdict(recipe), "latest": recipe.latest.isoformat()}


def recipe_from_json(said: Mapping[str, object]) -> Recipe:
    """A recipe from another process, which is ours: nothing is checked."""
    values: dict[str, Any] = dict(said)
    for name in ("targets", "headers", "own"):
        values[name] = tuple(values[name])
    values["latest"] = date.fromisoformat(values["latest"])
    values["people"] = tuple((name, id_) for name, id_ in values["people"])
    values["fields"] = tuple(FieldKind(**{**f, "choices": tuple(f["choices"])}) for f in values["fields"])
    return Recipe(**values)


def person_key(text: str) -> str:
    """A login or name as it is compared."""
    return " ".join(text.casefold().replace("ё", "е").split())


class RowReader:
    """Reads the rows of one file."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._plan = NumberPlan(region=recipe.region, area_code=recipe.area_code, own=frozenset(recipe.own))
        self._fields = {FIELD + f.key: f for f in recipe.fields}
        self._people: dict[str, set[int]] = {}
        for name, id_ in recipe.people:
            self._people.setdefault(name, set()).add(id_)
        headers = (*recipe.headers, *("" for _ in recipe.targets))
        self._columns = [
            (index, target, headers[index], phone_kind(headers[index]))
            for index, target in enumerate(recipe.targets)
            if target != Target.IGNORE
        ]

    def read(self, line: int, cells: Sequence[str], broken: str = "") -> ReadRow:
        """Read a row.

        Args:
            line: its place in the file.
            cells: as texts, in the order of the columns.
            broken: code of a fault of the row as a whole; empty: none.
        """
        row: ReadRow = {
            "line": line,
            "name": "",
            "numbers": [],
            "addresses": [],
            "organisation": "",
            "external": "",
            "values": {},
            "fields": {},
            "faults": [],
            "refused": None,
            "cells": [],
        }
        if broken:
            row["refused"] = [broken, "", ""]
        else:
            self._fill(row, cells)
        if row["faults"] or row["refused"]:
            row["cells"] = [clean(c, CELL_KEPT) for c in cells[: len(self._recipe.targets)]]
        return row

    def _fill(self, row: ReadRow, cells: Sequence[str]) -> None:
        name: list[str] = []
        for index, target, header, kind in self._columns:
            text = cells[index] if index < len(cells) else ""
            if is_nothing(text):
                continue
            if text[:1] == "'" and text[1:2] in _MARKED:
                text = text[1:]  # the mark that our own export puts before what a spreadsheet might take for a formula
            for fault in self._take(row, name, target, kind, text):
                row["faults"].append([fault.code, header or f"column {index + 1}", clean(fault.value, 80)])
        row["name"] = " ".join(name)[:NAME_LENGTH]
        if len(cells) > len(self._recipe.targets) and any(c.strip() for c in cells[len(self._recipe.targets) :]):
            row["faults"].append(["more_cells", "", ""])
        if len(row["numbers"]) > NUMBERS_A_ROW:
            row["faults"].append(["too_many_numbers", "", row["numbers"][NUMBERS_A_ROW][0]])
            del row["numbers"][NUMBERS_A_ROW:]
        row["refused"] = self._refusal(row)

    def _refusal(self, row: ReadRow) -> Fault | None:
        if self._recipe.strict and row["faults"]:
            return row["faults"][0]
        reached = row["numbers"] or row["external"] or any(kind == "email" for kind, *_ in row["addresses"])
        if reached or (not self._recipe.need_contact and (row["name"] or row["organisation"])):
            return None
        tried = [f for f in row["faults"] if f[0] in _WAYS_TO_A_CLIENT]
        return tried[0] if tried else ["no_contact", "", ""]

    def _take(self, row: ReadRow, name: list[str], target: str, kind: str, text: str) -> Sequence[CellFault]:
        """Put a cell where it belongs; what of it was not understood."""
        values = row["values"]
        match target:
            case Target.NAME | Target.LAST_NAME | Target.FIRST_NAME | Target.MIDDLE_NAME:
                name.append(clean(text, NAME_LENGTH))
            case Target.NUMBER:
                numbers, faults = read_numbers(text, self._plan)
                known = {n[0] for n in row["numbers"]}
                row["numbers"] += [[n.e164, kind, clean(n.label, 40)] for n in numbers if n.e164 not in known]
                return faults
            case Target.EMAIL:
                emails, faults = read_emails(text)
                return [*faults, *(f for e in emails for f in _take_address(row, AddressKind.EMAIL, e))]
            case Target.POSTAL | Target.SITE | Target.MESSENGER:
                return _take_address(row, AddressKind(target), clean(text, 500))
            case Target.ORGANISATION:
                row["organisation"] = clean(text, TEXT_LENGTH)
            case Target.EXTERNAL_ID:
                row["external"] = clean(text, TEXT_LENGTH)
            case Target.NOTE:
                values["note"] = f"{values.get('note', '')}\n{clean(text, NOTE_LENGTH, lines=True)}".strip()[
                    :NOTE_LENGTH
                ]
            case Target.CITY | Target.JOB_TITLE | Target.LINE_OF_BUSINESS:
                values[target] = clean(text, TEXT_LENGTH)
            case Target.SOURCE:
                values["source_name"] = clean(text, TEXT_LENGTH)
            case _:
                return self._take_known(row, target, text)
        return ()

    def _take_known(self, row: ReadRow, target: str, text: str) -> Sequence[CellFault]:
        """A cell whose value must be one of those we know."""
        if target in self._fields:
            return self._take_field(row, self._fields[target], text)
        column, found = ("owner_id" if target == Target.OWNER else target), self._known(target, text)
        if isinstance(found, CellFault):
            return [found]
        row["values"][column] = found
        return ()

    def _known(self, target: str, text: str) -> object | CellFault:
        match target:
            case Target.OWNER:
                return self._owner(text)
            case Target.PRIORITY:
                return read_priority(text)
            case Target.HEAT:
                return read_heat(text)
            case Target.STAGE:
                return read_stage(text)
            case Target.TIMEZONE:
                return _zone(text)
            case _:
                day = read_date(text, day_first=self._recipe.day_first, latest=self._recipe.latest)
                return day if isinstance(day, CellFault) else day.isoformat()

    def _take_field(self, row: ReadRow, field: FieldKind, text: str) -> Sequence[CellFault]:
        found = read_field(text, field, day_first=self._recipe.day_first, latest=self._recipe.latest)
        if isinstance(found, CellFault):
            return [found]
        row["fields"][field.key] = clean(found, 2000) if isinstance(found, str) else found
        return ()

    def _owner(self, text: str) -> int | CellFault:
        found = self._people.get(person_key(text), set())
        if len(found) == 1:
            return next(iter(found))
        return CellFault(code="owner_two" if found else "owner_unknown", value=text.strip()[:80])


_MARKED = frozenset("=+-@")
_WAYS_TO_A_CLIENT = frozenset({"number_not_understood", "digits_lost", "number_own", "email_not_understood"})


def _take_address(row: ReadRow, kind: AddressKind, text: str) -> Sequence[CellFault]:
    try:
        read = read_address(kind, text)
    except AddressError:
        return [
            CellFault(code="email_not_understood" if kind is AddressKind.EMAIL else "address_empty", value=text[:80])
        ]
    row["addresses"].append([kind, read.value, read.folded])
    return ()


def _zone(text: str) -> str | CellFault:
    name = text.strip()
    return name if is_zone(name) else CellFault(code="timezone_unknown", value=name[:80])
