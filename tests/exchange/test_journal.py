"""The exchange's journal: what is written is read back, by the reader of every journal, whatever callers are named."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.journal import NAME, Journal
from exchange.rows import BadRow, read_row, row_of
from gateway.domain.legs import LegEvent, LegEventKind, OurMove
from sip.journal import tail
from sip.records import Record, RecordSplitter

AT = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)


def started(name: str = "Ivan", leg: str = "x1") -> LegEvent:
    return LegEvent(at=AT, kind=LegEventKind.STARTED, leg=leg, family=leg, channel="SIP/trunk-00000001", name=name)


def test_every_field_of_an_event_comes_back() -> None:
    event = LegEvent(
        at=AT,
        kind=LegEventKind.ATTENDED_TRANSFERRED,
        leg="x1",
        family="x2",
        channel="SIP/101-0000001f",
        number="79161234567",
        name='Ivan "the" Great, son; of ${X}\\',
        exten="102",
        context="c",
        dnid="4950001",
        app="Dial",
        app_data="a,b",
        bridge="b1",
        holding=True,
        transferee="x3",
        second="x4",
        transfer_target="x5",
        second_bridge="b2",
        target="102",
        cause=16,
        source="SIP/101-0000001f",
        dial_status="BUSY",
        reason="worker_died",
        ours=OurMove.HELD,
    )

    assert read_row(row_of(event)) == event


@given(st.text(max_size=300))
def test_no_name_forges_a_row(name: str) -> None:
    row = row_of(started(name.encode("utf-8", "replace").decode()))
    pieces = RecordSplitter().feed(row + b"\n")

    assert [piece.data for piece in pieces if isinstance(piece, Record)] == [row]
    event = read_row(row)
    assert event is not None
    assert (event.leg, event.kind) == ("x1", LegEventKind.STARTED)


@pytest.mark.parametrize("row", [b"", b'"STARTED","1"', b"{}", b'"' * 40, b"\xff\xfe", row_of(started())[:-3]])
def test_what_is_no_row_is_refused(row: bytes) -> None:
    with pytest.raises(BadRow):
        read_row(row)


def test_a_row_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BadRow):
        read_row(row_of(started()).replace(b'"STARTED"', b'"EXPLODED"'))


async def test_rows_are_read_through_a_rotation_each_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, rotate_bytes=2000)
    legs = [f"x{n}" for n in range(40)]
    seen: list[str] = []
    async with aclosing(tail(tmp_path / NAME, None, grace_seconds=0.1)) as batches:
        journal.write([started(leg=legs[0])])
        async with asyncio.timeout(60):
            async for batch in batches:
                seen += [event.leg for record in batch.records if (event := read_row(record.data)) is not None]
                if len(seen) >= len(legs):
                    break
                journal.write([started(leg=leg) for leg in legs[len(seen) : len(seen) + 7]])
    journal.close()

    assert seen == legs
    assert (tmp_path / f"{NAME}.1").exists()


def test_a_row_torn_by_a_kill_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.write([started()])
    first.close()
    with (tmp_path / NAME).open("ab") as file:
        file.write(row_of(started(leg="torn"))[:30])
    second = Journal(tmp_path)
    second.write([started(leg="x2")])
    second.close()
    pieces = RecordSplitter().feed((tmp_path / NAME).read_bytes())

    legs = [event.leg for piece in pieces if isinstance(piece, Record) and (event := read_row(piece.data))]
    assert legs == ["x1", "x2"]
