"""Which rows make cards and which join one: the rule of an import, over a batch of rows and the cards already there.

A row belongs to the card that has its identifier, else one of its numbers, else (where no number is known) its e-mail
address. Numbers of different cards in one row, or a number that several persons share with none of that name, are
refused: a choice is offered and nothing is guessed. Rows of one file meet each other by the same rule, in their order,
so a file that has a client twice makes one card. A dry run takes the same way; its cards are numbered by their rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.import_rows import Fault, ReadRow, person_key


class OnMatch(StrEnum):
    """What a row does to a card that is there."""

    FILL = "fill"
    """Adds what the card lacks; what it has stays."""
    OVERWRITE = "overwrite"
    """What the row has takes the place of what the card had."""
    SKIP = "skip"
    """Nothing: the row is refused, with the card named."""


class Verdict(StrEnum):
    """What became of a row."""

    CREATED = "created"
    JOINED = "joined"
    REFUSED = "refused"


class By(StrEnum):
    """Why a row belongs to a card."""

    EXTERNAL_ID = "external_id"
    NUMBER = "number"
    EMAIL = "email"


@dataclass(slots=True, kw_only=True)
class Known:
    """Cards found by what the rows of a batch have; the planner adds those it makes."""

    numbers: dict[str, tuple[int, ...]]
    """Cards by E.164."""
    emails: dict[str, tuple[int, ...]]
    externals: dict[str, int]
    names: dict[int, str]
    """Names of these cards."""
    lines: dict[int, int] = field(default_factory=dict)
    """Rows of this file that made a card, by the card."""


@dataclass(slots=True, kw_only=True)
class Content:
    """What a card gets from one or several rows."""

    line: int
    """The first of them."""
    name: str = ""
    values: dict[str, object] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=dict)
    numbers: dict[str, list[str]] = field(default_factory=dict)
    """Kind and label by E.164."""
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    """Value by kind and folded value."""
    organisation: str = ""
    external: str = ""

    def take(self, row: ReadRow, *, overwrite: bool) -> None:
        """Add a row."""
        self.name = _chosen(self.name, row["name"], overwrite)
        self.organisation = _chosen(self.organisation, row["organisation"], overwrite)
        self.external = _chosen(self.external, row["external"], overwrite)
        note = _joined_notes(self.values.get("note"), row["values"].get("note"))
        self.values = self.values | row["values"] if overwrite else row["values"] | self.values
        if note:
            self.values["note"] = note
        self.fields = self.fields | row["fields"] if overwrite else row["fields"] | self.fields
        for e164, kind, label in row["numbers"]:
            self.numbers.setdefault(e164, [kind, label])
        for kind, value, folded in row["addresses"]:
            self.addresses.setdefault((kind, folded), value)


def _chosen(first: str, later: str, overwrite: bool) -> str:
    return (later or first) if overwrite else (first or later)


def _joined_notes(first: object, later: object) -> str:
    notes = [str(n) for n in (first, later) if n]
    return notes[0] if len(notes) == 2 and notes[1] in notes[0] else "\n".join(notes)[:10_000]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVerdict:
    """What became of one row."""

    line: int
    verdict: Verdict
    card: int | None
    """Below 0: a card that the plan makes, the row's number negated."""
    by: str = ""
    """A `By`, for a joined row."""
    value: str = ""
    """The number, address or identifier that it shares with the card; for a refusal the value at fault."""
    code: str = ""
    """Why it is refused."""
    column: str = ""
    twin: int | None = None
    """The row of this file that made the card; None: the card was there before."""
    faults: tuple[Fault, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be written for a batch."""

    made: dict[int, Content] = field(default_factory=dict)
    """New cards, by the first row's number negated."""
    joined: dict[int, Content] = field(default_factory=dict)
    """What cards that are there get."""
    verdicts: list[RowVerdict] = field(default_factory=list)


def plan_rows(rows: Sequence[ReadRow], known: Known, *, on_match: OnMatch, use_emails: bool = True) -> Plan:
    """Decide what becomes of each row, in their order.

    Args:
        rows: a batch.
        known: the cards that have any of its numbers, addresses or identifiers; changed as cards are planned.
        on_match: what a row does to a card that is there.
        use_emails: whether a row may belong to a card by its e-mail address.
    """
    plan = Plan()
    for row in rows:
        verdict = _decided(row, known, use_emails=use_emails)
        if verdict.verdict is Verdict.JOINED and on_match is OnMatch.SKIP:
            verdict = _refused(row, "card_exists", verdict.value, card=verdict.card, twin=verdict.twin)
        if verdict.verdict is Verdict.JOINED and verdict.card is not None:
            verdict = _named(verdict, row, known, on_match)
        plan.verdicts.append(verdict)
        _write(plan, row, verdict, known, overwrite=on_match is OnMatch.OVERWRITE)
    return plan


def _decided(row: ReadRow, known: Known, *, use_emails: bool) -> RowVerdict:
    if row["refused"]:
        code, column, value = row["refused"]
        return _refused(row, code, value, column=column)
    by, value, cards = _candidates(row, known, use_emails=use_emails)
    if cards is None:
        return _refused(row, "several_cards", value)
    if len(cards) > 1:
        same = [c for c in cards if row["name"] and person_key(known.names.get(c, "")) == person_key(row["name"])]
        if len(same) != 1:
            return _refused(row, "shared_number", value)
        cards = set(same)
    if not cards:
        return _verdict(row, Verdict.CREATED, card=-row["line"])
    card = next(iter(cards))
    return _verdict(row, Verdict.JOINED, card=card, by=by, value=value, twin=known.lines.get(card))


def _candidates(row: ReadRow, known: Known, *, use_emails: bool) -> tuple[str, str, set[int] | None]:
    """Why, the value, and the cards the row may belong to; None: its values belong to different ones."""
    external = row["external"]
    if external and external in known.externals:
        card = known.externals[external]
        for number, *_ in row["numbers"]:
            if (others := known.numbers.get(number)) and card not in others:
                return By.EXTERNAL_ID, number, None
        return By.EXTERNAL_ID, external, {card}
    found = _common((number, known.numbers.get(number, ())) for number, *_ in row["numbers"])
    if found[1] is None or found[1]:
        return By.NUMBER, *found
    if not use_emails:
        return "", "", set()
    emails = (folded for kind, _, folded in row["addresses"] if kind == "email")
    return By.EMAIL, *_common((email, known.emails.get(email, ())) for email in emails)


def _common(found: Iterable[tuple[str, tuple[int, ...]]]) -> tuple[str, set[int] | None]:
    """The cards that all known values have in common, with the first known value; None: there are none."""
    first, common = "", set[int]()
    for value, cards in found:
        if not cards:
            continue
        if first and not common & set(cards):
            return value, None
        common = common & set(cards) if first else set(cards)
        first = first or value
    return first, common


def _verdict(
    row: ReadRow, verdict: Verdict, *, card: int | None, by: str = "", value: str = "", twin: int | None = None
) -> RowVerdict:
    return RowVerdict(
        line=row["line"],
        verdict=verdict,
        card=card,
        by=by,
        value=value,
        twin=twin,
        faults=tuple(row["faults"]),
        cells=tuple(row["cells"]),
    )


def _refused(
    row: ReadRow, code: str, value: str, *, column: str = "", card: int | None = None, twin: int | None = None
) -> RowVerdict:
    return RowVerdict(
        line=row["line"],
        verdict=Verdict.REFUSED,
        card=card,
        value=value,
        code=code,
        column=column,
        twin=twin,
        faults=tuple(row["faults"]),
        cells=tuple(row["cells"]),
    )


def _named(verdict: RowVerdict, row: ReadRow, known: Known, on_match: OnMatch) -> RowVerdict:
    """Say so where the card bears another name than the row."""
    assert verdict.card is not None
    name = known.names.get(verdict.card, "")
    if on_match is OnMatch.OVERWRITE or not name or not row["name"] or person_key(name) == person_key(row["name"]):
        return verdict
    told: Fault = ["name_differs", "", row["name"][:80]]
    return RowVerdict(
        line=verdict.line,
        verdict=verdict.verdict,
        card=verdict.card,
        by=verdict.by,
        value=verdict.value,
        twin=verdict.twin,
        faults=(*verdict.faults, told),
        cells=verdict.cells,
    )


def _write(plan: Plan, row: ReadRow, verdict: RowVerdict, known: Known, *, overwrite: bool) -> None:
    """Put the row where its verdict says, and let the rows behind it know."""
    card = verdict.card
    if card is None or verdict.verdict is Verdict.REFUSED:
        return
    # A dry run knows cards of earlier batches by negative numbers too: those are joined like any other.
    contents = plan.made if verdict.verdict is Verdict.CREATED or card in plan.made else plan.joined
    contents.setdefault(card, Content(line=row["line"])).take(row, overwrite=overwrite)
    _learn(known, row, card, made=verdict.verdict is Verdict.CREATED)


def _learn(known: Known, row: ReadRow, card: int, *, made: bool) -> None:
    for number, *_ in row["numbers"]:
        known.numbers[number] = known.numbers.get(number) or (card,)
    for kind, _, folded in row["addresses"]:
        if kind == "email" and card not in known.emails.get(folded, ()):
            known.emails[folded] = (*known.emails.get(folded, ()), card)
    if row["external"]:
        known.externals.setdefault(row["external"], card)
    if made:
        known.lines[card] = row["line"]
    if made or not known.names.get(card):
        known.names[card] = row["name"]


def tally(verdicts: Iterable[RowVerdict]) -> Mapping[str, int]:
    """Rows by verdict, and those of which something was left out (`told`)."""
    counts = {Verdict.CREATED.value: 0, Verdict.JOINED.value: 0, Verdict.REFUSED.value: 0, "told": 0}
    for verdict in verdicts:
        counts[verdict.verdict] += 1
        counts["told"] += bool(verdict.faults) and verdict.verdict is not Verdict.REFUSED
    return counts


KEPT_COLUMNS = (
    "name",
    "owner_id",
    "organisation_id",
    "job_title",
    "city",
    "line_of_business",
    "priority",
    "heat",
    "stage",
    "source_kind",
    "source_name",
    "timezone",
    "birthday",
    "note",
    "fields",
)
"""Columns of a card that an import may change."""
_EMPTY: tuple[object, ...] = (None, "", 0, "unsorted")


def changes_of(
    card: Mapping[str, object], content: Content, organisation: int | None, *, overwrite: bool
) -> dict[str, object]:
    """The columns of a card that change when it gets a content.

    Args:
        card: its columns as they are, by the names in `KEPT_COLUMNS`.
        content: what it gets.
        organisation: the content's organisation; None: it names none.
        overwrite: whether what the content has goes before what the card has.
    """
    given = {**content.values, "name": content.name, "organisation_id": organisation}
    changes: dict[str, object] = {
        column: value
        for column, value in given.items()
        if value not in _EMPTY and column != "note" and (overwrite or card[column] in _EMPTY) and value != card[column]
    }
    note = _joined_notes(card["note"], content.values.get("note"))
    if note != (card["note"] or ""):
        changes["note"] = note
    before: Mapping[str, object] = card["fields"] or {}  # type: ignore[assignment]
    fields = {**before, **content.fields} if overwrite else {**content.fields, **before}
    if fields != before:
        changes["fields"] = fields
    return changes


def undone_values(
    card: Mapping[str, object], before: Mapping[str, object], after: Mapping[str, object], *, forced: bool
) -> tuple[dict[str, object], list[str]]:
    """The values that go back when an import is undone, and the columns that stay since somebody changed them.

    Args:
        card: its columns as they are.
        before: the columns that the import changed, as they were.
        after: as the import left them.
        forced: whether what was changed since goes back too.
    """
    back: dict[str, object] = {}
    kept: list[str] = []
    for column, value in before.items():
        if column == "fields":
            fields, stay = _undone_fields(card[column], value, after[column], forced=forced)
            if fields != card[column]:
                back[column] = fields
            kept += [f"fields.{key}" for key in stay]
        elif forced or card[column] == after[column]:
            back[column] = value
        else:
            kept.append(column)
    return back, kept


def _undone_fields(
    present: object, before: object, after: object, *, forced: bool
) -> tuple[dict[str, object], list[str]]:
    now, was, became = (dict(values) if isinstance(values, Mapping) else {} for values in (present, before, after))
    kept = []
    for key in became.keys() | was.keys():
        if was.get(key) == became.get(key):
            continue
        if not forced and now.get(key) != became.get(key):
            kept.append(key)
        elif key in was:
            now[key] = was[key]
        else:
            now.pop(key, None)
    return now, sorted(kept)
