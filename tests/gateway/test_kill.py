"""kill -9 of the gateway at random points under traffic: no call lost, doubled or wrong, figures equal to a recount."""

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.journal import BASE, MANAGERS, multiplied, recorded
from gateway.domain.calls import fold
from gateway.store.database import open_pool
from gateway.store.staff import add_user, give_extension, load_tables
from sip.cel import read_row
from tests.gateway.site import ZONE, figures, recounted

pytestmark = pytest.mark.asyncio
KILLS = 20
CALLS_PER_SECOND = 5


@contextlib.contextmanager
def traffic(journal: Path, calls: list[list[bytes]]) -> Iterator[threading.Thread]:
    """Write the calls as Asterisk does, a row at a time, calls beginning five a second and overlapping."""
    timed = sorted(
        (n / CALLS_PER_SECOND + 0.2 * (n % 7) * place / len(call), n, place, row)
        for n, call in enumerate(calls)
        for place, row in enumerate(call)
    )
    stopped = threading.Event()

    def write() -> None:
        began = time.monotonic()
        for at, _, _, row in timed:
            if stopped.wait(max(0.0, began + at - time.monotonic())):
                return
            with journal.open("ab") as file:
                file.write(row + b"\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield thread
    finally:
        stopped.set()
        thread.join()


def serve(config: Path) -> subprocess.Popen[bytes]:
    """The gateway as an administrator starts it."""
    log = config.with_suffix(".log").open("ab")
    with log:
        return subprocess.Popen([sys.executable, "-m", "gateway", "serve", "--config", str(config)], stderr=log)


async def test_killed_twenty_times_under_traffic_every_call_comes_out_once_and_right(
    database: str, tmp_path: Path
) -> None:
    journal = tmp_path / "trunkline.csv"
    config = tmp_path / "trunkline.toml"
    config.write_text(
        f'home = "{tmp_path}/home"\ndatabase.url = "{database}"\nhttp.port = {_free_port()}\n'
        "transcription.enabled = false\n"
        f'[pbx.pbx1]\njournal.path = "{journal}"\ntrunks = [{{ endpoint = "trunk" }}]\n'
    )
    async with open_pool(database, size=3) as pool:
        async with pool.acquire() as connection, connection.transaction():
            for m in range(MANAGERS):
                user = await add_user(connection, login=f"m{m}", name=f"M{m}", role="manager")
                await give_extension(
                    connection, pbx="pbx1", extension=str(1000 + m), user_id=user, patterns=[str(1000 + m)]
                )
        rng = random.Random(11)
        calls = multiplied(recorded(), 45 * CALLS_PER_SECOND)
        with traffic(journal, calls) as writer:
            for _ in range(KILLS):
                process = serve(config)
                await asyncio.sleep(rng.uniform(0.9, 2.4))
                assert process.poll() is None, config.with_suffix(".log").read_text()
                process.kill()
                process.wait()
            await asyncio.to_thread(writer.join)
        process = serve(config)
        rows = [row for call in calls for row in call]
        directory = (await load_tables(pool, BASE, ZONE)).directory
        expected = fold([e for e in map(read_row, rows) if e], directory)
        try:
            async with asyncio.timeout(60):
                while await pool.fetchval(
                    "select count(*) from call where state = 'ended' and merged_into is null"
                ) < len(expected):
                    await asyncio.sleep(0.2)
            await asyncio.sleep(0.5)
        finally:
            process.terminate()
            process.wait(20)

        found = await pool.fetch("select key, result, talk_us, answered_by from call where merged_into is null")
        assert sorted((r["key"], r["result"], r["talk_us"], tuple(r["answered_by"])) for r in found) == sorted(
            (c.key, c.result, int(c.talk.total_seconds() * 1e6 + 0.5), c.answered_by) for c in expected
        )
        assert await figures(pool) == await recounted(pool)
        doubled = "select call_id from fact where kind = 'call.ended' group by 1 having count(*) > 1"
        again = await pool.fetch(f"select kind, body from fact where call_id in ({doubled}) order by id")
        told = [
            (r["kind"], *(r["body"][k] for k in ("id", "revision", "result", "state", "started_at"))) for r in again
        ]
        assert not told, "\n".join(map(str, told))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
