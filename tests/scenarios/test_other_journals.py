"""The same calls as other sites write them: FreePBX's table with whole local seconds, no rows of applications."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.cli import replay
from gateway.domain.call import Call, CallKind
from gateway.domain.calls import fold
from sip.cel import leg_event
from tests.scenarios.catalogue import JOURNALS, Printed, Scenario, arguments, directory_of, events_of, rows_of

by_name = pytest.mark.parametrize("scenario", JOURNALS, ids=lambda s: s.name)

# The columns of FreePBX's table, in its order; it has no userfield.
FREEPBX = (
    *("id", "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userdeftype"),
    "extra",
)
# A mobile's number stands in the Dial alone; where no row shows that Dial, nobody can tell whose the mobile was.
UNKNOWABLE = {
    "made_call_confirm_refused": {"kind", "managers"},
    "made_mobile_after_mobile": {"managers"},
}
_LOST_WITH_THE_SECONDS = {"started_at", "answered_at", "ended_at"}


def write_freepbx(path: Path, rows: list[dict[str, str]], zone: str) -> None:
    """Write rows as a FreePBX site exports them: a header line, whole local seconds, no rows of applications."""
    kept = [row for row in rows if row["eventtype"] not in ("APP_START", "APP_END")]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, FREEPBX, restval="", extrasaction="ignore")
        table.writeheader()
        for number, row in enumerate(kept, start=4711):
            at = datetime.fromtimestamp(int(row["eventtime"].partition(".")[0]), UTC).astimezone(ZoneInfo(zone))
            table.writerow(
                row | {"id": number, "eventtime": at.strftime("%Y-%m-%d %H:%M:%S"), "extra": row["eventextra"]}
            )


def replayed(capsys: pytest.CaptureFixture[str], file: Path, *words: str) -> list[Printed]:
    """What the replay prints."""
    assert replay.run(arguments([str(file), *words, "--json", "--all"])) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def spans(call: Printed) -> dict[str, float]:
    """The durations of a printed call."""
    found = {key: value for key, value in call.items() if key.endswith("_seconds") and value is not None}
    for part in call["managers"]:
        for key in ("rang_seconds", "talk_seconds"):
            found[f"{part['extension']} {key}"] = part[key]
    return found


def facts(call: Printed, but: Collection[str]) -> dict[str, Any]:
    """A printed call without anything that is measured in seconds, and without what cannot be known."""
    found = call | {"managers": sorted(part["extension"] for part in call["managers"])}
    left_out = {*_LOST_WITH_THE_SECONDS, *but}
    return {k: v for k, v in found.items() if not k.endswith("_seconds") and k not in left_out}


@by_name
def test_whole_local_seconds_in_freepbx_columns_give_the_same_calls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, scenario: Scenario
) -> None:
    exact = replayed(capsys, scenario.journal, *scenario.arguments)
    write_freepbx(tmp_path / "cel.csv", rows_of(scenario.journal), "Europe/Moscow")

    whole = replayed(capsys, tmp_path / "cel.csv", *scenario.arguments, "--timezone", "Europe/Moscow")

    but = UNKNOWABLE.get(scenario.name, ())
    assert [facts(call, but) for call in whole] == [facts(call, but) for call in exact]
    for a, b in zip(exact, whole, strict=True):
        stretches = 1 + len(a["answered_by"]) + len(a["transfers"])  # each may lose a second at either end
        for key, seconds in spans(b).items():
            near = 1 if stretches <= 2 else stretches
            assert abs(seconds - spans(a)[key]) <= near or (key == "ring_seconds" and "managers" in but), key


def outcome(call: Call) -> dict[str, object]:
    """What a site without rows of applications must still learn."""
    told = (call.key, call.direction, call.client, call.did, call.result, call.missed_reason, call.answered_by)
    return {"kind": call.kind, "told": (*told, call.talk, call.wait, call.transfers, call.hung_up_by)}


@by_name
def test_a_journal_without_rows_of_applications_gives_the_same_calls(scenario: Scenario) -> None:
    events = [leg_event(r) for r in rows_of(scenario.journal) if r["eventtype"] not in ("APP_START", "APP_END")]
    directory = directory_of(scenario)
    whole = [outcome(call) for call in fold(events_of(scenario), directory)]

    bare = [outcome(call) for call in fold([event for event in events if event is not None], directory)]

    if "kind" in UNKNOWABLE.get(scenario.name, ()):
        whole = [found | {"kind": CallKind.THROUGH} for found in whole]
    assert bare == whole
