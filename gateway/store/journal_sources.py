"""Where each PBX's rows come from now, and from which moment on."""

from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool
from gateway.store.journal import DamagedRows, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSource:
    """The journal that is read of a PBX."""

    kind: str
    """file or table."""
    cut_over_at: datetime | None
    """The last row's moment of the journal read before; None: there was none."""
    began_at: datetime
    """By the database's clock."""
    is_over: bool
    """Whether it is read beyond what the one before held."""


async def source_row(source: Pool | Connection, pbx: str) -> JournalSource | None:
    """What is read now; None: it was never written down."""
    row = await source.fetchrow("select kind, cut_over_at, began_at, is_over from journal_source where pbx = $1", pbx)
    return JournalSource(**dict(row)) if row else None


async def begin_source(source: Pool | Connection, pbx: str, kind: str, cut_over_at: datetime | None) -> JournalSource:
    """Write down that another kind of journal is read from now on; the same kind again changes nothing."""
    await source.execute(
        "insert into journal_source as s (pbx, kind, cut_over_at) values ($1, $2, $3) on conflict (pbx) do update"
        " set kind = excluded.kind, cut_over_at = excluded.cut_over_at, began_at = now(), is_over = false"
        " where s.kind <> excluded.kind",
        pbx,
        kind,
        cut_over_at,
    )
    found = await source_row(source, pbx)
    assert found is not None
    return found


async def end_overlap(source: Pool | Connection, pbx: str) -> None:
    """Write down that nothing more can come twice."""
    await source.execute("update journal_source set is_over = true where pbx = $1", pbx)


async def extend_history(source: Pool | Connection, pbx: str, before: datetime) -> None:
    """Write down that calls of which nothing came after a moment are history, unless a later moment stands."""
    await source.execute(
        "insert into journal_history as h (pbx, before, ended_at) values ($1, $2, now()) on conflict (pbx) do update"
        " set before = greatest(h.before, excluded.before)",
        pbx,
        before,
    )


async def last_row_at(source: Pool | Connection, pbx: str) -> datetime | None:
    """The moment of the newest row of a PBX; None: it has none."""
    found: datetime | None = await source.fetchval("select max(last_at) from family where pbx = $1", pbx)
    return found


async def families_near(source: Pool | Connection, pbx: str, since: datetime) -> list[bytes]:
    """The rows of every family that went on after a moment, damaged ones left out."""
    found = await source.fetch("select rows from family where pbx = $1 and last_at >= $2", pbx, since)
    rows: list[bytes] = []
    for family in found:
        try:
            rows += unpacked(family["rows"])
        except DamagedRows:
            continue
    return rows
