"""Sound is taken from the negotiated address alone: a stranger who knows the port is not heard, and hears nothing."""

import asyncio
import socket
import struct
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from exchange.wire import Ended, HangUp, Held, LimitSource, Play, Record, Recorded, Resumed, Trouble
from exchange.worker_rtp import SourceNotLimited, limit_source
from lab.ports import free_port
from tests.exchange.worker_site import (
    ANNA,
    BORIS,
    CLIENT,
    Site,
    heard_in,
    likeness,
    loudness,
    open_site,
    phone_of,
    write_sayings,
)
from tests.recordings.sounds import voice

FRAME = 160


def mu_law(sound: np.ndarray) -> bytes:
    """G.711 mu-law of 16-bit samples (ITU-T G.711, in the usual way of segments)."""
    level = np.minimum(np.abs(sound.astype(int)), 32635) + 132
    exponent = np.floor(np.log2(level)).astype(int) - 7
    mantissa = (level >> (exponent + 3)) & 0x0F
    return (~(np.where(sound < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


class Stranger(asyncio.DatagramProtocol):
    """Somebody who sends his words to a port and counts what comes back."""

    def __init__(self) -> None:
        self.heard = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Sound that was not meant for him."""
        self.heard += 1


async def shout(ports: list[int], seconds: float) -> int:
    """Send a voice as RTP to ports from an address that nobody negotiated.

    Returns:
        How many datagrams came back.
    """
    words = mu_law(voice(BORIS, 30.0))
    transport, stranger = await asyncio.get_running_loop().create_datagram_endpoint(
        Stranger, local_addr=("127.0.0.1", 0)
    )
    for number in range(round(seconds * 50)):
        packet = (
            struct.pack(">BBHII", 0x80, 0, number, number * FRAME, 7) + words[number * FRAME : (number + 1) * FRAME]
        )
        for port in ports:
            transport.sendto(packet, ("127.0.0.1", port))
        await asyncio.sleep(0.019)
    transport.close()
    return stranger.heard


def sound_ports(site: Site) -> list[int]:
    """Every UDP port of the worker but that of SIP."""
    sockets = psutil.Process(site.worker.pid).net_connections("udp")
    return sorted({s.laddr.port for s in sockets} - {site.worker.port})


@pytest.mark.parametrize("limited", [True, False], ids=["limited", "not limited"])
async def test_a_stranger_gets_in_only_where_the_source_is_not_limited(limited: bool, tmp_path: Path) -> None:
    """The client's phone says nothing for a while, which is when a stranger is taken for it: so the test can fail."""
    sayings = write_sayings(tmp_path)
    rx, tx = tmp_path / "rx.wav", tmp_path / "tx.wav"
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        await site.talk(client, anna, sayings)
        if limited:
            site.send(LimitSource(leg="c"), LimitSource(leg="a"))
        site.send(Record(leg="c", rx=str(rx), tx=str(tx)))
        await asyncio.sleep(1.5)
        phone = psutil.Process(client.pid)
        phone.suspend()
        try:
            heard_by_stranger = await shout(sound_ports(site), 2.5)
        finally:
            phone.resume()
        site.send(HangUp(leg="c"), HangUp(leg="a"))
        await site.heard(Recorded, "c")

    assert not site.all_of(Trouble)
    assert likeness(heard_in(rx, 0.0, 1.5), CLIENT) > 0.9
    assert likeness(heard_in(tx, 0.0, 1.5), ANNA) > 0.9
    assert (likeness(heard_in(rx), BORIS) > 0.6) is not limited
    assert (heard_by_stranger > 0) is not limited


async def test_the_limit_lasts_over_hold_and_may_be_set_before_there_is_sound(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    rx, tx = tmp_path / "rx.wav", tmp_path / "tx.wav"
    async with open_site() as site, phone_of(site, "79161234567") as client:
        call = await client.dial("100", play=sayings[CLIENT])
        await site.arrived("c")
        site.send(LimitSource(leg="c"))
        site.worker.write(b'{"do":"answer","leg":"c"}\n')
        await call.connected()
        await call.hold()
        await site.heard(Held, "c")
        await call.unhold()
        await site.heard(Resumed, "c")
        site.send(Play(leg="c", file=str(sayings[ANNA])), Record(leg="c", rx=str(rx), tx=str(tx)))
        heard = tmp_path / "heard.wav"
        await asyncio.sleep(0.5)  # the phone has its new sound by then
        await call.record(heard)
        assert await shout(sound_ports(site), 1.5) == 0
        await call.hang_up()
        await site.heard(Recorded, "c")

    assert not site.all_of(Trouble)
    assert likeness(heard_in(heard), ANNA) > 0.9
    assert loudness(heard_in(rx)) == 0  # joined with nobody: nothing of the conversation to keep


async def test_a_phone_that_dies_in_mid_call_does_not_hurt_the_others(tmp_path: Path) -> None:
    """Its port is closed then, and every packet to it comes back as an error on a limited socket."""
    sayings = write_sayings(tmp_path)
    rx, tx = tmp_path / "rx.wav", tmp_path / "tx.wav"
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        await site.talk(client, anna, sayings)
        site.send(LimitSource(leg="c"), LimitSource(leg="a"), Record(leg="c", rx=str(rx), tx=str(tx)))
        psutil.Process(anna.pid).kill()
        await asyncio.sleep(2.0)
        site.send(HangUp(leg="c"))
        await site.heard(Recorded, "c")
        await site.heard(Ended, "c")

    assert soundfile.info(rx).frames == soundfile.info(tx).frames > 12_000
    assert likeness(heard_in(rx), CLIENT) > 0.9


def test_a_port_that_is_not_ours_cannot_be_limited() -> None:
    with pytest.raises(SourceNotLimited):
        limit_source(f"127.0.0.1:{free_port()}", "127.0.0.1:4000")


def test_a_limited_socket_hears_its_source_alone_and_a_held_one_changes_nothing() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as friend,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        for each in (ours, friend, stranger):
            each.bind(("127.0.0.1", 0))
        here = "{}:{}".format(*ours.getsockname())
        limit_source(here, "{}:{}".format(*friend.getsockname()))
        limit_source(here, "0.0.0.0:0")
        stranger.sendto(b"stranger", ours.getsockname())
        friend.sendto(b"friend", ours.getsockname())
        ours.settimeout(2)
        assert ours.recv(100) == b"friend"
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(100)
        ours.sendto(b"back", friend.getsockname())
        friend.settimeout(2)
        assert friend.recv(100) == b"back"
