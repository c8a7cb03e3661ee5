"""Scenarios are recorded anew on the real Asterisk, and what happened is what the replay prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import replay
from lab.plays import PLAYS, load_plays
from lab.record import SCENARIOS
from tests.scenarios.catalogue import arguments, differences


@pytest.mark.asterisk
@pytest.mark.parametrize("name", ["dtmf_attended", "queue_to_queue"])
def test_a_play_recorded_today_is_replayed_as_it_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    subprocess.run([sys.executable, "-m", "lab.record", name, "--target", str(tmp_path)], check=True, timeout=120)

    folder = tmp_path / f"real_{name}"
    told = json.loads((folder / "expected.json").read_text())
    assert replay.run(arguments([str(folder / "journal.cel.csv"), *told["arguments"], "--json"])) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [differences(e, p, near=0.3) for e, p in zip(told["calls"], printed, strict=True)]
    assert found == [[]] * len(found)


def test_every_play_has_its_recording_and_every_recording_its_play() -> None:
    load_plays()

    assert {play.name for play in PLAYS.values()} == {folder.name for folder in SCENARIOS.glob("real_*")}
