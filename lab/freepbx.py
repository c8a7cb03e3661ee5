"""A third site for the lab, with the habits of a FreePBX, its call journal in its own MariaDB, and its people's phones.

`python -m lab.freepbx` plays a day on it and records every call for the tests: the journal of `cel_custom`, the rows
that `cel_odbc` wrote into the table at the same time, and what happened as the phones saw it.

One `cel.conf` rules both writers. FreePBX's own lines (`Journal.FREEPBX`) ask for all events and leave the dialling
applications out; for a recording ours are used, and the rows of dialling are taken out of the table's copy, so that
the journal beside it knows everything.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path

from lab.chroot import AsteriskHome, ensure_asterisk
from lab.mariadb import MariaDb, open_mariadb
from lab.office import CLIENT, CLIENT2, OfficeServer, Stage, open_stage_phone, write_hum
from lab.plays import Play
from lab.plays.freepbx_day import PLAYS
from lab.server import Ports, free_ports, render
from lab.truth import Told

TEMPLATES = Path(__file__).parent / "conf_freepbx"
SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
ZONE = "Europe/Moscow"
MANAGERS = "5001,5002,5003,5004"
TRUNKS = "operator"
SITE = ("--managers", MANAGERS, "--trunks", TRUNKS, "--region", "RU", "--prefix", "9", "--own", "74954950100")
"""Who is who at this site, as `trunkline replay` is told."""

FREEPBX_CEL = """
[general]
enable = yes
apps = confbridge,meetme,mixmonitor,queue,stopmixmonitor,voicemail,voicemailmain
events = all
"""
SETTLED_SECONDS = 0.6
DIALLING = ("APP_START", "APP_END")


class Cel(StrEnum):
    """Which call journal is asked for."""

    FREEPBX = "freepbx"
    """All events, keys of clients among them, and no application that dials."""
    OURS = "ours"
    """What `deploy/asterisk` asks for."""


class FreePbxServer(OfficeServer):
    """The lab's Asterisk with FreePBX's habits and its journal in a database."""

    def __init__(self, directory: Path, home: AsteriskHome, ports: Ports, database: MariaDb, cel: Cel) -> None:
        """Take what it needs; nothing is started yet."""
        super().__init__(directory, home, ports, "", os.getegid())
        self.database = database
        self.cel = cel

    def environment(self) -> dict[str, str]:
        """The site's zone, and where the database's driver finds its settings."""
        return {
            "LAB_ZONE": ZONE,
            "ODBCSYSINI": str(self.directory / "etc"),
            "ODBCINI": str(self.directory / "etc/odbc.ini"),
        }

    def prepare(self) -> None:
        """Write the first sites' configuration, then this one's over it."""
        super().prepare()
        folder = self.directory / "etc"
        values = self._values() | {
            "DB_PORT": str(self.database.port),
            "DB_USER": self.database.writer,
            "DB_SECRET": self.database.writer_secret,
        }
        for source in TEMPLATES.iterdir():
            (folder / source.name).write_text(render(source.read_text(), values))
        (folder / "odbcinst.ini").write_text(f"[MariaDB Unicode]\nDriver = {self._driver()}\nThreading = 0\n")
        modules = (folder / "modules.conf").read_text()
        for name in ("res_odbc", "res_odbc_transaction", "cel_odbc"):
            modules = modules.replace(f"noload = {name}.so\n", "")
        (folder / "modules.conf").write_text(modules)
        if self.cel is Cel.FREEPBX:
            (folder / "cel.conf").write_text(FREEPBX_CEL)
        if os.geteuid() == 0:
            for path in folder.iterdir():
                os.chown(path, self.home.uid, self.home.gid)

    def _driver(self) -> str:
        found = sorted((self.home.root / "usr/lib").glob("**/odbc/libmaodbc.so"))
        return "/" + str(found[0].relative_to(self.home.root)) if found else "libmaodbc.so"


@asynccontextmanager
async def open_stage(server: FreePbxServer) -> AsyncIterator[Stage]:
    """Switch on everybody's phone: Anna 5001, Boris 5002, Vera 5003 with her mobile, Dina 5004.

    The stage's places are the second site's: `desk` is Anna's phone, `boris` his, `head` Vera's and `twin` Dina's.
    """
    async with AsyncExitStack() as stack:
        anna, boris, vera, dina = [await open_stage_phone(stack, server, name) for name in MANAGERS.split(",")]
        stage = Stage(
            server=server,
            hum=write_hum(server.directory / "hum.wav"),
            outside=await open_stage_phone(stack, server, CLIENT, port=server.ports.trunk),
            outside2=await open_stage_phone(stack, server, CLIENT2, port=server.second_trunk),
            desk=anna,
            boris=boris,
            head=vera,
            twin=dina,
        )
        await stage.register()
        await stage.twin.register()
        yield stage


@asynccontextmanager
async def open_freepbx(directory: Path, cel: Cel = Cel.FREEPBX) -> AsyncIterator[tuple[FreePbxServer, Stage]]:
    """Run database, Asterisk and phones of the site for as long as the block lasts."""
    with open_mariadb() as database:
        server = FreePbxServer(directory, ensure_asterisk(), free_ports(), database, cel)
        server.prepare()
        server.start()
        try:
            async with open_stage(server) as stage:
                yield server, stage
        finally:
            server.stop()


async def record(names: Sequence[str], target: Path) -> list[str]:
    """Perform plays and write their folders; gives the names of those that failed."""
    failed = []
    with tempfile.TemporaryDirectory(prefix="lab-freepbx-") as folder:
        async with open_freepbx(Path(folder), Cel.OURS) as (server, stage):
            for name in names:
                if not await _record_one(server, stage, PLAYS[name], target):
                    failed.append(name)
    return failed


async def _record_one(server: FreePbxServer, stage: Stage, play: Play, target: Path) -> bool:
    before = server.journal.stat().st_size if server.journal.exists() else 0
    rows_before = len(server.database.table()[1])
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
    columns, table = server.database.table()
    _write(target / play.name, play, server.journal.read_bytes()[before:], columns, table[rows_before:], list(calls))
    return True


def _write(
    folder: Path,
    play: Play,
    journal: bytes,
    columns: Sequence[str],
    table: Sequence[tuple[object, ...]],
    calls: list[Told],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.cel.csv").write_bytes(journal)
    event, application = columns.index("eventtype"), columns.index("appname")
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(r for r in table if not (r[event] in DIALLING and r[application] == "Dial"))
    told: dict[str, object] = {
        "what": play.what,
        "arguments": [*SITE, *play.arguments],
        "calls": [call for call in calls if call["kind"] != "service"],
    }
    if service := [call for call in calls if call["kind"] == "service"]:
        told["service"] = service
    (folder / "expected.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Record the named plays, or the whole day."""
    parser = argparse.ArgumentParser(prog="python -m lab.freepbx", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(PLAYS)}; none means all")
    parser.add_argument("--target", type=Path, default=SCENARIOS, help="where the folders go")
    arguments = parser.parse_args()
    if strange := set(arguments.names) - set(PLAYS):
        parser.error(f"no such play: {', '.join(sorted(strange))}")
    failed = asyncio.run(record(arguments.names or list(PLAYS), arguments.target))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
