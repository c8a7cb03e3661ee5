"""`trunkline ship`, a real process, and a gateway: every call comes out once and right, whatever happens in between.

Requirements of issue 4, point 8: at least once, resumed, through rotation, with a key that can do nothing else.
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.domain.shipping import SILENT_SECONDS
from gateway.store.database import Pool
from tests.faults.plant import (
    all_right,
    enter_people,
    looking_at,
    running_here,
    served,
    some_calls,
    traffic,
    until,
)
from tests.gateway.ships import Host, a_host, cut_line, ended, gateway_file, host_key
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
KILLS = 20


def heard(gateway: Gateway, pbx: str = "pbx1") -> bool:
    """Whether somebody sends."""
    receiving = gateway.lines[pbx].receiving
    return receiving is not None and receiving.is_heard


@asynccontextmanager
async def both(database: str, folder: Path, **more: object) -> AsyncIterator[tuple[Gateway, Pool, Host]]:
    """A gateway in this process, a look at its database, and a host whose ship is not started yet."""
    await enter_people(database)
    config = gateway_file(folder, database=database)
    async with looking_at(database) as pool, running_here(config) as gateway:
        key = await host_key(pool)
        with a_host(folder / "host", port=config.stem, key=key, **more) as host:
            yield gateway, pool, host


async def test_rows_that_are_written_there_are_calls_here(database: str, tmp_path: Path) -> None:
    calls = some_calls(4)
    async with both(database, tmp_path) as (gateway, pool, host):
        process = host.start()
        await until(lambda: "first time" in host.words)
        host.append(*[row for call in calls for row in call])
        await all_right(pool, calls)
        await gateway.lines["pbx1"].receiving.look()  # type: ignore[union-attr]
        assert [state.ready for state in gateway.states()] == [True]
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0


async def test_killed_twenty_times_under_traffic_every_call_comes_out_once(database: str, tmp_path: Path) -> None:
    rng, calls = random.Random(7), some_calls(12)
    async with both(database, tmp_path) as (_, pool, host):
        with traffic(host.journal, calls) as writer:
            for _ in range(KILLS):
                process = host.start()
                await asyncio.sleep(rng.uniform(0.25, 0.8))
                assert process.poll() is None, host.words
                process.kill()
                await ended(process)
            await asyncio.to_thread(writer.join)
        host.start()
        await all_right(pool, calls)


async def test_a_gateway_that_is_killed_again_and_again_loses_nothing(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    config, calls = gateway_file(tmp_path, database=database), some_calls(6)
    async with looking_at(database) as pool:
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool)) as host:
            host.start()
            with traffic(host.journal, calls) as writer:
                for life in (1.5, 2.0):
                    with served(config) as gateway:
                        await asyncio.sleep(life)
                        gateway.kill()
                await asyncio.to_thread(writer.join)
            with served(config):
                await all_right(pool, calls, 60)


async def test_the_journal_is_renamed_thrice_cut_and_deleted_while_the_gateway_is_away(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config, calls = gateway_file(tmp_path, database=database), some_calls(8)
    parts = [[row for call in calls[start : start + 8] for row in call] for start in range(0, 40, 8)]
    async with looking_at(database) as pool:
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool)) as host:
            async with running_here(config):
                host.append(*parts[0])
                host.start()
                await all_right(pool, calls[:8])
            host.append(*parts[1])
            for part in parts[2:]:  # as logrotate does: .1 becomes .2, the journal becomes .1
                for number in (3, 2, 1):
                    old = host.journal.with_name(f"trunkline.csv.{number}")
                    if old.exists():
                        old.rename(host.journal.with_name(f"trunkline.csv.{number + 1}"))
                host.journal.rename(host.journal.with_name("trunkline.csv.1"))
                host.append(*part)
            async with running_here(config):
                await all_right(pool, calls, 60)
                host.journal.write_bytes(b"")
                host.append(*parts[4])
                await asyncio.sleep(1.5)
                host.journal.unlink()
                host.append(*parts[0])
                await all_right(pool, calls)


async def test_a_line_that_breaks_in_the_middle_of_a_batch_doubles_and_loses_nothing(
    database: str, tmp_path: Path
) -> None:
    calls = some_calls(30)
    async with (
        both(database, tmp_path) as (gateway, pool, host),
        cut_line(gateway.settings.http.port, each=20_000) as line,
    ):
        host.url = f"http://127.0.0.1:{line.port}"
        host.write()
        host.append(*[row for call in calls for row in call])
        host.start()
        await until(lambda: line.cuts >= 3)
        line.each = None
        await all_right(pool, calls)


async def test_a_wrong_and_a_revoked_key_are_said_and_nothing_is_taken(database: str, tmp_path: Path) -> None:
    async with both(database, tmp_path) as (_, pool, host):
        await pool.execute("update api_key set revoked_at = now()")
        host.append(*rows_of("in_answered"))
        process = host.start()
        await until(lambda: "no longer valid" in host.words)
        assert process.poll() is None
        assert await pool.fetchval("select count(*) from call") == 0


async def test_the_key_of_another_pbx_is_refused_in_words(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    config = gateway_file(tmp_path, database=database, pbxs=("pbx1", "pbx2"))
    async with looking_at(database) as pool, running_here(config):
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool, "pbx2"), pbx="pbx1") as host:
            host.append(*rows_of("in_answered"))
            host.start()
            await until(lambda: "not bound to this PBX" in host.words)
            assert await pool.fetchval("select count(*) from call") == 0


async def test_a_second_ship_with_the_key_does_not_start_and_a_copied_key_is_harmless(
    database: str, tmp_path: Path
) -> None:
    calls = some_calls(6)
    async with both(database, tmp_path) as (gateway, pool, host):
        host.start()
        await until(lambda: "first time" in host.words)
        second = host.start()
        assert await ended(second) == 1
        assert "runs on this host already" in host.words
        port = gateway.settings.http.port
        with a_host(tmp_path / "copy", port=port, key=host.key) as copy:  # another journal: another host
            copy.append(*rows_of("in_busy"))
            copy.start()
            await until(lambda: "409" in copy.words or "another place" in copy.words)
            copy.end()
        twin = tmp_path / "twin"  # the same journal, the same host, another file with the key: both send
        with a_host(twin, port=port, key=host.key) as other:
            other.config.write_text(other.config.read_text().replace('"trunkline.csv"', f'"{host.journal}"'))
            other.start()
            host.append(*[row for call in calls for row in call])
            await all_right(pool, calls)
        assert await pool.fetchval("select count(*) from quarantine") == 0


async def test_a_row_with_line_breaks_quotes_and_commas_arrives_as_it_was(database: str, tmp_path: Path) -> None:
    hostile = 'Eve\r\n"",""HANGUP"",""1795301633.0""\n,;${SHELL(x)}\\ Ж\x7f'
    quoted = b'"' + hostile.replace('"', '""').encode() + b'"'
    rows = [row.replace(b'"Client"', quoted) for row in rows_of("in_answered")]
    assert any(quoted in row for row in rows)
    async with both(database, tmp_path) as (_, pool, host):
        host.append(*rows, b'"ANSWER","half a row')
        host.start()
        await until(lambda: _is(pool, "select count(*) from call where state = 'ended'", 1))
        host.append(b"", *rows_of("in_busy"))
        await until(lambda: _is(pool, "select count(*) from call where state = 'ended'", 2))
        assert await pool.fetchval("select count(*) from quarantine") == 1


async def test_a_gateway_that_hears_nobody_says_so(database: str, tmp_path: Path) -> None:
    async with both(database, tmp_path) as (gateway, pool, host):
        process = host.start()
        await until(lambda: "first time" in host.words)
        process.kill()
        await pool.execute("update shipped_journal set heard_at = heard_at - make_interval(secs => $1)", SILENT_SECONDS)
        await gateway.lines["pbx1"].receiving.look()  # type: ignore[union-attr]
        state = gateway.states()[0]
        assert not state.ready
        assert "trunkline ship" in state.detail


async def _is(pool: Pool, query: str, value: object) -> bool:
    return bool(await pool.fetchval(query) == value)


async def test_the_pbxs_clock_is_measured_and_told(database: str, tmp_path: Path) -> None:
    async with both(database, tmp_path) as (gateway, _, host):
        host.start()
        reconciler = gateway.lines["pbx1"].reconciler
        await until(lambda: reconciler.clock_offset is not None)
        assert reconciler.clock_offset is not None
        assert abs(reconciler.clock_offset.total_seconds()) < 1
        assert time.time() > 0
