"""A day on a FreePBX, folded from its CEL table to the last figure: whole seconds, local time, no rows of dialling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.shipping import Heard, Shipment, Stream
from gateway.reading import read_journal
from gateway.receiving import Receiving
from sip.cel_table import CelTable
from sip.journal import JournalCondition, JournalStatus
from tests.gateway.freepbx_site import (
    DAY,
    FreePbxSite,
    journal_of_day,
    open_freepbx_site,
    open_twin,
    read_any,
    truth_of_day,
    write_journal,
)
from tests.gateway.site import figures, recounted
from tests.sip.cel_tables import MOSCOW, SqliteTable, recorded_day

NEAR = 1.15
"""Seconds: a whole second at one end, and the phones' own clocks."""
EXACT = (
    *("kind", "direction", "client_number", "did", "result", "missed_reason", "answered_by", "hung_up_by", "complete"),
    *("unmapped", "transfers"),
)


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    return SqliteTable(tmp_path / "cel.sqlite")


def told(call: dict[str, Any]) -> dict[str, Any]:
    """What a stored call says without its seconds."""
    found = {key: call[key] for key in EXACT if key != "missed_reason"}
    found["missed_reason"] = call["reason"] if call["result"] == "missed" else None
    found["transfers"] = [{k: t[k] for k in ("kind", "by", "to", "outcome", "taken_by")} for t in call["transfers"]]
    return found | {"managers": sorted(part["extension"] for part in call["managers"])}


def told_by_phones(call: dict[str, Any]) -> dict[str, Any]:
    """The same of a call as the phones saw it."""
    found = {key: call.get(key) for key in EXACT} | {"client_number": call["client"]}
    return found | {"managers": sorted(part["extension"] for part in call["managers"])}


def seconds_of(call: dict[str, Any]) -> dict[str, float]:
    """The durations of a stored call."""
    found = {f"{name}_seconds": call[f"{name}_us"] / 1e6 for name in ("wait", "talk", "ring", "outside")}
    for part in call["managers"]:
        for name in ("rang_seconds", "talk_seconds"):
            found[f"{part['extension']} {name}"] = part[name]
    return found


def seconds_by_phones(call: dict[str, Any]) -> dict[str, float]:
    """The same of a call as the phones saw it."""
    found = {f"{name}_seconds": call[f"{name}_seconds"] for name in ("wait", "talk", "ring", "outside")}
    for part in call["managers"]:
        for name in ("rang_seconds", "talk_seconds"):
            found[f"{part['extension']} {name}"] = part[name]
    return found


def stretches(call: dict[str, Any]) -> int:
    """How many pieces a duration may be made of; each may lose a second."""
    return 1 + len(call["transfers"])


async def read_day(site: FreePbxSite, source: CelTable) -> list[dict[str, Any]]:
    """Read the whole day."""
    day = truth_of_day()

    async def done() -> bool:
        return await site.ended(len(day))

    await site.read(source, done)
    return [c for c in await site.calls() if c["kind"] != "service"]


async def test_the_day_is_folded_as_the_phones_saw_it(database: str, table: SqliteTable) -> None:
    table.add(recorded_day())
    async with open_freepbx_site(database) as site:
        calls = await read_day(site, table.source)

        truth = truth_of_day()
        assert [told(c) for c in calls] == [told_by_phones(c) for c in truth]
        for call, real in zip(calls, truth, strict=True):
            assert abs(call["started_at"] - datetime.fromisoformat(real["started_at"])) < timedelta(seconds=NEAR)
            seen = seconds_by_phones(real)
            for name, seconds in seconds_of(call).items():
                assert abs(seconds - seen[name]) <= NEAR * stretches(real), (real["did"], name)
        assert await site.pool.fetchval("select count(*) from quarantine") == 0


async def test_the_days_figures_are_those_of_a_recount_and_of_the_phones(database: str, table: SqliteTable) -> None:
    table.add(recorded_day())
    async with open_freepbx_site(database) as site:
        calls = await read_day(site, table.source)

        assert await figures(site.pool) == await recounted(site.pool)
        truth = truth_of_day()
        rows = await site.pool.fetch(
            "select e.extension, sum(d.answered) as answered, sum(d.talk_us) as talk_us from manager_day d"
            " join extension e on e.user_id = d.user_id where d.calls <> 0 group by 1"
        )
        taken = {r["extension"]: int(r["answered"]) for r in rows}
        talked = {r["extension"]: float(r["talk_us"]) / 1e6 for r in rows}
        told = [c for c in truth if c["kind"] == "client"]
        assert taken == {
            x: sum(x in c["answered_by"] for c in told) for x in {p["extension"] for c in told for p in c["managers"]}
        }
        for extension, seconds in talked.items():
            parts = [p["talk_seconds"] for c in told for p in c["managers"] if p["extension"] == extension]
            assert abs(seconds - sum(parts)) <= NEAR * sum(part > 0 for part in parts)
        assert len(calls) == len(truth)


