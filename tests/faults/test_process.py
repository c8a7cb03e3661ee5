"""The process itself: how it ends when it is told to, when a part of it breaks, and when its settings are wrong."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.faults.plant import (
    all_right,
    client_legs,
    configured,
    enter_people,
    looking_at,
    served,
    some_calls,
    traffic,
    until,
)
from tests.gateway.recorded import write_call

pytestmark = pytest.mark.asyncio
SECONDS_TO_STOP = 5.0


async def test_told_to_stop_in_the_middle_of_calls_and_transcription_it_ends_at_once_and_in_order(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    calls = some_calls(6)
    for number, leg in enumerate(client_legs(calls[:6])):
        write_call(recordings, leg, seconds=120, seed=number)
    folder = f'recordings.folder = "{recordings}"'
    config = configured(tmp_path, database=database, pbx=folder)
    config.write_text(config.read_text().replace("transcription.enabled = false", ""))
    with traffic(tmp_path / "journal.csv", calls) as writer:
        async with looking_at(database) as pool:
            with served(config) as gateway:

                async def transcribing() -> bool:
                    state = "select count(*) from recording where transcript_state = 'claimed'"
                    return bool(await pool.fetchval(state))

                await until(transcribing, 40)
                began = time.monotonic()
                assert await gateway.stop() == 0
                assert time.monotonic() - began < SECONDS_TO_STOP
                assert "Traceback" not in gateway.words
            with served(configured(tmp_path, database=database)) as gateway:
                await asyncio.to_thread(writer.join)
                await all_right(pool, calls)
                await gateway.says("serving")
                assert await gateway.stop() == 0


async def test_told_to_stop_while_it_starts_it_ends_in_order(database: str, tmp_path: Path) -> None:
    with served(configured(tmp_path, database=database)) as gateway:
        await until(lambda: _listens_to_signals(gateway.process.pid))
        assert await gateway.stop() == 0
        assert "Traceback" not in gateway.words


async def test_a_part_that_breaks_ends_the_gateway_with_one_clear_line(database: str, tmp_path: Path) -> None:
    async with looking_at(database) as pool:
        await pool.execute("insert into journal_cursor (pbx, cursor) values ('pbx1', '5')")
    with served(configured(tmp_path, database=database)) as gateway:
        code = await asyncio.to_thread(gateway.process.wait, 20)
    last = gateway.words.splitlines()[-1]
    assert code == 1
    assert last.startswith("trunkline: the part 'journal of pbx1' failed in gateway/cut_over.py, line ")
    assert "Traceback" not in gateway.words


async def test_a_port_that_is_taken_is_told_in_one_line(database: str, tmp_path: Path) -> None:
    config = configured(tmp_path, database=database)
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(config.stem)))
        other.listen()
        with served(config) as gateway:
            code = await asyncio.to_thread(gateway.process.wait, 20)
    assert code == 1
    told = f"trunkline: http.host = '127.0.0.1', http.port = {config.stem} cannot be opened: Address already in use"
    assert gateway.words.splitlines()[-1].startswith(told)
    assert "Traceback" not in gateway.words


async def test_wrong_settings_are_all_named_before_anything_is_opened(tmp_path: Path) -> None:
    config = tmp_path / "trunkline.toml"
    config.write_text(
        f'home = "{tmp_path}/home"\nhttp.port = 99999\ncompany.region = "XX"\ndatabase.url = "mysql://me:hidden@host/db"\n'
        '[pbx.Main]\njurnal.path = "/x"\nami.user = "a\\r\\nb"\nami.secret = "open sesame"\n'
    )
    with served(config) as gateway:
        code = await asyncio.to_thread(gateway.process.wait, 20)
    words = gateway.words
    assert code == 1
    assert "http.port = 99999 is not allowed; allowed is a whole number from 1 to 65535" in words
    assert "company.region = 'XX' is not allowed; allowed is a country" in words
    assert "database.url" in words
    assert "pbx.Main.jurnal: there is no such key; did you mean pbx.Main.journal?" in words
    assert "pbx.Main.ami.user = 'a\\r\\nb' is not allowed" in words
    assert "hidden" not in words
    assert "open sesame" not in words
    assert "Traceback" not in words
    assert not (tmp_path / "home").exists()


def _listens_to_signals(process: int) -> bool:
    """Whether it has taken SIGTERM into its own hands (`SigCgt` of proc(5))."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in status if line.startswith("SigCgt"))
    return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))
