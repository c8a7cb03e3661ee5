"""What a report is: lines of named figures, each beside the one of the period before, with where it opens into rows.

Every report has this one shape, so that the screen, the file and the letter show the same numbers. Shares and means
are computed here from the figures that are counted, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from gateway.domain.periods import Period
from gateway.domain.trends import Verdict, verdict

Figures = Mapping[str, float]
"""Counted figures by name; what is left out is zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure."""

    value: float | None
    """None: there is nothing to divide by."""
    before: float | None = None
    """In the period before; None: not compared, or nothing to divide by."""
    rows: str | None = None
    """Address of what it counts; None: it is computed from figures that open."""
    percent: float | None = None
    """How much it moved, of the one before."""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person, channel, hour or point in time."""

    key: Mapping[str, str | int | None]
    name: str
    cells: Mapping[str, Cell]
    place: int | None = None
    """In a rating; those who are equal share one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A report."""

    report: str
    period: Period
    before: Period | None
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    total: Line | None = None
    """Of all together, counted and not added up."""
    medians: Mapping[str, float] = field(default_factory=dict)


def cell(figure: str, value: float | None, before: float | None = None, rows: str | None = None) -> Cell:
    """A figure with how it moved.

    Args:
        figure: its name, which says what is good.
        value: of the period.
        before: of the period before; None: it is not compared.
        rows: address of what it counts.
    """
    if value is None or before is None:
        return Cell(value=value, before=before, rows=rows)
    return Cell(
        value=value,
        before=before,
        rows=rows,
        percent=round((value - before) / abs(before) * 100, 1) if before else None,
        verdict=verdict(figure, round(value - before, 6)),
    )


def ratio(part: float, whole: float, digits: int = 4) -> float | None:
    """A share or a mean; None: nothing to divide by."""
    return round(part / whole, digits) if whole else None


def derived(figures: Figures) -> dict[str, float | None]:
    """Counted figures with the shares and means that follow from them."""
    of = figures.get
    found: dict[str, float | None] = dict(figures)
    if "missed" in figures:
        found["missed_share"] = ratio(of("missed", 0), of("calls_in", of("calls", 0)))
    if "answered" in figures and "wait_seconds" in figures:
        found["average_talk_seconds"] = ratio(of("talk_seconds", 0), of("answered", 0), 1)
    if "wait_answered_seconds" in figures:
        found["average_wait_seconds"] = ratio(of("wait_answered_seconds", 0), of("answered", 0), 1)
    if "numbers_long" in figures and "numbers" in figures:
        found["long_share"] = ratio(of("numbers_long", 0), of("numbers", 0))
    if "working_seconds" in figures:
        found["talk_share"] = ratio(of("talk_seconds", 0), of("working_seconds", 0))
    if "available_seconds" in figures:
        at_work = of("talking_seconds", 0) + of("available_seconds", 0) + of("after_call_seconds", 0)
        found["occupancy"] = ratio(of("talking_seconds", 0), at_work) if of("available_seconds", 0) else None
    if "tasks_due" in figures:
        found["overdue_share"] = ratio(of("tasks_overdue", 0), of("tasks_due", 0))
    return found


def cells(
    columns: Iterable[str],
    now: Mapping[str, float | None],
    before: Mapping[str, float | None] | None,
    rows: Mapping[str, str],
) -> dict[str, Cell]:
    """The cells of a line.

    Args:
        columns: which figures.
        now: figures of the period; what is left out is zero.
        before: of the period before; None: not compared.
        rows: addresses, by figure.
    """
    found = {}
    for name in columns:
        nothing = None if name.partition(".")[0] in _DIVIDED else 0.0
        earlier = None if before is None else before.get(name, nothing)
        found[name] = cell(name, now.get(name, nothing), earlier, rows.get(name))
    return found


_DIVIDED = frozenset(
    {
        "missed_share",
        "average_talk_seconds",
        "average_wait_seconds",
        "long_share",
        "overdue_share",
        "talk_share",
        "occupancy",
        "cost_per_lead",
        "cost_per_answered",
    }
)


def ranked(lines: Iterable[Line], by: str, *, least_first: bool = False) -> tuple[Line, ...]:
    """Lines in the order of a figure, with their places; who has no such figure comes last, without one."""

    def size(line: Line) -> float:
        value = line.cells[by].value
        return 0.0 if value is None else -value if not least_first else value

    having = sorted((x for x in lines if x.cells[by].value is not None), key=lambda x: (size(x), x.name))
    lacking = [x for x in lines if x.cells[by].value is None]
    placed: list[Line] = []
    for number, line in enumerate(having, 1):
        same = placed and placed[-1].cells[by].value == line.cells[by].value
        placed.append(replace(line, place=placed[-1].place if same else number))
    return (*placed, *lacking)


def medians(lines: Sequence[Line], columns: Iterable[str]) -> dict[str, float]:
    """The middle of each figure."""
    found = {}
    for name in columns:
        values = [line.cells[name].value for line in lines]
        known = [value for value in values if value is not None]
        if known:
            found[name] = float(median(known))
    return found
