"""Send a PBX's journal and recordings to the gateway; run it on the PBX's host.

It needs one file (docs/another-host.md):

  [ship]
  url = "https://calls.example.com"
  pbx = "main"
  key_file = "/etc/trunkline/ship.key"
  journal = "/var/log/asterisk/cel-custom/trunkline.csv"

The key is issued on the gateway:

  trunkline key add "host of main" --role admin --right journal.ship --pbx main

Rows are sent as they are written; what the gateway has not acknowledged is sent again, through rotation, restarts and
days without a line. Neither PostgreSQL nor the gateway's libraries are needed here.
"""

import argparse
import asyncio
import contextlib
import fcntl
import hashlib
import logging
import platform
import signal
import sys
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager
from pathlib import Path

from gateway.domain.errors import GiveUp
from gateway.domain.shipping import BrokenPiece
from shipping.files import RecordingShipper
from shipping.link import Link
from shipping.options import DEFAULT_FILE, Options, read_key, read_options
from shipping.rows import FirstMeeting, Place, RowBatch, RowShipper
from sip.history import meet, older
from sip.journal import Batch, Broken, Cursor, JournalStatus, Record, tail

log = logging.getLogger(__name__)


class AnotherShip(GiveUp):
    """Another `trunkline ship` with this key runs on this host already; stop it first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the file is."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=DEFAULT_FILE, help=f"what to send (default: {DEFAULT_FILE})"
    )
    parser.add_argument("--check", action="store_true", help="read the file, ask the gateway where it stands, and end")


def run(args: argparse.Namespace) -> int:
    """Send until told to stop; 0 after an orderly end."""
    options = read_options(args.config)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if args.check:
        asyncio.run(_check(options))
        return 0
    with _alone(options):
        asyncio.run(_run(options))
    return 0


@contextmanager
def _alone(options: Options) -> Iterator[None]:
    """Hold the key's file: two ships with one key would only send everything twice."""
    read_key(options.key_file)
    with options.key_file.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AnotherShip from None
        yield


async def _check(options: Options) -> None:
    with _links(options) as links:
        told = await links[0].ask("GET", f"/pbx/{options.pbx}/journal")
    print("The gateway knows this host and has", "rows of" if told.get("place") else "no row yet of", options.pbx)


async def _run(options: Options) -> None:
    task = asyncio.current_task()
    assert task is not None
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError), _links(options) as (first, second, third):
        journal = LocalJournal(options)
        rows = RowShipper(journal, first, second, pbx=options.pbx, source=source_of(options.journal))
        log.info("sending the journal of %s", options.pbx)
        async with asyncio.TaskGroup() as group:
            group.create_task(rows.run(), name="rows")
            if options.recordings is not None:
                group.create_task(RecordingShipper(options.recordings, third, pbx=options.pbx).run(), name="recordings")


@contextmanager
def _links(options: Options) -> Iterator[tuple[Link, Link, Link]]:
    """Connections for new rows, older rows and recordings: none waits for another."""
    key = read_key(options.key_file)
    with ExitStack() as stack:
        made = [Link(options.url, key, tls=options.tls, pin=options.pin_sha256) for _ in range(3)]
        for link in made:
            stack.callback(link.close)
        yield made[0], made[1], made[2]


def source_of(journal: Path) -> str:
    """This host's own name for itself and this journal; it tells nothing of the host."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    named = machine or f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(f"{named} {journal}".encode()).hexdigest()[:32]


class LocalJournal:
    """The journal as `shipping.rows` reads it: `sip.journal` for what is written, `sip.history` for what was."""

    def __init__(self, options: Options) -> None:
        self._path = options.journal
        self._days = options.history_days
        self._status = JournalStatus()

    @property
    def condition(self) -> str:
        """What the reader is doing."""
        return str(self._status.condition)

    @property
    def lag_bytes(self) -> int:
        """What it has not handed out yet."""
        return self._status.lag_bytes

    def meet(self) -> FirstMeeting:
        """See what stands in the journal."""
        met = meet(self._path, days=self._days)
        return FirstMeeting(
            last_row=met.last_row,
            until=met.until.to_json() if met.until else None,
            place=met.place.to_json() if met.place else None,
            bytes_total=met.bytes_total,
        )

    async def new_rows(self, place: Place) -> AsyncGenerator[RowBatch, None]:
        """Rows from a place on, for ever."""
        async with aclosing(tail(self._path, _cursor(place), status=self._status)) as batches:
            async for batch in batches:
                yield _batch(batch)

    async def older_rows(self, place: Place, until: Place) -> AsyncGenerator[RowBatch, None]:
        """Rows of before, to their end."""
        begin = _cursor(place)
        if begin is None:
            return
        async with aclosing(older(self._path, begin, _cursor(until))) as batches:
            async for found in batches:
                if found.batch is None:
                    yield RowBatch(rows=(), broken=(), until=None, size=0, ended=True)
                else:
                    yield _batch(found.batch, size=found.bytes_read, ended=found.ended)


def _cursor(place: Place) -> Cursor | None:
    return None if place is None else Cursor.from_json(dict(place))


def _batch(batch: Batch, *, size: int | None = None, ended: bool = False) -> RowBatch:
    pieces: list[Record | Broken] = [*batch.records, *batch.broken]
    until: Mapping[str, object] = batch.cursor_after.to_json()
    return RowBatch(
        rows=[record.data for record in batch.records],
        broken=[BrokenPiece(reason=str(piece.reason), data=piece.data) for piece in batch.broken],
        until=until,
        size=sum(p.offset_end - p.offset_start for p in pieces) if size is None else size,
        ended=ended,
    )
