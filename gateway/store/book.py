"""The one statement by which a batch of journal rows becomes part of the database (migration 0003)."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.store.database import Connection, Pool, Row


@dataclass(slots=True, kw_only=True)
class Page:
    """Everything one transaction writes, as rows of its tables."""

    pbx: str
    families: list[Row] = field(default_factory=list)
    joined: list[Row] = field(default_factory=list)
    cards: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    legs: list[Row] = field(default_factory=list)
    parted: list[str] = field(default_factory=list)
    """Calls whose managers' parts are replaced by `parts`."""
    parts: list[Row] = field(default_factory=list)
    merged: list[Row] = field(default_factory=list)
    managers: list[Row] = field(default_factory=list)
    numbers: list[Row] = field(default_factory=list)
    company: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    cursor: dict[str, object] | None = None


def broken_row(reason: str, data: bytes) -> Row:
    """Bytes for the quarantine, cut to 64 KiB."""
    return {"reason": reason.replace("\0", ""), "data": b64encode(data[:65536]).decode()}


async def enter(source: Pool | Connection, page: Page) -> Sequence[tuple[str, int, bool]]:
    """Write the page as one transaction.

    Returns:
        Number, card and whether the card was made now, for each number of `page.cards`.
    """
    document = {name: getattr(page, name) for name in Page.__dataclass_fields__}
    rows = await source.fetch("select number, contact_id, made from enter_book($1::json)", document)
    return [(r["number"], r["contact_id"], r["made"]) for r in rows]
