"""A PBX whose clock was set in mid call: its rows are put back into the order in which they were written.

Events are folded by their time, which makes the order of delivery irrelevant (`gateway.domain.legs`). A clock that is
set back by an hour breaks that: a leg would end before it began. Such a family shows itself, since no leg can do
anything before it started or after it ended; only then is the order of arrival taken instead, where each row stands as
the journal has it, and each step back counts as no time at all. So no interval is negative, the talk before and after
the step is counted, and the call says that its times are not whole (`complete` is false).

A clock set forward cannot be told from a long talk by rows alone: it is measured (`gateway.reconcile`), told, and the
calls that were open then last longer by that step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from gateway.domain.legs import LegEvent, LegEventKind, in_order

TOLERANCE = timedelta(seconds=2)
"""Rows of one PBX stand out of order by up to 131 ms (measured); a clock that is off by more is an alarm."""
_OURS = frozenset({LegEventKind.HELD, LegEventKind.RESUMED, LegEventKind.REFUSED, LegEventKind.LOST})
"""Rows of ours; they bear times of another source and prove nothing of the PBX's clock."""


def steadied(arrived: Iterable[LegEvent]) -> tuple[list[LegEvent], bool]:
    """Events in the order in which they are folded.

    Args:
        arrived: of one family, in the order in which they came.

    Returns:
        The events, and whether the PBX's clock was set back meanwhile: then their times are mended.
    """
    events = list(arrived)
    ordered = in_order(events)
    if all(one.at <= other.at for one, other in pairwise(events)):
        return ordered, False
    if _is_possible(ordered) or not _is_possible(events):
        return ordered, False
    return in_order(_mended(events)), True


def _is_possible(events: Sequence[LegEvent]) -> bool:
    """Whether every leg starts before anything else happens to it, and nothing happens once it has ended."""
    ends: dict[str, LegEvent] = {}
    begun: dict[str, LegEvent] = {}
    for event in events:
        if event.kind in _OURS:
            continue
        over = ends.get(event.leg)
        after = event.kind is not LegEventKind.FAMILY_ENDED  # which is told of a leg that may have ended long ago
        if over is not None and after and abs(event.at - over.at) > TOLERANCE:
            return False
        first = begun.setdefault(event.leg, event)
        if event.kind is LegEventKind.STARTED and abs(event.at - first.at) > TOLERANCE:
            return False
        if event.kind is LegEventKind.ENDED:
            ends[event.leg] = event
    return True


def _mended(events: Sequence[LegEvent]) -> list[LegEvent]:
    """The events with times that never go back by more than the tolerance."""
    found: list[LegEvent] = []
    shift, last = timedelta(), None
    for event in events:
        at = event.at + shift
        if last is not None and at < last - TOLERANCE and event.kind not in _OURS:
            shift += last - at
            at = last
        last = at if last is None else max(last, at)
        found.append(event if at == event.at else replace(event, at=at))
    return found
