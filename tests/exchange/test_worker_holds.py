"""Holds of every kind, pauses and another partner: the recording goes on in time, and holds silence where it should."""

import asyncio
import time
from pathlib import Path

import pytest
import soundfile

from exchange.wire import HangUp, Held, Hold, Join, Part, Pause, Play, Resumed, StopPlay, Unhold
from lab.phones import Codec
from tests.exchange.worker_site import (
    ANNA,
    BORIS,
    CHIEF,
    CLIENT,
    heard_in,
    likeness,
    loudness,
    open_site,
    over,
    phone_of,
    recording,
    write_sayings,
)

SILENCE = 30.0
"""Below this loudness nobody speaks: the quantization noise of G.711."""


class TimeLine:
    """When what went on, in seconds since a recording began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.parts: dict[str, tuple[float, float]] = {}

    async def lasts(self, name: str, seconds: float = 1.7) -> None:
        """Let something go on for a while; its edges are left out."""
        start = time.monotonic() - self._began
        await asyncio.sleep(seconds)
        self.parts[name] = (start + 0.4, start + seconds - 0.15)

    def seconds(self) -> float:
        """How long it has been."""
        return time.monotonic() - self._began


async def test_the_recording_keeps_its_time_line_over_every_kind_of_hold(
    tmp_path: Path,
) -> None:
    """Talk, hold by the phone, talk, hold by order with music, talk, pause, talk, and on with another partner."""
    sayings = write_sayings(tmp_path)
    order, rx, tx = recording(tmp_path)
    heard_by_client = tmp_path / "client.wav"
    async with (
        open_site() as site,
        phone_of(site, "79161234567", Codec.A_LAW) as client,
        phone_of(site, "101") as anna,
        phone_of(site, "102") as boris,
    ):
        await boris.script(answer_after=0.0, play=sayings[BORIS])
        call, with_anna = await site.talk(client, anna, sayings)
        site.send(order)
        line = TimeLine()
        await call.record(heard_by_client)
        await line.lasts("talk")
        await with_anna.hold()
        await site.heard(Held, "a")
        await line.lasts("hold by the phone")
        await with_anna.unhold()
        await site.heard(Resumed, "a")
        await line.lasts("talk again")
        site.send(Hold(leg="c"), Play(leg="c", file=str(sayings[CHIEF]), loop=True))
        await line.lasts("hold by order")
        site.send(StopPlay(leg="c"), Unhold(leg="c"))
        await line.lasts("talk once more")
        site.send(Pause(leg="c", paused=True))
        await line.lasts("pause")
        site.send(Pause(leg="c", paused=False))
        await line.lasts("talk after all")
        site.send(Part(legs=("c", "a")), HangUp(leg="a"))
        await site.reaches(boris, "b")
        site.send(Join(legs=("c", "b")))
        await line.lasts("another")
        whole = line.seconds()
        await over(site, "b", "c")

    lengths = [soundfile.info(file).frames for file in (rx, tx)]
    assert lengths[0] == lengths[1]
    assert lengths[0] / 8000 == pytest.approx(whole, abs=0.5)
    for file, who, last in ((rx, CLIENT, CLIENT), (tx, ANNA, BORIS)):
        for name, part in line.parts.items():
            if name.startswith("talk"):
                assert likeness(heard_in(file, *part), who) > 0.9, name
            elif name != "another":
                assert loudness(heard_in(file, *part)) < SILENCE, name
        assert likeness(heard_in(file, *line.parts["another"]), last) > 0.9
    assert likeness(heard_in(heard_by_client, *line.parts["hold by order"]), CHIEF) > 0.9
