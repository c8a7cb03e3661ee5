"""The scenarios on disk: a folder each with its journal, perhaps its AMI stream, and the calls as they really were.

`expected.json` holds what happened (`what`), the arguments of the site, the calls that a plain replay must print
and, under `service`, those that `--all` adds. Seconds are compared within 0.1 s, since AMI carries the moment of
sending; everything else exactly.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.cli import replay
from gateway.domain.directory import Directory
from gateway.domain.legs import LegEvent
from sip.cel import leg_event, row_of
from sip.records import Record, RecordSplitter

HERE = Path(__file__).parent
NEAR = 0.1
"""Seconds between the truth, the journal and the moments at which AMI sent the same rows."""

Printed = dict[str, Any]
"""One call as the replay prints it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One folder."""

    name: str
    what: str
    arguments: Sequence[str]
    calls: Sequence[Printed]
    service: Sequence[Printed]
    commands: Sequence[Mapping[str, str]]

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return HERE / self.name

    @property
    def journal(self) -> Path:
        """The CEL journal."""
        return self.folder / "journal.cel.csv"

    @property
    def stream(self) -> Path:
        """The AMI stream of the same call; constructed scenarios have none."""
        return self.folder / "stream.ami.jsonl"


def load(folder: Path) -> Scenario:
    """Read one folder."""
    told = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return Scenario(
        name=folder.name,
        what=told["what"],
        arguments=told["arguments"],
        calls=told["calls"],
        service=told.get("service", ()),
        commands=told.get("commands", ()),
    )


SCENARIOS = [load(path.parent) for path in sorted(HERE.glob("*/expected.json"))]
RECORDED = [s for s in SCENARIOS if s.stream.exists()]
JOURNALS = [s for s in SCENARIOS if s.journal.stat().st_size]
NAMED = {s.name: s for s in SCENARIOS}


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The arguments as the command line reads them."""
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    return parser.parse_args(list(words))


def records_of(journal: Path) -> list[str]:
    """The rows of a journal in the supplied form, as text."""
    splitter = RecordSplitter()
    pieces = [*splitter.feed(journal.read_bytes()), *splitter.finish()]
    return [piece.data.decode() for piece in pieces if isinstance(piece, Record)]


def rows_of(journal: Path) -> list[dict[str, str]]:
    """The rows of a journal by column name."""
    return [row_of(record) for record in records_of(journal)]


def events_of(scenario: Scenario) -> list[LegEvent]:
    """The leg events of a scenario's journal, in the order of its rows."""
    found = (leg_event(row) for row in rows_of(scenario.journal))
    return [event for event in found if event is not None]


def directory_of(scenario: Scenario) -> Directory:
    """Who is who at the scenario's site, as the replay reads it from the same arguments."""
    return replay.directory_of(arguments(["x", *scenario.arguments]))


def differences(expected: Mapping[str, Any], printed: Mapping[str, Any], *, near: float = NEAR) -> list[str]:
    """What a printed call has otherwise than expected; keys that the expectation leaves out are not compared."""
    found = []
    for key, wanted in expected.items():
        if not _same(key, wanted, printed.get(key, "absent"), near):
            found.append(f"{key}: expected {wanted!r}, printed {printed.get(key, 'absent')!r}")
    return found


def _same(key: str, wanted: Any, got: Any, near: float) -> bool:
    if key == "managers":
        return _same_managers(wanted, got, near)
    if wanted is None or got is None:
        return wanted is got
    if key.endswith("_seconds"):
        return abs(wanted - got) <= near
    if key.endswith("_at"):
        return abs((datetime.fromisoformat(wanted) - datetime.fromisoformat(got)).total_seconds()) <= near
    return bool(wanted == got)


def _same_managers(wanted: Sequence[Printed], got: Sequence[Printed], near: float) -> bool:
    """Two phones that ring at once begin in either order."""
    there = {part["extension"]: part for part in got}
    if len(there) != len(got) or there.keys() != {part["extension"] for part in wanted}:
        return False
    pairs = [(part, there[part["extension"]]) for part in wanted]
    return all(abs(a[k] - b[k]) <= near for a, b in pairs for k in ("rang_seconds", "talk_seconds"))
