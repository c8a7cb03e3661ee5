"""Workers die, hang, cannot start, and are replaced; a call killed with its worker leaves its sound behind."""

import asyncio
import signal
import socket
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from exchange.pool import Died, EngineMissing, PoolLimits, WorkerNotStarted, check_library, open_pool
from exchange.wire import Answered, Dial, Ended, HangUp, Join, Record, Recorded, Refuse
from exchange.worker_settings import WorkerSettings, read_settings
from lab.ports import sound_ports
from recordings.wav import WavState, examine
from tests.exchange.worker_site import (
    ANNA,
    CLIENT,
    Site,
    address,
    likeness,
    open_site,
    phone_of,
    write_sayings,
)


async def until_workers(site: Site, count: int, seconds: float = 60.0) -> None:
    """Wait until so many workers stand ready."""
    async with asyncio.timeout(seconds):
        while sum(1 for worker in site.pool.workers.values() if worker.port) < count:
            await asyncio.sleep(0.02)


def raw_sound(file: Path) -> np.ndarray:
    """The samples of a WAV file whose header was never finished."""
    return np.frombuffer(file.read_bytes()[44:], dtype="<i2")


async def test_a_killed_worker_is_told_with_its_legs_leaves_its_sound_and_is_replaced(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    rx, tx = tmp_path / "rx.wav", tmp_path / "tx.wav"
    async with open_site(ahead=2, most=3) as site:
        await until_workers(site, 2)
        first, second = site.pool.workers.values()
        async with phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
            await site.talk(client, anna, sayings)
            site.send(Record(leg="c", rx=str(rx), tx=str(tx)))
            await asyncio.sleep(2.5)
            psutil.Process(first.pid).send_signal(signal.SIGKILL)
            died = await site.heard(Died)
            await until_workers(site, 2)
            replacement = max(site.pool.workers.values(), key=lambda worker: worker.number)
            first.send(HangUp(leg="c"))  # comes too late and hurts nobody

    assert died.legs == ("a", "c")
    assert "signal 9" in died.reason
    assert second.number == 2
    assert replacement.number > 2
    assert not site.all_of(Ended)
    for file, who in ((rx, CLIENT), (tx, ANNA)):
        with file.open("rb") as opened:
            report = examine(opened, unchanged_for=timedelta(minutes=1))
        sound = raw_sound(file)
        assert (report.state, report.frames) == (WavState.REPAIRED, len(sound))
        assert len(sound) > 1.5 * 8000
        assert likeness(sound, who) > 0.9
    assert abs(len(raw_sound(rx)) - len(raw_sound(tx))) <= 4000


async def test_calls_in_other_workers_go_on_when_one_dies(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    async with open_site(ahead=2, most=3) as site:
        await until_workers(site, 2)
        second = site.pool.workers[2]
        async with phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
            call, with_anna = await site.talk(client, anna, sayings)
            psutil.Process(second.pid).kill()
            assert (await site.heard(Died)).legs == ()
            await asyncio.sleep(0.3)
            assert (call.state, with_anna.state) == ("connected", "connected")
            await call.hang_up()
            await site.heard(Ended, "c")


async def test_new_calls_go_where_most_room_is_and_workers_are_started_ahead_of_them() -> None:
    async with open_site(ahead=1, most=2) as site, phone_of(site, "101") as anna:
        await anna.script(answer_after=0.0)
        assert site.pool.choose(2) is site.worker
        await site.reaches(anna, "a1")
        await until_workers(site, 2)
        second = site.pool.workers[2]
        assert site.pool.choose(2) is second
        second.pledge()
        second.pledge()
        second.pledge()
        assert site.pool.choose(2) is site.worker
        await site.reaches(anna, "a2")
        await site.reaches(anna, "a3")
        assert site.pool.choose(2) is None
        assert site.pool.worker_of("a3") is site.worker
        assert site.pool.worker_of("nobody") is None


async def test_a_place_is_kept_for_whomever_a_caller_will_call() -> None:
    async with open_site() as site, phone_of(site, "101") as anna:
        await anna.script(answer_after=0.0)
        worker = site.worker
        worker.pledge(2)
        await anna.dial("500")
        await site.arrived("c")
        worker.keep_place("c")
        worker.keep_place("nobody")
        kept = worker.free, worker.kept_for(["c", "x"])
        worker.use_place(["x"])
        worker.use_place(["c", "x"])
        used = worker.free
        worker.keep_place("c")
        site.send(Refuse(leg="c", code=486))
        await site.heard(Ended, "c")

        assert (kept, used, worker.free) == ((2, 1), 3, 4)


async def test_a_worker_that_hangs_is_ended_and_replaced() -> None:
    async with open_site(limits=PoolLimits(pulse_seconds=0.2)) as site:
        await asyncio.sleep(1.2)
        assert not site.all_of(Died)  # one that works answers every time
        process = psutil.Process(site.worker.pid)
        process.suspend()
        died = await site.heard(Died)
        await until_workers(site, 1)

    assert "signal 9" in died.reason


async def test_an_old_worker_is_replaced_between_calls_and_never_in_one() -> None:
    async with open_site(ahead=1, most=3, limits=PoolLimits(carried=2)) as site, phone_of(site, "101") as anna:
        await anna.script(answer_after=0.0)
        old = site.worker
        await site.reaches(anna, "a1")
        await site.reaches(anna, "a2")
        await until_workers(site, 2)
        assert old.retired
        assert site.pool.choose(2) is not old
        old.send(HangUp(leg="a1"))
        await site.heard(Ended, "a1")
        await asyncio.sleep(0.1)
        assert old.port  # the second leg still talks
        old.send(HangUp(leg="a2"))
        await asyncio.wait_for(old.gone.wait(), 60)

    assert site.pool.deaths == 0


async def test_all_processes_are_gone_after_the_pool_even_those_that_hang() -> None:
    async with open_site(ahead=3, most=3, limits=PoolLimits(stop_seconds=1.0)) as site:
        await until_workers(site, 3)
        pids = [worker.pid for worker in site.pool.workers.values()]
        psutil.Process(pids[0]).suspend()

    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not site.all_of(Died)


async def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        settings = WorkerSettings(port=taken.getsockname()[1])
        with pytest.raises(WorkerNotStarted, match="Address already in use") as refused:
            async with open_pool(settings, lambda worker, event: None, ahead=1, most=1):
                pass

    assert "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_machine_without_the_library_is_told_to_use_asterisk() -> None:
    with pytest.raises(EngineMissing, match="Use Asterisk here"):
        check_library("a_library_for_other_machines")


async def test_a_storm_of_short_calls_leaves_nothing_behind(tmp_path: Path) -> None:
    """Calls answered, cancelled and recorded, over and over: memory and descriptors stay as they were."""
    sayings = write_sayings(tmp_path)
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        process = psutil.Process(site.worker.pid)
        await anna.script(answer_after=0.0, play=sayings[ANNA])
        figures = []
        for number in range(40):
            await one_call(site, str(number), tmp_path, address(anna), address(client))
            if number in (9, 39):
                await asyncio.sleep(0.3)
                figures.append((process.num_fds(), process.num_threads(), process.memory_info().rss))
        call = await site.calls_in(client, "last")
        await call.hang_up()
        await site.heard(Ended, "last")

    (fds, threads, memory), (fds_after, threads_after, memory_after) = figures
    assert (fds_after, threads_after) == (fds, threads)
    assert (memory_after - memory) / 60 < 80_000  # SIP keeps every transaction for 32 s (RFC 3261 section 17)
    assert site.pool.deaths == 0
    assert len(site.all_of(Answered)) == 41


async def test_legs_that_come_faster_than_the_library_bears_wait_instead_of_killing_it() -> None:
    """Without that, it aborts here: each leg's sockets keep their places in it for half a second after the end."""
    async with open_site() as site, phone_of(site, "79161234567") as client:
        for number in range(60):
            await site.dials(address(client), f"x{number}")
            site.send(HangUp(leg=f"x{number}"))
            await site.heard(Ended, f"x{number}")

    assert site.pool.deaths == 0


async def one_call(site: Site, name: str, folder: Path, answers: str, rings: str) -> None:
    """Two legs, the second cancelled at once; the first is answered and recorded."""
    await site.dials(answers, f"a{name}")
    await site.dials(rings, f"x{name}")
    await site.heard(Answered, f"a{name}")
    site.send(Record(leg=f"a{name}", rx=str(folder / "rx.wav"), tx=str(folder / "tx.wav")))
    site.send(Join(legs=(f"a{name}", f"x{name}")), HangUp(leg=f"x{name}"))
    await site.heard(Ended, f"x{name}")
    site.send(HangUp(leg=f"a{name}"))
    await site.heard(Recorded, f"a{name}")
    assert soundfile.info(folder / "rx.wav").frames == soundfile.info(folder / "tx.wav").frames


def test_settings_come_through_the_argument_whole() -> None:
    settings = WorkerSettings(bind="10.0.0.5", front=5070, rtp_port=20000, rtp_ports=100, codecs=("G722",))
    assert read_settings(settings.text()) == settings


async def test_workers_share_one_range_of_ports_for_sound() -> None:
    """A firewall knows that range; no worker takes a port of another."""
    first = sound_ports()
    async with open_site(ahead=2, most=2, rtp_port=first, rtp_ports=40) as site:
        await until_workers(site, 2)
        workers = list(site.pool.workers.values())
        async with phone_of(site, "101") as anna, phone_of(site, "102") as boris:
            for phone in (anna, boris):
                await phone.script(answer_after=0.0)
            for worker in workers:
                for number, phone in enumerate((anna, boris)):
                    leg = f"{worker.number}-{number}"
                    worker.send(Dial(leg=leg, uri=address(phone), from_uri="sip:100@127.0.0.1"))
                    await site.heard(Answered, leg)
            ports = [
                {s.laddr.port for s in psutil.Process(worker.pid).net_connections("udp")} - {worker.port}
                for worker in workers
            ]

    assert all(first <= port <= first + 41 for each in ports for port in each)
    assert [len(each) for each in ports] == [4, 4]
    assert not ports[0] & ports[1]
