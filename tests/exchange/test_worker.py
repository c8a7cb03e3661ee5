"""A worker carries two legs: who hears whom, in which codecs, and what its files hold. Real phones throughout."""

import asyncio
from pathlib import Path

import pytest
import soundfile

from exchange.wire import (
    Answered,
    Digit,
    Digits,
    Ended,
    EndedBy,
    HangUp,
    Held,
    Hold,
    Join,
    Part,
    Pause,
    Record,
    Recorded,
    Resumed,
    Sound,
    StopRecord,
    Unhold,
)
from lab.phones import Codec
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


@pytest.fixture(scope="module")
def sayings(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """What each of them says."""
    return write_sayings(tmp_path_factory.mktemp("sayings"))


def recording(folder: Path) -> tuple[Record, Path, Path]:
    """The order to record the client's leg, and its files."""
    rx, tx = folder / "c-rx.wav", folder / "c-tx.wav"
    return Record(leg="c", rx=str(rx), tx=str(tx)), rx, tx


async def over(site: Site) -> None:
    """End both legs and wait for the files."""
    site.send(HangUp(leg="a"), HangUp(leg="c"))
    await site.heard(Ended, "a")
    await site.heard(Ended, "c")
    await site.heard(Recorded, "c")


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

    assert {e.leg: e.codec for e in site.all_of(Sound)} == {"c": of_client, "a": of_anna}
    assert (ended.code, ended.by) == (200, EndedBy.FAR)
    assert (await site.heard(Ended, "a")).by is EndedBy.US
    lengths = [soundfile.info(file).frames for file in (rx, tx)]
    assert lengths[0] == lengths[1] > 2 * 8000
    for file, who, other in ((rx, CLIENT, ANNA), (tx, ANNA, CLIENT)):
        assert likeness(heard_in(file), who) > 0.9
        assert likeness(heard_in(file), other) < 0.6
    assert likeness(heard_in(heard_by_client), ANNA) > 0.9
    assert likeness(heard_in(heard_by_anna), CLIENT) > 0.9
