"""Whether a figure moved to the good or to the bad side, and by how much; and where somebody lags behind his team.

Not every rise is good: more missed calls are worse, more calls in are neither. Which direction is the good one stands
here, once for every figure of docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

GOOD_WHEN: Mapping[str, int] = {
    "calls": 0,
    "calls_out": 1,
    "answered": 1,
    "missed": -1,
    "missed_share": -1,
    "not_taken": -1,
    "lost": -1,
    "talk_seconds": 1,
    "wait_seconds": -1,
    "average_wait_seconds": -1,
    "average_talk_seconds": 0,
    "calls_long": 1,
    "numbers": 1,
    "numbers_long": 1,
    "long_share": 1,
    "goals_reached": 1,
    "touches": 1,
    "tasks_done": 1,
    "tasks_in_time": 1,
    "tasks_failed": -1,
    "tasks_overdue": -1,
    "tasks_due": 0,
    "talk_share": 1,
    "calls_in": 0,
    "overdue_share": -1,
    "leads": 1,
    "spend": 0,
    "cost_per_lead": -1,
    "cost_per_answered": -1,
    "available_seconds": 0,
    "talking_seconds": 0,
    "after_call_seconds": 0,
    "break_seconds": 0,
    "off_seconds": 0,
    "occupancy": 0,
}
"""1: more is better; -1: less is; 0: neither."""


class Verdict(StrEnum):
    """Which side a figure moved to."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure beside the one before."""

    now: float
    before: float
    percent: float | None
    """Of the figure before; None: it was nothing."""
    verdict: Verdict


def change(figure: str, now: float, before: float) -> Change:
    """How a figure moved.

    Args:
        figure: its name; one that is not known is neither good nor bad.
        now: in the period.
        before: in the period before.
    """
    return Change(
        now=now,
        before=before,
        percent=round((now - before) / abs(before) * 100, 1) if before else None,
        verdict=verdict(figure, now - before),
    )


def verdict(figure: str, difference: float) -> Verdict:
    """Which side a difference is on."""
    if difference == 0:
        return Verdict.SAME
    good = GOOD_WHEN.get(figure.partition(".")[0], 0)
    if good == 0:
        return Verdict.NEUTRAL
    return Verdict.GOOD if (difference > 0) == (good > 0) else Verdict.BAD


def slope(values: Sequence[float]) -> float:
    """How much a figure gains from point to point, by least squares; 0 for fewer than two points."""
    n = len(values)
    if n < 2:
        return 0.0
    middle, mean = (n - 1) / 2, sum(values) / n
    across = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    return across / sum((place - middle) ** 2 for place in range(n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A figure in which somebody is worse than the middle of his colleagues."""

    figure: str
    value: float
    median: float
    percent: float
    """How far from the median, of the median."""
    place: int
    """1: the best of them."""
    of: int


LAG = 0.2
"""A figure is a problem from a fifth worse than the median on; less is chance."""
COLLEAGUES_MIN = 2
"""With fewer to compare with, there is no middle."""


def problem_spots(person: int, figures: Mapping[int, Mapping[str, float | None]]) -> list[Spot]:
    """Where somebody is worse than the median of his colleagues, the worst first.

    Args:
        person: whose spots.
        figures: of everybody in the team, himself among them, by user and figure; None: he has no such figure.
    """
    found = []
    for figure, value in figures.get(person, {}).items():
        good = GOOD_WHEN.get(figure, 0)
        others = [o[figure] for who, o in figures.items() if who != person and o.get(figure) is not None]
        known = [float(other) for other in others if other is not None]
        if value is None or good == 0 or len(known) < COLLEAGUES_MIN:
            continue
        spot = _spot(figure, value, known, good)
        if spot is not None:
            found.append(spot)
    return sorted(found, key=lambda spot: -abs(spot.percent))


def _spot(figure: str, value: float, others: Sequence[float], good: int) -> Spot | None:
    middle = median(others)
    worse = (middle - value) * good
    if worse <= 0 or worse < LAG * abs(middle) - 1e-9:
        return None
    better = sum((other - value) * good > 0 for other in others)
    percent = (value - middle) / abs(middle) * 100 if middle else 100.0
    return Spot(
        figure=figure, value=value, median=middle, percent=round(percent, 1), place=better + 1, of=len(others) + 1
    )
