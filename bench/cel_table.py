"""A CEL table in a real MariaDB: how soon a row is read, what looking costs in quiet, how fast history comes.

    python -m bench.cel_table [--rows 10000000] [--history 100000] [--live 300] [--rate 20] [--idle 10]

Prints one JSON object:

- `latency_ms`: from a row's commit in the table to its being handed out, at `--rate` rows a second, p50, p99 and most;
- `idle`: CPU of this process and of the server as a share of one core while nothing is written, and the rows the server
  had to read for a look, of which there are ten a second;
- `history_rows_per_second`: rows read, mapped and handed out in batches of 1000, without the fold;
- `large`: the same latency, cost and rows read for a look in a table of `--rows`, and the seconds of the first meeting,
  in which the beginning of the last hour is found by halves of the running number.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from zoneinfo import ZoneInfo

import psutil
import pymysql

from lab.mariadb import MariaDb, open_mariadb
from sip.cel_table import CelTable, Meeting, checked_url, follow
from sip.journal import JournalStatus

ZONE = ZoneInfo("Europe/Moscow")
_COLUMNS = "eventtype, eventtime, cid_name, cid_num, cid_ani, cid_rdnis, cid_dnid, exten, context, channame, appname"
_COLUMNS += ", appdata, amaflags, accountcode, uniqueid, linkedid, peer, userdeftype, extra"
_EXTRA = '{"bridge_id":"7c1d2f5e-1d2b-4c5d-9e8f-0a1b2c3d4e5f","bridge_technology":"simple_bridge"}'


@dataclass(slots=True)
class Table:
    """The server, its table as the gateway names it, and a session that writes."""

    server: MariaDb
    source: CelTable
    writer: "pymysql.Connection[pymysql.cursors.Cursor]"

    def add(self, number: int) -> float:
        """Write one row as cel_odbc does; the moment of its commit."""
        now = datetime.now(UTC)
        values = ("BRIDGE_ENTER", now.astimezone(ZONE).strftime("%F %T"), "Client", "79161234567", "", "", "", "s")
        leg = f"{now.timestamp():.0f}.{number}"
        more = ("macro-dial-one", f"PJSIP/5001-{number:08x}", "Dial", "PJSIP/5001", 3, "", leg, leg, "", "", _EXTRA)
        with self.writer.cursor() as cursor:
            places = ", ".join(["%s"] * 19)
            cursor.execute(f"insert into cel ({_COLUMNS}) values ({places})", (*values, *more))
        return time.perf_counter()

    def fill(self, rows: int) -> None:
        """Write many rows at once, a second apart, up to now."""
        begin = datetime.now(ZONE) - timedelta(seconds=rows)
        at = f"timestampadd(second, seq, '{begin:%F %T}')"
        leg = f"concat({int(begin.timestamp())} + seq, '.', seq)"
        self.server.run(
            f"insert into cel ({_COLUMNS}) select 'CHAN_START', {at}, 'Client', '79161234567', '', '', '', '4950101',"
            f" 'from-trunk', concat('PJSIP/operator-', hex(seq)), '', '', 3, '', {leg}, {leg}, '', '', ''"
            f" from seq_1_to_{rows}",
            f"alter table cel auto_increment = {rows + 1}",  # such an insert leaves numbers out
        )

    def handled(self) -> int:
        """Rows that the server's storage has handed out."""
        return sum(int(str(v)) for _, v in self.server.run("show global status like 'Handler_read%'"))


@contextmanager
def open_table() -> Iterator[Table]:
    """A server with an empty table."""
    with open_mariadb() as server:
        writer = pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user=server.writer,
            password=server.writer_secret,
            database="asteriskcdrdb",
            autocommit=True,
        )
        yield Table(server, CelTable(url=checked_url(server.url), timezone=ZONE), writer)
        writer.close()


async def measured(table: Table, *, live: int, rate: float, idle: float) -> dict[str, object]:
    """Latency of new rows, and the cost of quiet, from the end of the table on."""
    taken: list[float] = []
    met = asyncio.Event()
    began = time.perf_counter()

    async def read() -> None:
        meeting = Meeting(history_since=datetime.now(UTC) - timedelta(hours=1))
        async with aclosing(follow(table.source, None, status=JournalStatus(), meeting=meeting)) as batches:
            async for batch in batches:
                met.set()
                if not batch.history:
                    taken.extend([time.perf_counter()] * len(batch.rows))

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await met.wait()
        meeting_seconds = time.perf_counter() - began
        await asyncio.sleep(3)  # the last hour
        before = len(taken)
        written = []
        for number in range(live):
            await asyncio.sleep(1 / rate)
            written.append(await asyncio.to_thread(table.add, number))
        await asyncio.sleep(1)
        lags = [(there - here) * 1000 for here, there in zip(written, taken[before:], strict=True)]
        await asyncio.sleep(3)  # numbers that were left out are asked for often at first
        cost = await _idle(table, idle)
        reading.cancel()
    cuts = quantiles(lags, n=100)
    latency = {"p50": round(median(lags), 1), "p99": round(cuts[98], 1), "most": round(max(lags), 1)}
    return {"latency_ms": latency, "idle": cost, "meeting_seconds": round(meeting_seconds, 3)}


async def _idle(table: Table, seconds: float) -> dict[str, float]:
    me, server = psutil.Process(), psutil.Process(table.server.pid)
    before, rows = (sum(me.cpu_times()[:2]), sum(server.cpu_times()[:2])), table.handled()
    await asyncio.sleep(seconds)
    ours, theirs = sum(me.cpu_times()[:2]) - before[0], sum(server.cpu_times()[:2]) - before[1]
    return {
        "our_core_share": round(ours / seconds, 4),
        "server_core_share": round(theirs / seconds, 4),
        "rows_read_per_look": round((table.handled() - rows) / (seconds * 10), 2),
    }


async def history(table: Table, rows: int) -> float:
    """Rows a second of a table that is there already."""
    table.fill(rows)
    read, began = 0, time.perf_counter()
    async with aclosing(follow(table.source, None, status=JournalStatus())) as batches:
        async for batch in batches:
            read += len(batch.rows)
            if read >= rows:
                break
    return round(read / (time.perf_counter() - began))


async def run(arguments: argparse.Namespace) -> dict[str, object]:
    """All of it."""
    figures = {"live": arguments.live, "rate": arguments.rate, "idle": arguments.idle}
    with open_table() as table:
        table.fill(10)
        small = await measured(table, **figures)
    with open_table() as table:
        per_second = await history(table, arguments.history)
    with open_table() as table:
        began = time.perf_counter()
        table.fill(arguments.rows)
        filled = time.perf_counter() - began
        large = await measured(table, **figures)
        size = sum(f.stat().st_size for f in Path(table.server.folder / "data").rglob("cel.ibd"))
    told = {"rows": arguments.rows, "megabytes": size >> 20, "seconds_to_fill": round(filled, 1)}
    return {**small, "history_rows_per_second": per_second, "large": told | large}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--history", type=int, default=100_000)
    parser.add_argument("--live", type=int, default=300)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--idle", type=float, default=10)
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
