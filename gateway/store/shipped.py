"""Journals that another host sends: who sends, how he does, and the first meeting with a journal.

The place up to which rows are committed is the journal's own cursor (`gateway.store.journal`), written in the rows'
transaction. The place in the history is written after its rows: what is sent twice changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.store.database import Connection, Pool, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The first meeting with a PBX's journal."""

    before: datetime | None
    """The last row's moment then, by the PBX's clock: calls of which nothing came later are history. None: no row."""
    until: Row | None = None
    """The place from which new rows are read; None: the start of the journal that comes."""
    place: Row | None = None
    """How far the older rows have been read; None: there are none."""
    bytes_total: int = 0
    bytes_done: int = 0
    began_at: datetime
    ended_at: datetime | None
    """None: older rows are still being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipper:
    """A host that sends, as it was last heard."""

    source: str
    condition: str
    lag_bytes: int
    clock_offset: timedelta | None
    """Its clock minus ours."""
    version: str
    heard_at: datetime
    silence: timedelta
    """How long ago that is, by the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Up to where everything is committed."""

    live: Row | None
    history: History | None


async def history_of(source: Pool | Connection, pbx: str) -> History | None:
    """The first meeting with a PBX's journal; None: its rows were read before there was such a thing, or never."""
    row = await source.fetchrow(
        "select before, until, place, bytes_total, bytes_done, began_at, ended_at from journal_history where pbx = $1",
        pbx,
    )
    return History(**dict(row)) if row else None


async def history_before(source: Pool | Connection, pbx: str) -> datetime | None:
    """The moment up to which a PBX's calls are history; None: none is."""
    found: datetime | None = await source.fetchval("select before from journal_history where pbx = $1", pbx)
    return found


async def begin_history(
    source: Pool | Connection,
    pbx: str,
    *,
    before: datetime | None,
    until: Row | None,
    place: Row | None,
    bytes_total: int,
) -> History:
    """Write down the first meeting; where it was written down before, that stands.

    Args:
        source: the database.
        pbx: the PBX's name.
        before: moment of the last row there was; None: there was none.
        until: the place from which new rows are read.
        place: where the older rows begin; None: there are none.
        bytes_total: their bytes, as far as that can be told.
    """
    await source.execute(
        "insert into journal_history (pbx, before, until, place, bytes_total, ended_at)"
        " values ($1, $2, $3, $4, $5, case when $4::jsonb is null then now() end) on conflict do nothing",
        pbx,
        before,
        until,
        place,
        bytes_total,
    )
    found = await history_of(source, pbx)
    assert found is not None
    return found


async def note_history(source: Pool | Connection, pbx: str, *, place: Row, bytes_done: int, ended: bool) -> None:
    """Move the place in the older rows.

    Args:
        source: the database.
        pbx: the PBX's name.
        place: behind the rows that are committed.
        bytes_done: how much has been read.
        ended: whether that was all.
    """
    await source.execute(
        "update journal_history set place = $2, bytes_done = greatest(bytes_done, $3),"
        " ended_at = case when $4 then coalesce(ended_at, now()) else ended_at end where pbx = $1",
        pbx,
        place,
        bytes_done,
        ended,
    )


_SHIPPER = (
    "source, condition, lag_bytes, clock_offset_us, version, heard_at,"
    " greatest(clock_timestamp() - heard_at, interval '0') as silence"
)


async def shipper_of(source: Pool | Connection, pbx: str) -> Shipper | None:
    """Who sends a PBX's journal; None: nobody ever did."""
    row = await source.fetchrow(f"select {_SHIPPER} from shipped_journal where pbx = $1", pbx)
    if row is None:
        return None
    values = dict(row)
    offset = values.pop("clock_offset_us")
    return Shipper(clock_offset=None if offset is None else timedelta(microseconds=offset), **values)


async def note_shipper(
    source: Pool | Connection,
    pbx: str,
    *,
    host: str,
    condition: str,
    lag_bytes: int,
    clock_offset: timedelta | None,
    version: str,
    silent: timedelta,
) -> str | None:
    """Write down that a host was heard of.

    Args:
        source: the database.
        pbx: whose journal it sends.
        host: who it is.
        condition: how its journal's reader does.
        lag_bytes: what it has not sent yet.
        clock_offset: its clock minus ours; None: not measured.
        version: of its program.
        silent: another host is let in when the present one was not heard of for so long.

    Returns:
        None: it may send. Else the host that sends at the moment.
    """
    taken = await source.fetchval(
        "insert into shipped_journal as s (pbx, source, condition, lag_bytes, clock_offset_us, version, heard_at)"
        " values ($1, $2, $3, $4, $5, $6, clock_timestamp()) on conflict (pbx) do update set source = excluded.source,"
        " condition = excluded.condition, lag_bytes = excluded.lag_bytes,"
        " clock_offset_us = coalesce(excluded.clock_offset_us, s.clock_offset_us), version = excluded.version,"
        " heard_at = excluded.heard_at"
        " where s.source = excluded.source or s.heard_at < clock_timestamp() - $7::interval returning s.source",
        pbx,
        host,
        condition,
        lag_bytes,
        None if clock_offset is None else round(clock_offset / timedelta(microseconds=1)),
        version,
        silent,
    )
    if taken is not None:
        return None
    return str(await source.fetchval("select source from shipped_journal where pbx = $1", pbx))


async def states_of_recordings(source: Pool | Connection, pbx: str, names: Collection[str]) -> Mapping[str, Row]:
    """What the database knows of recordings: state, whether they came whole, when they were stored; by name."""
    rows = await source.fetch(
        "select name, state, source_whole, stored_at from recording where pbx = $1 and name = any($2::text[])",
        pbx,
        list(names),
    )
    return {r["name"]: dict(r) for r in rows}


async def note_clock(source: Pool | Connection, pbx: str, offset: timedelta) -> None:
    """Write down a PBX's clock minus ours."""
    await source.execute(
        "insert into pbx_clock (pbx, offset_us) values ($1, $2)"
        " on conflict (pbx) do update set offset_us = excluded.offset_us, measured_at = now()",
        pbx,
        round(offset / timedelta(microseconds=1)),
    )


async def clocks_of_calls(
    source: Pool | Connection, calls: Collection[UUID], *, beyond: timedelta
) -> Mapping[UUID, timedelta]:
    """The clocks of the PBXs of calls minus ours, where they are off by more than that; by call."""
    rows = await source.fetch(
        "select c.id, k.offset_us from call c join pbx_clock k on k.pbx = c.pbx"
        " where c.id = any($1::uuid[]) and abs(k.offset_us) > $2",
        list(calls),
        round(beyond / timedelta(microseconds=1)),
    )
    return {r["id"]: timedelta(microseconds=r["offset_us"]) for r in rows}
