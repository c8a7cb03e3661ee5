"""`python -m lab.record`: plays call scenarios on the real Asterisk of the second site and records them for the tests.

A recording is a folder of `tests/scenarios`: the journal as Asterisk wrote it, for some the AMI stream (only what a
replay reads), and `expected.json`, told from the phones' clocks. The journal is never asked what happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from lab.chroot import ensure_asterisk
from lab.office import MANAGERS, TRUNKS, OfficeServer, Stage, open_stage
from lab.plays import PLAYS, Play, load_plays
from lab.server import free_ports
from lab.truth import Told

SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
KEPT = frozenset({"CEL", "Hold", "Unhold", "OriginateResponse", "Hangup", "BlindTransfer", "AttendedTransfer"})
"""What a replay reads, and a few events that must make no call."""
SETTLED_SECONDS = 0.4
"""After the last channel has gone: its last rows are written by then."""


class Tap:
    """Listens to the manager interface for as long as Asterisk runs, and again when it comes back."""

    def __init__(self, server: OfficeServer) -> None:
        """Nothing is opened yet."""
        self.server = server
        self.events: list[dict[str, object]] = []

    async def listen(self) -> None:
        """Collect events until cancelled."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._session()
            await asyncio.sleep(0.1)

    async def _session(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.ports.ami)
        try:
            await reader.readuntil(b"\r\n")
            user = self.server.observer
            writer.write(f"Action: Login\r\nUsername: {user.user}\r\nSecret: {user.secret}\r\n\r\n".encode())
            while True:
                packet = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
                self._note(dict(line.split(": ", 1) for line in packet.split("\r\n") if ": " in line))
        finally:
            writer.close()

    def _note(self, event: dict[str, str]) -> None:
        if event.get("Event") in KEPT:
            told = {name: value for name, value in event.items() if value and name != "Privilege"}
            self.events.append({**told, "_received": time.time()})


async def record(names: list[str], target: Path) -> list[str]:
    """Perform plays and write their folders.

    Returns:
        The names of plays that failed.
    """
    failed = []
    with tempfile.TemporaryDirectory(prefix="lab-record-") as folder:
        server = OfficeServer(Path(folder), ensure_asterisk(), free_ports(), "", 0)
        server.prepare()
        server.start()
        tap = Tap(server)
        try:
            async with asyncio.TaskGroup() as group, open_stage(server) as stage:
                listening = group.create_task(tap.listen())
                for name in names:
                    if not await _record_one(stage, tap, PLAYS[name], target):
                        failed.append(name)
                listening.cancel()
        finally:
            server.stop()
    return failed


async def _record_one(stage: Stage, tap: Tap, play: Play, target: Path) -> bool:
    journal = stage.server.journal
    before, heard = journal.stat().st_size if journal.exists() else 0, len(tap.events)
    print(f"{play.name} ...", flush=True)
    try:
        calls = await play.act(stage)
        await stage.quiet()
    except Exception:  # noqa: BLE001 - one play that goes wrong must not lose the others
        traceback.print_exc()
        calls = None
    await stage.clear()
    await asyncio.sleep(SETTLED_SECONDS)
    if calls is None:
        return False
    rows = journal.read_bytes()[before:]
    _write(target / play.name, play, rows, tap.events[heard:], list(calls))
    return True


def _write(folder: Path, play: Play, rows: bytes, events: list[dict[str, object]], calls: list[Told]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.cel.csv").write_bytes(rows)
    if play.stream:
        lines = (json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in events)
        (folder / "stream.ami.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    told: dict[str, object] = {
        "what": play.what,
        "arguments": ["--managers", MANAGERS, "--trunks", TRUNKS, "--region", "RU", *play.arguments],
        "calls": [call for call in calls if call["kind"] != "service"],
    }
    if service := [call for call in calls if call["kind"] == "service"]:
        told["service"] = service
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Record the named plays, or all."""
    load_plays()
    parser = argparse.ArgumentParser(prog="python -m lab.record", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(PLAYS)}; none means all")
    parser.add_argument("--target", type=Path, default=SCENARIOS, help="where the folders go")
    arguments = parser.parse_args()
    names = arguments.names or list(PLAYS)
    if strange := set(names) - set(PLAYS):
        parser.error(f"no such play: {', '.join(sorted(strange))}")
    failed = asyncio.run(record(names, arguments.target))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
