"""The one statement by which a batch of journal rows becomes part of the database (migration 0008)."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from gateway.domain.errors import TryAgain
from gateway.store.database import Connection, Pool, Row
from gateway.store.journal import StoredFamily, packed
from gateway.store.leases import LeaseLost


class PageTaken(TryAgain):
    """Another transaction has written on; read the open calls again and repeat."""


class KnownLegs(TryAgain):
    """The database knows legs for which a family was begun; look them up and repeat."""


@dataclass(slots=True, kw_only=True)
class Page:
    """Everything one transaction writes, as rows of its tables."""

    pbx: str
    number: int = 0
    """The PBX's page number as it was when the page's families were read; each page raises it by one."""
    lease: str | None = None
    """The page is entered only while this lease is ours; None: it needs none."""
    epoch: int | None = None
    families: list[StoredFamily] = field(default_factory=list)
    legs_may_move: bool = True
    """False: legs that begin in this page were not looked up, so the database refuses those that it knows."""
    joined: list[Row] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)
    """Name by number."""
    calls: list[Row] = field(default_factory=list)
    legs: list[Row] = field(default_factory=list)
    parted: list[UUID] = field(default_factory=list)
    """Calls whose managers' parts are replaced by `parts`."""
    parts: list[Row] = field(default_factory=list)
    merged: list[Row] = field(default_factory=list)
    managers: list[Row] = field(default_factory=list)
    numbers: list[Row] = field(default_factory=list)
    company: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    cursor: dict[str, object] | None = None


async def next_page(source: Pool | Connection, pbx: str) -> int:
    """The number that the PBX's next page must bear; ask before reading what the page is computed from."""
    await source.execute("insert into journal_page (pbx) values ($1) on conflict do nothing", pbx)
    number: int = await source.fetchval("select number from journal_page where pbx = $1", pbx)
    return number


def broken_row(reason: str, data: bytes) -> Row:
    """Bytes for the quarantine, cut to 64 KiB; the reason may quote what a caller sent."""
    return {"reason": "".join(c if c.isprintable() else " " for c in reason), "data": b64encode(data[:65536]).decode()}


_ENTER = f"select number, contact_id, made from enter_book({', '.join(f'${n}' for n in range(1, 25))})"


async def enter(source: Pool | Connection, page: Page) -> Sequence[tuple[str, int, bool]]:
    """Write the page as one transaction.

    Returns:
        Number, card and whether the card was made now, for each number of `page.cards`.

    Raises:
        PageTaken: its number is not the next one; nothing was written.
        LeaseLost: its lease has another holder; nothing was written.
        KnownLegs: see `Page.legs_may_move`; nothing was written.
    """
    try:
        rows = await source.fetch(_ENTER, *_arguments(page))
    except asyncpg.PostgresError as fault:
        match fault.sqlstate:
            case "TL001":
                raise PageTaken from fault
            case "TL002":
                raise LeaseLost from fault
            case "TL003":
                raise KnownLegs from fault
        raise
    return [(r["number"], r["contact_id"], r["made"]) for r in rows]


def _arguments(page: Page) -> list[object]:
    """The page as the function takes it; an absent list costs nothing."""
    families, cards = page.families, sorted(page.cards.items())
    return [
        *(page.pbx, page.number, page.lease, page.epoch, page.cursor),
        [f.id for f in families],
        [f.open for f in families],
        [packed(f.rows) for f in families],
        [f.first_at for f in families],
        [f.last_at for f in families],
        page.legs_may_move,
        page.joined or None,
        [number for number, _ in cards] or None,
        [name for _, name in cards] or None,
        *(page.calls or None, page.legs or None),
        *(page.parted or None, page.parts),
        page.merged or None,
        *(page.managers or None, page.numbers, page.company or None),
        *(page.facts or None, page.broken or None),
    ]
