"""Every recorded and constructed scenario comes out of `trunkline replay` as it really happened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli import replay
from tests.scenarios.catalogue import (
    NAMED,
    RECORDED,
    SCENARIOS,
    Printed,
    Scenario,
    arguments,
    differences,
)

by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
by_stream = pytest.mark.parametrize("scenario", RECORDED, ids=lambda s: s.name)


def printed(capsys: pytest.CaptureFixture[str], scenario: Scenario, file: Path, *words: str) -> list[Printed]:
    """The calls that the replay prints in this process, and nothing else."""
    code = replay.run(arguments([str(file), *scenario.arguments, "--json", *words]))

    assert code == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def assert_as_expected(expected: Sequence[Printed], found: Sequence[Printed], *, near: float = 0.1) -> None:
    """Compare call by call, the calls in the order of their start."""
    assert [differences(e, f, near=near) for e, f in zip(expected, found, strict=False)] == [[]] * len(expected)
    assert len(found) == len(expected)


def told_by_the_journal(scenario: Scenario) -> list[Printed]:
    """The calls without their hold, which no journal tells but of a hold that we ordered."""
    ordered = scenario.name.startswith("ordered_")
    return [call | {"hold_seconds": call["hold_seconds"] if ordered else None} for call in scenario.calls]


@by_name
def test_the_journal_gives_the_calls_that_happened(capsys: pytest.CaptureFixture[str], scenario: Scenario) -> None:
    assert_as_expected(told_by_the_journal(scenario), printed(capsys, scenario, scenario.journal))


@by_stream
def test_the_ami_stream_gives_the_calls_that_happened(capsys: pytest.CaptureFixture[str], scenario: Scenario) -> None:
    assert_as_expected(scenario.calls, printed(capsys, scenario, scenario.stream))


@by_stream
def test_journal_and_stream_give_the_same_calls(capsys: pytest.CaptureFixture[str], scenario: Scenario) -> None:
    from_journal = printed(capsys, scenario, scenario.journal, "--all")
    from_stream = printed(capsys, scenario, scenario.stream, "--all")

    for call in from_journal:
        assert call.pop("hold_seconds") is None
    for call in from_stream:
        assert call.pop("hold_seconds") >= 0
    assert_as_expected(from_journal, from_stream)


@by_name
def test_service_calls_are_printed_only_when_asked_for(capsys: pytest.CaptureFixture[str], scenario: Scenario) -> None:
    calls = printed(capsys, scenario, scenario.journal, "--all")

    assert_as_expected(scenario.service, [c for c in calls if c["kind"] == "service"])
    assert len([c for c in calls if c["kind"] != "service"]) == len(scenario.calls)


@pytest.mark.parametrize("name", ["in_answered", "13_att_xfer_to_client", "c2c_ami_unreg"])
def test_the_installed_command_prints_one_json_object_a_call(name: str) -> None:
    scenario = NAMED[name]
    files = [str(scenario.journal), *scenario.arguments, "--json"]

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "replay", *files], capture_output=True, text=True, check=True, timeout=60
    )

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert_as_expected(told_by_the_journal(scenario), found)
    assert done.stderr == ""
