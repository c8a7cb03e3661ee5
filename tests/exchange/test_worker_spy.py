"""A supervisor's leg at a conversation: who hears whom in each mode, told by what each phone recorded."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from exchange.wire import HangUp, Record, Recorded, Spy, SpyMode
from tests.exchange.worker_site import ANNA, CHIEF, CLIENT, heard_in, likeness, open_site, phone_of, write_sayings

HEARD = 0.6
"""Likeness above which somebody's words are in a mixture of two others."""


async def test_listen_whisper_and_barge_reach_whom_they_should_and_nobody_else(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    files = {name: tmp_path / f"{name}.wav" for name in ("client", "anna", "chief", "rx", "tx")}
    async with (
        open_site() as site,
        phone_of(site, "79161234567") as client,
        phone_of(site, "101") as anna,
        phone_of(site, "109") as chief,
    ):
        call, with_anna = await site.talk(client, anna, sayings)
        watching = await site.calls_in(chief, "s", sayings[CHIEF])
        await call.record(files["client"])
        await with_anna.record(files["anna"])
        await watching.record(files["chief"])
        site.send(Record(leg="c", rx=str(files["rx"]), tx=str(files["tx"])))
        for mode in SpyMode:
            site.send(Spy(leg="s", at="a", mode=mode))
            await asyncio.sleep(2.0)
        site.send(HangUp(leg="s"))
        await watching.ended()
        await asyncio.sleep(1.5)
        site.send(HangUp(leg="a"), HangUp(leg="c"))
        await site.heard(Recorded, "c")

    def hears(who: str, whom: int) -> list[bool]:
        """While listened to, whispered to, barged in, and after the supervisor left."""
        return [likeness(heard_in(files[who], 2 * part + 0.3, 2 * part + 1.8), whom) > HEARD for part in range(4)]

    expected: Mapping[tuple[str, int], list[bool]] = {
        ("client", ANNA): [True] * 4,
        ("anna", CLIENT): [True] * 4,
        ("client", CHIEF): [False, False, True, False],
        ("anna", CHIEF): [False, True, True, False],
        ("rx", CLIENT): [True] * 4,
        ("rx", CHIEF): [False] * 4,
        ("tx", ANNA): [True] * 4,
        ("tx", CHIEF): [False] * 4,
    }
    assert {pair: hears(*pair) for pair in expected} == expected
    assert [hears("chief", who)[:3] for who in (CLIENT, ANNA)] == [[True] * 3] * 2
