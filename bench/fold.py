"""Calls folded per CPU second: from the bytes of the recorded journals to finished calls, on one core.

Run as `python -m bench.fold [--seconds N]`; prints one JSON object. Every journal is split into rows, mapped to leg
events and folded, over and over under new ids, so that nothing is remembered from the round before but what a
running gateway would remember too (numbers and endpoints it has seen). The share of each stage is measured in
rounds of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import LegEvent
from gateway.domain.phone import NumberPlan
from sip.cel import leg_event, row_of
from sip.records import Record, RecordSplitter

SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
ORDINARY = "in_answered"
"""The ordinary call: 15 rows, one client, one manager."""


def directory() -> Directory:
    """The two recorded sites in one table."""
    managers = {"anna-desk": "101", "101-WS": "101", "100": "100", "101": "101", "102": "102"}
    entries = [Entry(pattern=p, kind=PartyKind.MANAGER, extension=e) for p, e in managers.items()]
    entries += [Entry(pattern=p, kind=PartyKind.TRUNK) for p in ("trunk", "my-trunk-1")]
    return Directory(entries=tuple(entries), plan=NumberPlan(region="RU"))


def recorded() -> dict[str, bytes]:
    """The recorded journals by scenario, without empty ones."""
    files = sorted(SCENARIOS.glob("*/journal.cel.csv"))
    found = {f.parent.name: f.read_bytes() for f in files if (f.parent / "stream.ami.jsonl").exists()}
    return {name: data for name, data in found.items() if data}


def renewed(journal: bytes, number: int) -> bytes:
    """The journal under new channel ids."""
    return re.sub(rb'"((?:pbx1-)?\d{10}\.\d+)"', rb'"\g<1>-%d"' % number, journal)


def records(journal: bytes) -> list[str]:
    """The rows of a journal."""
    return [piece.data.decode() for piece in RecordSplitter().feed(journal) if isinstance(piece, Record)]


def mapped(rows: Sequence[str]) -> list[LegEvent]:
    """The leg events of rows."""
    return [event for row in rows if (event := leg_event(row_of(row))) is not None]


def cpu_per_round(work: Callable[[int], object], seconds: float) -> float:
    """CPU seconds of one round of the work: the best of ten slices, for neighbours on the machine only add."""
    return min(_cpu_per_round(work, seconds / 10) for _ in range(10))


def _cpu_per_round(work: Callable[[int], object], seconds: float) -> float:
    rounds, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds or not rounds:
        work(rounds)
        rounds += 1
    return spent / rounds


def measure(journals: Sequence[bytes], seconds: float) -> dict[str, float]:
    """Microseconds of CPU a call, whole and by stage."""
    who = directory()
    rows = [records(journal) for journal in journals]
    events = [mapped(r) for r in rows]
    calls = sum(len(fold(e, who)) for e in events)
    fresh = [[renewed(journal, number) for journal in journals] for number in range(8)]
    stages: dict[str, Callable[[int], object]] = {
        "whole": lambda n: [fold(mapped(records(journal)), who) for journal in fresh[n % len(fresh)]],
        "split": lambda n: [records(journal) for journal in fresh[n % len(fresh)]],
        "map": lambda n: [mapped(r) for r in rows],
        "fold": lambda n: [fold(e, who) for e in events],
    }
    return {name: round(cpu_per_round(work, seconds) / calls * 1e6, 1) for name, work in stages.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds for each figure")
    told = parser.parse_args()
    journals = recorded()
    ordinary = measure([journals[ORDINARY]], told.seconds)
    every = measure(list(journals.values()), told.seconds)
    rows = sum(len(records(journal)) for journal in journals.values())
    figures = {
        "journals": len(journals),
        "rows": rows,
        "ordinary_call_cpu_us": ordinary,
        "recorded_call_cpu_us": every,
        "ordinary_calls_per_cpu_second": round(1e6 / ordinary["whole"]),
        "recorded_calls_per_cpu_second": round(1e6 / every["whole"]),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
