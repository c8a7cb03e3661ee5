"""Rows that nobody should have to read: none stops the line or takes another call with it, all are found again."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.calls import fold_family
from gateway.domain.legs import in_order
from sip.cel import read_row
from tests.faults.plant import calls_of, truth
from tests.gateway.site import Site, figures, open_site, recounted, rows_of

pytestmark = pytest.mark.asyncio
Change = Callable[[bytes], bytes]
_TIME = re.compile(rb'^("[A-Z_]+"),"[^"]*"')
_EXTRA = re.compile(rb'"(?:[^"]|"")*"$')
_ROOM = re.compile(rb"\b[0-9a-f]{8}(?=-[0-9a-f]{4}-)")
_BRIDGE = re.compile(rb'(""bridge_id"":"")[^"]+')


def at(moment: bytes) -> Change:
    """Rows of this time."""
    return lambda row: _TIME.sub(lambda m: m[1] + b',"' + moment + b'"', row)


def told(extra: bytes) -> Change:
    """Rows with this in their last column."""
    return lambda row: _EXTRA.sub(lambda _: b'"' + extra.replace(b'"', b'""') + b'"', row)


def instead(old: bytes, new: bytes) -> Change:
    """Rows with one text for another."""
    return lambda row: row.replace(old, new)


READABLE: dict[str, Change] = {
    "a clock that was lost": at(b"12.5"),
    "a leg id of 150 characters": instead(b"pbx1-79", b"p" * 130),
    "a channel name of 300 characters": instead(b"PJSIP/trunk", b"PJSIP/trunk" + b"t" * 300),
    "emoji": instead(b"Client", "😀👩‍👩‍👧".encode() * 20),
    "marks of right-to-left writing": instead(b"Client", "\u202e\u2066name\u200f".encode()),
    "line breaks of Unicode": instead(b"Client", "a\u2028b\u2029c\x85".encode()),
    "line breaks": instead(b"Client", b"a\r\nb\n\n"),
    "NUL": instead(b"Client", b"a\0b"),
    "a surrogate in UTF-8": instead(b"Client", b"\xed\xa0\x80"),
    "no UTF-8": instead(b"Client", b"\xff\xfe\x80" * 50),
    "a number of 500 digits": instead(b"79161234567", b"7" * 500),
    "a number of 20 digits": instead(b"79161234567", b"79161234567890123456"),
    "a number in other digits": instead(b"79161234567", "٧٩١٦١٢٣٤٥٦٧".encode()),
    "a number of plus signs": instead(b"79161234567", b"+" * 500),
    "a number that is SQL": instead(b"79161234567", b"'; drop table call; --"),
    "a number that is a format": instead(b"79161234567", b"%s%n{0}\\x00"),
    "an extension of 4000 digits": instead(b"4950001", b"9" * 4000),
    "a bridge of 3000 bytes": lambda row: _BRIDGE.sub(rb"\1" + b"b" * 3000, row),
    "a hang-up cause that is no number": told(b'{"hangupcause":"---","hangupsource":"x"}'),
    "infinity in JSON": told(b'{"hangupcause":Infinity,"bridge_id":NaN}'),
    "JSON that is none": told(b'{"hangupcause":'),
}
UNREADABLE: dict[str, Change] = {
    "the year 1": at(b"0001-01-01 00:00:00"),
    "the year 9999": at(b"253402300799.999999"),
    "a time beyond the calendar": at(b"9999999999999.0"),
    "a time of 500 digits": at(b"9" * 500),
    "a negative time": at(b"-5.5"),
    "no time": at(b"nan"),
    "a leg id of 200 characters": instead(b"pbx1-79", b"p" * 180),
    "JSON of 100,000 characters": told(b'{"a":"' + b"x" * 100_000 + b'"}'),
    "JSON that is too deep": told(b'{"a":' + b"[" * 1900 + b"]" * 1900 + b"}"),
    "a surrogate as a leg": told(b'{"transferee_channel_uniqueid":"\\ud800"}'),
    "NUL as a leg": told(b'{"channel2_uniqueid":"\\u0000x"}'),
}
SOME: dict[str, Change] = {
    "a hang-up cause of 500 digits": told(b'{"hangupcause":' + b"9" * 500 + b"}"),
    "a bridge of 5 kB": lambda row: _BRIDGE.sub(rb"\1" + b"b" * 5000, row),
}
"""Some of their rows can be kept, and the call with them."""


async def poisoned(site: Site, change: Change) -> tuple[list[tuple[object, ...]], int]:
    """Give a changed call between two good ones; gives the calls, and how many rows were put into quarantine."""
    good = rows_of("in_answered"), rows_of("blind_xfer_refer")
    bad = [change(_ROOM.sub(b"9" * 8, row).replace(b"pbx1-", b"pbx1-79")) for row in rows_of("in_answered")]
    mixed = [row for three in zip(*good, bad, strict=False) for row in three]
    await site.take_all(list(dict.fromkeys([*mixed, *good[0], *good[1], *bad])))
    await site.restart()
    await site.take_all(rows_of("out_answered"))

    right = await truth(site.pool, [*good[0], *good[1], *rows_of("out_answered")])
    found = await calls_of(site.pool)
    assert [call for call in right if call not in found] == [], "a good call suffered"
    assert await figures(site.pool) == await recounted(site.pool)
    assert await site.pool.fetchval("select count(*) from family where open") == 0
    return [call for call in found if call not in right], await site.pool.fetchval("select count(*) from quarantine")


@pytest.mark.parametrize("kind", READABLE)
async def test_a_call_with_strange_rows_comes_out(database: str, kind: str) -> None:
    async with open_site(database) as site:
        calls, refused = await poisoned(site, READABLE[kind])

        assert len(calls) == 1
        assert refused == 0


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_rows_that_cannot_be_read_are_kept_in_quarantine(database: str, kind: str) -> None:
    async with open_site(database) as site:
        calls, refused = await poisoned(site, UNREADABLE[kind])

        assert calls == []
        assert refused == len(rows_of("in_answered"))


@pytest.mark.parametrize("kind", SOME)
async def test_a_call_survives_the_loss_of_some_rows(database: str, kind: str) -> None:
    async with open_site(database) as site:
        calls, refused = await poisoned(site, SOME[kind])

        assert len(calls) == 1
        assert 0 < refused < len(rows_of("in_answered"))


async def test_what_is_in_quarantine_is_there_once(database: str) -> None:
    async with open_site(database) as site:
        for _ in range(3):
            await site.pipeline.take([b'"NO_SUCH_EVENT"'], broken=[("quotes", b"garbage \xff\0")], cursor={"offset": 1})
            await site.restart()

        assert await site.pool.fetchval("select count(*) from quarantine") == 2


def conference(rows: int, legs: int) -> list[bytes]:
    """A room that is never empty: people come and go, every thirtieth is Anna or Boris."""
    made: list[bytes] = []
    present: list[int] = []
    moment, number = datetime(2026, 3, 2, 6, tzinfo=UTC), 0

    def tell(kind: str, leg: int, extra: str = "") -> None:
        nonlocal moment
        moment += timedelta(milliseconds=500)
        channel = f"PJSIP/10{1 + leg % 2}-{leg:08x}" if leg % 30 < 2 else f"PJSIP/trunk-{leg:08x}"
        row = [kind, f"{moment.timestamp():.6f}", "", f"7916{leg:07d}", "", "", "600", "from-trunk", channel, "", "",
               f"pbx1-7.{leg}", f"pbx1-7.{leg}", "", "", "", extra]  # fmt: skip
        made.append(",".join('"' + field.replace('"', '""') + '"' for field in row).encode())

    while len(made) < rows:
        if len(present) < legs:
            present.append(number)
            for kind in ("CHAN_START", "ANSWER"):
                tell(kind, number)
            tell("BRIDGE_ENTER", number, '{"bridge_id":"room","bridge_technology":"softmix"}')
            number += 1
        else:
            leg = present.pop(number % legs)
            tell("BRIDGE_EXIT", leg, '{"bridge_id":"room","bridge_technology":"softmix"}')
            tell("HANGUP", leg, '{"hangupcause":16}')
            tell("CHAN_END", leg)
    return made


async def test_a_conference_of_thousands_of_rows_comes_out_right(database: str) -> None:
    rows = conference(5000, 60)
    async with open_site(database) as site:
        await site.take_all(rows)
        await site.take_all(rows_of("in_answered"))

        directory = site.pipeline.tables.directory
        expected = fold_family(in_order(e for e in map(read_row, rows) if e), directory)
        found = {r["key"]: r for r in await site.pool.fetch("select * from call where family_id = (select family_id"
                 " from leg where id = 'pbx1-7.0')")}  # fmt: skip
        assert len(expected) > 500
        assert {c.key: list(c.answered_by) for c in expected} == {k: r["answered_by"] for k, r in found.items()}
        assert await figures(site.pool) == await recounted(site.pool)
