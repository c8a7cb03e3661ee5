"""Recordings from another host: sent in pieces, resumed in mid file, verified, and only then deleted there."""

import asyncio
import hashlib
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.store.database import Pool
from tests.faults.plant import client_legs, enter_people, looking_at, running_here, some_calls, until
from tests.gateway.ships import Host, a_host, cut_line, ended, gateway_file, host_key

pytestmark = pytest.mark.asyncio


def sound(path: Path, seconds: float, *, seed: int = 1) -> bytes:
    """A WAV file as MixMonitor writes it."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        noise = b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(int(seconds * 500)))
        file.writeframes(noise)
    return path.read_bytes()


async def stored(pool: Pool, count: int = 1) -> bool:
    """Whether so many recordings are in the archive."""
    return bool(await pool.fetchval("select count(*) from recording where state = 'stored'") == count)


@asynccontextmanager
async def both(database: str, folder: Path, **more: object) -> AsyncIterator[tuple[Gateway, Pool, Host]]:
    """A gateway in this process and a host with one call in its journal."""
    await enter_people(database)
    config = gateway_file(folder, database=database)
    async with looking_at(database) as pool, running_here(config) as gateway:
        with a_host(folder / "host", port=config.stem, key=await host_key(pool), **more) as host:
            host.append(*[row for call in some_calls(1) for row in call])
            yield gateway, pool, host


LEG = client_legs(some_calls(1))[0]


async def test_a_finished_recording_is_archived_here_and_deleted_there_when_its_time_is_over(
    database: str, tmp_path: Path
) -> None:
    async with both(database, tmp_path, keep_days=0) as (gateway, pool, host):
        host.record(LEG, sound(tmp_path / "a.wav", 2))
        host.record("unfinished", b"RIFF", sides=("-rx.wav",))
        (host.recordings / "unfinished.done").unlink()
        (host.recordings / "link.wav").symlink_to("/etc/passwd")
        (host.recordings / "link.done").touch()
        host.start()
        await until(lambda: stored(pool))
        row = await pool.fetchrow("select * from recording where state = 'stored'")
        assert (row["name"], row["has_speakers"], row["source_whole"]) == (LEG, True, True)
        assert row["call_id"] is not None
        assert (host.recordings / f"{LEG}-rx.wav").exists()  # asked again after half a minute, not before
        host.end()
        host.start()
        await until(lambda: not (host.recordings / f"{LEG}.done").exists())
        left = sorted(path.name for path in host.recordings.iterdir())
        assert left == ["link.done", "link.wav", "unfinished-rx.wav"]
        spool = gateway.settings.arriving("pbx1")
        await until(lambda: not any((spool / "spool").iterdir()))
        assert await pool.fetchval("select count(*) from recording") == 1


async def test_a_recording_stays_there_for_its_days(database: str, tmp_path: Path) -> None:
    async with both(database, tmp_path, keep_days=3) as (_, pool, host):
        host.record(LEG, sound(tmp_path / "a.wav", 1))
        host.start()
        await until(lambda: stored(pool))
        host.end()
        host.start()
        await asyncio.sleep(2.5)
        assert (host.recordings / f"{LEG}-rx.wav").exists()


async def test_a_ship_killed_in_the_middle_of_a_file_goes_on_where_it_was(database: str, tmp_path: Path) -> None:
    async with both(database, tmp_path, kilobytes_per_second=300) as (gateway, pool, host):
        whole = sound(tmp_path / "a.wav", 60)
        host.record(LEG, whole, sides=("-rx.wav",))
        arriving = gateway.settings.arriving("pbx1") / "arriving"
        received = [0]

        def more() -> bool:
            return any(part.stat().st_size > received[-1] for part in arriving.glob("*.part"))

        for _ in range(2):
            process = host.start()
            await until(more)
            process.kill()
            await ended(process)
            await asyncio.sleep(0.2)
            received.append(next(arriving.glob("*.part")).stat().st_size)
        assert 0 < received[1] < received[2] < len(whole)
        host.kilobytes_per_second = 0
        host.write()
        host.start()
        await until(lambda: stored(pool))
        assert await pool.fetchval("select duration_us from recording") == 60_000_000


async def test_a_line_that_breaks_in_mid_piece_is_taken_up_again(database: str, tmp_path: Path) -> None:
    async with (
        both(database, tmp_path, kilobytes_per_second=400) as (gateway, pool, host),
        cut_line(gateway.settings.http.port, each=150_000) as line,
    ):
        host.url = f"http://127.0.0.1:{line.port}"
        host.write()
        host.record(LEG, sound(tmp_path / "a.wav", 30))
        host.start()
        await until(lambda: line.cuts >= 2)
        line.each = None
        await until(lambda: stored(pool), 40)
        assert await pool.fetchval("select duration_us from recording") == 30_000_000


async def test_a_full_disk_is_said_there_and_the_recording_comes_when_there_is_room(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config = gateway_file(tmp_path, database=database)
    roomy = config.read_text()
    config.write_text(roomy.replace("free_space_limit = 0", 'free_space_limit = "9000 TB"'))
    async with looking_at(database) as pool:
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool)) as host:
            host.append(*[row for call in some_calls(1) for row in call])
            host.record(LEG, sound(tmp_path / "a.wav", 1))
            async with running_here(config):
                host.start()
                await until(lambda: "disk is full" in host.words)

                async def there() -> bool:
                    return bool(await pool.fetchval("select count(*) from call") > 0)

                await until(there)  # calls never wait for recordings
            config.write_text(roomy)
            async with running_here(config):
                await until(lambda: stored(pool), 40)


async def test_recordings_of_one_name_on_two_pbxs_are_two(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    config = gateway_file(tmp_path, database=database, pbxs=("pbx1", "pbx2"))
    rows = [row for call in some_calls(1) for row in call]
    async with looking_at(database) as pool, running_here(config):
        with (
            a_host(tmp_path / "a", port=config.stem, key=await host_key(pool, "pbx1"), pbx="pbx1") as one,
            a_host(tmp_path / "b", port=config.stem, key=await host_key(pool, "pbx2"), pbx="pbx2") as two,
        ):
            for number, host in enumerate((one, two)):
                host.append(*rows)
                host.record(LEG, sound(tmp_path / "a.wav", 1 + number, seed=number))
                host.start()
            await until(lambda: stored(pool, 2))
            found = await pool.fetch(
                "select r.pbx, r.duration_us, c.pbx as of from recording r join call c on c.id = r.call_id order by 1"
            )
            assert [tuple(r) for r in found] == [("pbx1", 1_000_000, "pbx1"), ("pbx2", 2_000_000, "pbx2")]
            calls = "select pbx, count(*) from call where merged_into is null group by 1 order by 1"
            counts = [tuple(r) for r in await pool.fetch(calls)]
            assert counts == [("pbx1", 5), ("pbx2", 5)]
