"""A worker carries legs: who hears whom, in which codecs, and what its files hold. Real phones throughout."""

import asyncio
from pathlib import Path

import pytest
import soundfile

from exchange.wire import (
    Answer,
    Digit,
    Digits,
    Early,
    Ended,
    EndedBy,
    HangUp,
    Join,
    Play,
    Progress,
    Record,
    Recorded,
    Ring,
    Ringing,
    Sound,
    StopRecord,
)
from lab.phones import Codec
from tests.exchange.worker_site import (
    ANNA,
    BORIS,
    CLIENT,
    heard_in,
    likeness,
    open_site,
    over,
    phone_of,
    recording,
    write_sayings,
)


@pytest.fixture(scope="module")
def sayings(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """What each of them says."""
    return write_sayings(tmp_path_factory.mktemp("sayings"))


@pytest.mark.parametrize(
    ("of_client", "of_anna"),
    [(Codec.MU_LAW, Codec.MU_LAW), (Codec.A_LAW, Codec.A_LAW), (Codec.G722, Codec.G722), (Codec.G722, Codec.A_LAW)],
)
async def test_two_legs_hear_each_other_and_are_recorded(
    of_client: Codec, of_anna: Codec, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    order, rx, tx = recording(tmp_path)
    heard_by_client, heard_by_anna = tmp_path / "client.wav", tmp_path / "anna.wav"
    async with (
        open_site() as site,
        phone_of(site, "79161234567", of_client) as client,
        phone_of(site, "101", of_anna) as anna,
    ):
        call, with_anna = await site.talk(client, anna, sayings)
        site.send(order)
        await call.record(heard_by_client)
        await with_anna.record(heard_by_anna)
        await asyncio.sleep(2.5)
        await call.hang_up()
        ended = await site.heard(Ended, "c")
        site.send(HangUp(leg="a"))
        await with_anna.ended()
        await site.heard(Recorded, "c")
        assert (await site.heard(Ended, "a")).by is EndedBy.US

    assert {e.leg: e.codec for e in site.all_of(Sound)} == {"c": of_client, "a": of_anna}
    assert (ended.code, ended.by) == (200, EndedBy.FAR)
    lengths = [soundfile.info(file).frames for file in (rx, tx)]
    assert lengths[0] == lengths[1] > 2 * 8000
    for file, who, other in ((rx, CLIENT, ANNA), (tx, ANNA, CLIENT)):
        assert likeness(heard_in(file), who) > 0.9
        assert likeness(heard_in(file), other) < 0.6
    assert likeness(heard_in(heard_by_client), ANNA) > 0.9
    assert likeness(heard_in(heard_by_anna), CLIENT) > 0.9


async def test_sound_before_the_answer_is_heard_in_both_directions_of_dialling(
    tmp_path: Path, sayings: dict[int, Path]
) -> None:
    """A second worker plays the provider: 183 with an announcement, and no answer."""
    heard_by_client = tmp_path / "client.wav"
    async with open_site() as site, open_site() as provider, phone_of(site, "79161234567") as client:
        call = await site.calls_in(client, "c")
        await site.dials(f"sip:200@127.0.0.1:{provider.worker.port}", "p")
        await provider.arrived("x")
        provider.send(Ring(leg="x"))
        assert (await site.heard(Ringing, "p")).code == 180
        provider.send(Progress(leg="x"), Play(leg="x", file=str(sayings[BORIS]), loop=True))
        await site.heard(Early, "p")
        site.send(Join(legs=("c", "p")))
        await call.record(heard_by_client)
        await asyncio.sleep(1.8)
        site.send(HangUp(leg="p"))
        assert (await provider.heard(Ended, "x")).by is EndedBy.FAR
        assert (await site.heard(Ended, "p")).code == 487
        await call.hang_up()
        await site.heard(Ended, "c")

    assert likeness(heard_in(heard_by_client), BORIS) > 0.9


async def test_digits_go_both_ways_and_are_not_passed_on_unasked(sayings: dict[int, Path]) -> None:
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        call, with_anna = await site.talk(client, anna, sayings)
        await call.dtmf("15#")
        await site.heard(Digit, "c", times=3)
        site.send(Digits(leg="a", digits="42*"))
        async with asyncio.timeout(60):
            while with_anna.digits != "42*":
                await asyncio.sleep(0.05)

    assert "".join(e.digit for e in site.all_of(Digit)) == "15#"
    assert call.digits == ""


async def test_a_recording_can_end_before_the_call_and_begin_again(tmp_path: Path, sayings: dict[int, Path]) -> None:
    order, rx, tx = recording(tmp_path)
    again = Record(leg="c", rx=str(tmp_path / "2-rx.wav"), tx=str(tmp_path / "2-tx.wav"))
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        await site.talk(client, anna, sayings)
        site.send(order)
        await asyncio.sleep(1.2)
        site.send(StopRecord(leg="c"))
        await site.heard(Recorded, "c")
        first = [soundfile.info(file).frames for file in (rx, tx)]
        site.send(again)
        await asyncio.sleep(0.7)
        await over(site, "a", "c")
        await site.heard(Recorded, "c", times=2)

    assert first[0] == first[1]
    assert first == [soundfile.info(file).frames for file in (rx, tx)]
    assert soundfile.info(again.rx).frames == soundfile.info(again.tx).frames > 4000


async def test_an_arrived_leg_rings_and_is_answered_when_told_so(sayings: dict[int, Path]) -> None:
    async with open_site() as site, phone_of(site, "101") as anna:
        call = await anna.dial("200", headers={"X-Trunkline-From": "phone:101", "X-Other": "1"})
        incoming = await site.arrived("a")
        site.send(Ring(leg="a"))
        await call.ringing()
        site.send(Answer(leg="a"))
        await call.connected()

    assert incoming.from_uri.startswith("sip:101@127.0.0.1")
    assert incoming.uri.startswith("sip:200@127.0.0.1")
    assert incoming.headers["x-trunkline-from"] == "phone:101"
    assert "x-other" not in incoming.headers
