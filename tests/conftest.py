"""What tests of several packages share: the real Asterisk of the lab, and the one rule for doing without.

A test that is marked `asterisk`, or asks for one of the fixtures below, needs a real Asterisk. Where none
can be had (not root, none installed) it is skipped with the reason; with `CI=true` that is a failure,
so that a green CI run has really met Asterisk.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import NoReturn

import pytest
import structlog

from lab.chroot import AsteriskHome, ensure_asterisk
from lab.errors import LabUnavailable
from lab.mariadb import MariaDb, open_mariadb, require_mariadb
from lab.server import AsteriskServer, open_asterisk

pytest_plugins = ["tests.database"]

LONGEST = (
    "tests/bench/test_benches.py",
    "tests/api/test_document.py",
    "tests/cli/test_backup.py",
    "tests/web/test_pages.py",
    "tests/web/test_pages_narrow.py",
    "tests/newcomer/test_first_minutes.py",
    "tests/softphone/test_calls.py",
    "tests/web/test_faults.py",
    "tests/web/test_lists.py",
    "tests/web/test_statistics.py",
    "tests/web/test_frame.py",
    "tests/gateway/test_daily_report.py",
    "tests/gateway/test_real_calls.py",
    "tests/softphone/test_reload.py",
    "tests/web/test_budget.py",
    "tests/gateway/test_recording_ways.py",
    "tests/web/test_keyboard_day.py",
    "tests/simulation/test_with_sound.py",
    "tests/sip/test_asterisk_calls.py",
    "tests/faults/test_asterisk.py",
    "tests/contract/test_supervision.py",
    "tests/contract/test_calls.py",
    "tests/web/test_phone_incoming.py",
    "tests/gateway/test_distribution.py",
    "tests/gateway/test_commands_asterisk.py",
)
"""Modules of up to some minutes, the longest first: begun last, one of them would keep a process at work when the
others have nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for the lab Asterisk, so that `-m "not asterisk"` leaves it out; the longest first."""
    for item in items:
        if "asterisk_home" in getattr(item, "fixturenames", ()):
            item.add_marker("asterisk")
    places = {module: place for place, module in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Logging is set up by the test and is afterwards as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _no_marked_test_without_asterisk(request: pytest.FixtureRequest) -> None:
    """Let the mark alone ask for the lab Asterisk too."""
    if request.node.get_closest_marker("asterisk"):
        request.getfixturevalue("asterisk_home")


@pytest.fixture(scope="session")
def asterisk_home() -> AsteriskHome:
    """The real Asterisk to run, built once if need be (about a minute)."""
    try:
        return ensure_asterisk()
    except LabUnavailable as error:
        without(error)


def without(error: LabUnavailable) -> NoReturn:
    """Leave a test out that needs what cannot be had here; with CI=true it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"with CI=true the tests with real parts must run: {error}")
    pytest.skip(str(error))


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    """A running MariaDB with FreePBX's empty table, the same one for all tests of a module."""
    try:
        require_mariadb()
    except LabUnavailable as error:
        without(error)
    with open_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def asterisk(asterisk_home: AsteriskHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    """A running lab Asterisk, the same one for all tests of a module."""
    with open_asterisk(tmp_path_factory.mktemp("asterisk"), home=asterisk_home) as server:
        yield server
