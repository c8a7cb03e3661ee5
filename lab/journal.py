"""The lab's own reader of the call journal: tells a test that a call is over, and what was written.

Only for tests of the lab and of what a site installs; the gateway's reader is `sip`.
"""

from __future__ import annotations

import asyncio
import csv
import time
from pathlib import Path

from lab.errors import LabTimeoutError
from lab.server import AsteriskServer

COLUMNS = 17
EVENT, CALLER, CHANNEL, UNIQUEID, LINKEDID = 0, 3, 8, 11, 12
"""Places of the columns that tests look at (`deploy/asterisk/trunkline_cel_custom.conf`)."""

POLL_SECONDS = 0.05
"""Files of another process are asked for by looking: what writes them does not tell."""


def journal_rows(server: AsteriskServer) -> list[list[str]]:
    """Read the whole journal; empty while there is none."""
    if not server.journal.exists():
        return []
    with server.journal.open(newline="") as journal:
        return list(csv.reader(journal))


async def finished_call(server: AsteriskServer, before: int, seconds: float = 30.0) -> list[list[str]]:
    """Wait until no leg of the calls begun after `before` rows is left.

    Args:
        server: Whose journal.
        before: Rows that were there earlier.
        seconds: How long to wait.

    Returns:
        The rows written since.

    Raises:
        LabTimeoutError: Some leg has not ended.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        new = journal_rows(server)[before:]
        begun = {row[UNIQUEID] for row in new if row[EVENT] == "CHAN_START"}
        over = {row[UNIQUEID] for row in new if row[EVENT] == "CHAN_END"}
        if begun and begun <= over and new[-1][EVENT] == "LINKEDID_END":
            return new
        await asyncio.sleep(POLL_SECONDS)
    raise LabTimeoutError(f"some leg has not ended in {seconds:.1f} s; see {server.journal}")


async def until_exists(path: Path, seconds: float = 30.0) -> None:
    """Wait until Asterisk has made a file.

    Raises:
        LabTimeoutError: It did not.
    """
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise LabTimeoutError(f"{path} was not made in {seconds:.1f} s")
        await asyncio.sleep(POLL_SECONDS)
