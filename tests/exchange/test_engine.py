"""The exchange's start as the gateway sees it: what is wrong is one sentence, what is secret stays so."""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exchange.doorway import look_at
from exchange.engine import EmbeddedEngine
from exchange.options import BadOptions, Options, Places, read_options
from exchange.standing import standing_of
from gateway import __version__
from lab.server import free_ports
from tests.contract.exchange_site import Gateway, house

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def running(engine: EmbeddedEngine) -> AsyncIterator[None]:
    """The engine's connection, and no exchange afterwards."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(engine.run())
        try:
            yield
        finally:
            task.cancel()
    if engine.pid is not None:
        os.kill(engine.pid, signal.SIGTERM)
        async with asyncio.timeout(10):
            while Path(f"/proc/{engine.pid}").exists():
                await asyncio.sleep(0.02)


async def trouble_of(engine: EmbeddedEngine, word: str) -> str:
    """What the engine says, once it says that word."""
    async with asyncio.timeout(15):
        while word not in engine.state.trouble:
            await asyncio.sleep(0.05)
    return engine.state.trouble


async def test_a_port_that_is_taken_is_told_in_one_sentence(tmp_path: Path) -> None:
    ports = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", ports.sip))
        engine = EmbeddedEngine(Places(home=tmp_path), Options(port=ports.sip), Gateway(house(ports.trunk)))
        async with running(engine):
            told = await trouble_of(engine, "taken")

    assert engine.state.code == "port_taken"
    assert f"UDP port {ports.sip}" in told
    assert "\n" not in told
    assert not engine.state.connected


async def test_an_address_that_the_machine_lacks_is_told_in_one_sentence(tmp_path: Path) -> None:
    ports = free_ports()
    engine = EmbeddedEngine(Places(home=tmp_path), Options(bind="10.99.98.97", port=ports.sip), Gateway(house(1)))
    async with running(engine):
        told = await trouble_of(engine, "10.99.98.97")

    assert "no address" in told
    assert engine.state.code == "address_missing"


async def test_secrets_lie_where_others_do_not_read_and_a_second_exchange_does_not_start(tmp_path: Path) -> None:
    ports = free_ports()
    places = Places(home=tmp_path)
    one, two = (EmbeddedEngine(places, Options(port=ports.sip), Gateway(house(ports.trunk))) for _ in range(2))
    async with running(one):
        await one.ready()
        other = asyncio.create_task(two.run())
        await two.ready()  # the gateway that comes later takes the place of the one before
        other.cancel()
        await asyncio.wait({other})
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (places.house, places.socket, places.folder)}
        phones = [(one.name, one.online) for one in await two_or(one)]

    assert two.pid == one.pid
    assert modes == {places.house: 0o600, places.socket: 0o600, places.folder: 0o700}
    assert phones == [("SIP/100", False), ("SIP/101", False), ("SIP/102", False)]


async def test_who_only_looks_sees_how_it_stands_and_disturbs_nobody(tmp_path: Path) -> None:
    ports, places = free_ports(), Places(home=tmp_path)
    engine = EmbeddedEngine(places, Options(port=ports.sip), Gateway(house(ports.trunk)))
    nobody = await look_at(places)
    async with running(engine):
        await engine.ready()
        seen = await look_at(places)
        mine = await engine.look()  # the gateway's own connection goes on

    assert nobody is None
    assert seen is not None
    assert mine is not None
    standing = standing_of(seen)
    assert (standing.bind, standing.port, standing.release) == ("127.0.0.1", ports.sip, __version__)
    assert [(phone.endpoint, phone.places) for phone in standing.phones] == [("100", ()), ("101", ()), ("102", ())]
    assert (standing.calls, standing.lock_outs, standing.retiring) == (0, (), False)
    assert standing.idle_workers >= 1


async def test_an_idle_exchange_with_other_settings_is_started_anew(tmp_path: Path) -> None:
    ports, places = free_ports(), Places(home=tmp_path)
    before = EmbeddedEngine(places, Options(port=ports.sip, workers=3), Gateway(house(ports.trunk)))
    await before_only(before)
    after = EmbeddedEngine(places, Options(port=ports.sip, workers=4), Gateway(house(ports.trunk)))
    async with running(after):
        async with asyncio.timeout(20):
            while after.seen is None or after.seen.most_workers != 4:
                await asyncio.sleep(0.1)
                await after.look()

    assert before.pid is not None
    assert after.pid != before.pid
    assert not Path(f"/proc/{before.pid}").exists()


async def before_only(engine: EmbeddedEngine) -> None:
    """Start an exchange and leave it, as a gateway that is gone does."""
    task = asyncio.create_task(engine.run())
    await engine.ready()
    task.cancel()
    await asyncio.wait({task})


async def two_or(engine: EmbeddedEngine):
    """The phones, once the engine has seen that its connection was taken and is connected again."""
    async with asyncio.timeout(30):
        while not (phones := await engine.endpoints()):
            await asyncio.sleep(0.05)
            await engine.ready()
    return phones


@pytest.mark.parametrize("text", ["", "null", "[]", '{"codecs": 7}'])
async def test_damaged_options_are_told(text: str) -> None:
    with pytest.raises(BadOptions):
        read_options(text)