async def test_the_journal_of_the_same_day_tells_the_same_calls(
    database: str, table: SqliteTable, tmp_path: Path
) -> None:
    table.add(recorded_day())
    async with open_freepbx_site(database) as site:
        from_table = await read_day(site, table.source)
        await site.pool.execute("truncate journal_cursor, journal_source, journal_history, family, call cascade")
        await site.restart()
        path = write_journal(tmp_path, journal_of_day(DAY))

        async def done() -> bool:
            return await site.ended(len(from_table))

        await site.run(lambda: read_journal(path, site.pool, site.pipeline, JournalStatus(), read=read_any), done)
        from_journal = [c for c in await site.calls() if c["kind"] != "service"]

    assert [c["key"] for c in from_table] == [c["key"] for c in from_journal]
    assert [told(c) for c in from_table] == [told(c) for c in from_journal]


@pytest.mark.parametrize("stop_after", [1, 77, 200, 391])
async def test_a_gateway_stopped_in_the_middle_of_the_day_ends_with_the_same_calls(
    database: str, table: SqliteTable, stop_after: int
) -> None:
    day = recorded_day()
    table.add(day[:stop_after])
    async with open_freepbx_site(database) as site:

        async def read_so_far() -> bool:
            return site.status.records >= stop_after and not site.pipeline.rows_wait

        await site.read(table.source, read_so_far)
        await site.restart()
        table.add(day[stop_after:])
        calls = await read_day(site, table.source)

        assert [told(c) for c in calls] == [told_by_phones(c) for c in truth_of_day()]
        assert await figures(site.pool) == await recounted(site.pool)


async def test_what_the_table_held_before_the_first_meeting_is_history(database: str, table: SqliteTable) -> None:
    table.add(recorded_day())
    async with open_freepbx_site(database) as site:
        await read_day(site, table.source)

        history = await site.pool.fetchrow("select * from journal_history")
        ended = await site.pool.fetch("select body from fact where kind = 'call.ended'")

    assert history["before"] is not None
    assert history["ended_at"] is not None
    assert len(ended) == len(truth_of_day())
    assert all(row["body"].get("history") for row in ended)


async def test_a_call_after_the_first_meeting_is_none_of_history(database: str, table: SqliteTable) -> None:
    day = recorded_day()
    table.add(day[:391])
    async with open_freepbx_site(database) as site:

        async def read_so_far() -> bool:
            return site.status.records >= 391 and not site.pipeline.rows_wait

        await site.read(table.source, read_so_far)
        table.add(day[391:])
        await site.restart()
        await read_day(site, table.source)
        ended = await site.pool.fetch("select body from fact where kind = 'call.ended' order by id")

    assert ended[0]["body"].get("history")
    assert not ended[-1]["body"].get("history")


async def test_another_table_in_its_place_is_read_and_what_it_tells_of_the_time_before_starts_nothing(
    database: str, table: SqliteTable
) -> None:
    day = recorded_day()
    begin = next(n for n, r in enumerate(day) if str(r["linkedid"]) == str(day[-1]["linkedid"]))
    table.add(day[begin:])
    async with open_freepbx_site(database) as site:

        async def first() -> bool:
            return await site.ended(1) and not site.pipeline.rows_wait

        await site.read(table.source, first)
        await site.pool.execute("update journal_history set before = '2020-01-01'")  # as if met long ago
        await site.restart()
        table.make()
        table.add({**r, "id": n} for n, r in enumerate(day[:begin], start=1))
        calls = await read_day(site, table.source)
        ended = await site.pool.fetch("select body from fact where kind = 'call.ended' order by id")

    assert [told(c) for c in calls] == [told_by_phones(c) for c in truth_of_day()]
    assert all(row["body"].get("history") for row in ended[1:])


async def test_from_the_file_to_the_table_no_call_is_lost_or_doubled(
    database: str, table: SqliteTable, tmp_path: Path
) -> None:
    table.add(recorded_day())
    await _switched(database, table, tmp_path, file_first=True)


async def test_from_the_table_to_the_file_no_call_is_lost_or_doubled(
    database: str, table: SqliteTable, tmp_path: Path
) -> None:
    await _switched(database, table, tmp_path, file_first=False)


async def test_from_the_table_to_what_the_host_sends_no_call_is_lost_or_doubled(
    database: str, table: SqliteTable
) -> None:
    journal = journal_of_day(DAY)
    rows = journal.splitlines(keepends=True)
    cut = next(n for n, row in enumerate(rows) if n > len(rows) // 2 and row.startswith(b'"BRIDGE_ENTER"')) + 2
    moment = float(rows[cut - 1].split(b'"')[3])
    truth = truth_of_day()
    table.add(r for r in recorded_day() if _at(r) <= moment)
    async with open_freepbx_site(database) as site:

        async def read_so_far() -> bool:
            return site.pipeline.rows_taken > 100 and not site.pipeline.rows_wait and bool(site.pipeline.open_legs())

        await site.read(table.source, read_so_far)
        for piece in range(0, len(rows), 97):
            await site.restart()  # a gateway that was ended between any two batches asks the database anew
            receiving = Receiving(site.pool, site.pipeline, JournalStatus(), read=read_any)
            heard = Heard(source="a" * 32, condition="reading", lag_bytes=0, sent_at=datetime.now(UTC), version="1")
            places = await receiving.places()
            assert (places.live or {}).get("offset") == (piece or None)
            if places.live is None:
                assert places.history is None
                met = await receiving.begin(heard, last_row=rows[-1], until=None, place=None, bytes_total=0)
                assert (met.until, met.ended_at is None) == (None, False)
            shipment = Shipment(
                heard=heard,
                stream=Stream.LIVE,
                since=places.live,
                until={"inode": 7, "offset": piece + 97},
                rows=[row.rstrip(b"\n") for row in rows[piece : piece + 97]],
                broken=(),
            )
            await receiving.take(shipment)
        calls = [c for c in await site.calls() if c["kind"] != "service"]

        assert [told(c) for c in calls] == [told_by_phones(c) for c in truth]
        assert await figures(site.pool) == await recounted(site.pool)


async def _switched(database: str, table: SqliteTable, tmp_path: Path, *, file_first: bool) -> None:
    """Half of the day from one journal, and then all of it stands in the other; the switch falls into a talk."""
    journal = journal_of_day(DAY)
    rows = journal.splitlines(keepends=True)
    cut = next(n for n, row in enumerate(rows) if n > len(rows) // 2 and row.startswith(b'"BRIDGE_ENTER"')) + 2
    moment = float(rows[cut - 1].split(b'"')[3])
    truth = truth_of_day()
    async with open_freepbx_site(database) as site:

        async def done() -> bool:
            return await site.ended(len(truth))

        async def read_so_far() -> bool:
            return site.pipeline.rows_taken > 100 and not site.pipeline.rows_wait and bool(site.pipeline.open_legs())

        async def from_file(content: bytes, until: Any) -> None:
            path = write_journal(tmp_path, content)
            await site.run(lambda: read_journal(path, site.pool, site.pipeline, site.status, read=read_any), until)

        async def from_table(until: Any) -> None:
            await site.read(table.source, until)

        if file_first:
            await from_file(b"".join(rows[:cut]), read_so_far)
            await site.restart()
            await from_table(done)
        else:
            table.add(r for r in recorded_day() if _at(r) <= moment)
            await from_table(read_so_far)
            await site.restart()
            await from_file(journal, done)
        calls = [c for c in await site.calls() if c["kind"] != "service"]
        source = await site.pool.fetchrow("select * from journal_source")

        assert [told(c) for c in calls] == [told_by_phones(c) for c in truth]
        for call, real in zip(calls, truth, strict=True):
            for name, seconds in seconds_of(call).items():
                assert abs(seconds - seconds_by_phones(real)[name]) <= NEAR * stretches(real), (real["did"], name)
        assert source["kind"] == ("table" if file_first else "file")
        assert abs(source["cut_over_at"].timestamp() - moment) < 1.01
        assert await figures(site.pool) == await recounted(site.pool)


def _at(row: dict[str, object]) -> float:
    """When a row of the table was written, in seconds of the epoch."""
    return datetime.fromisoformat(str(row["eventtime"])).replace(tzinfo=MOSCOW).timestamp()


async def test_two_pbxs_with_the_same_ids_have_calls_of_their_own(database: str, table: SqliteTable) -> None:
    table.add(recorded_day())
    day = len(truth_of_day())
    async with open_freepbx_site(database) as site, open_twin(site) as twin:
        await read_day(site, table.source)

        async def both() -> bool:
            return await site.ended(2 * day)

        await twin.read(table.source, both)
        calls = await site.calls()

        first, second = ([told(c) for c in calls if c["pbx"] == name] for name in ("freepbx", "twin"))
        assert first == second
        assert len({c["id"] for c in calls}) == len(calls)
        assert await figures(site.pool) == await recounted(site.pool)


async def test_a_table_that_cannot_be_read_holds_nothing_up(database: str, table: SqliteTable) -> None:
    table.do("drop table cel")
    async with open_freepbx_site(database) as site:

        async def told_so() -> bool:
            return site.status.condition is JournalCondition.NO_TABLE

        await site.read(table.source, told_so)

        assert await site.calls() == []
