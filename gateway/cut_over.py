"""From one journal of a PBX to another: the same call is never read twice, and none is left out.

A PBX has one record at a time: a file here, what its host sends, or a table. When the settings name another kind, the
moment of the last row taken from the old one is the cut-over moment, written down for good. The new journal is read
from a little before it; rows that were read in the other form are left out by what they say (which leg, what happened,
in which bridge), since times differ by up to a second between the forms.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent
from gateway.store.database import Pool
from gateway.store.journal_sources import (
    begin_source,
    end_overlap,
    families_near,
    last_row_at,
    source_row,
)

log = structlog.get_logger()

_OVERLAP = timedelta(seconds=10)
"""How far around the moment rows are compared one by one: rows are written in order but for a few seconds."""
_OVER_AFTER = timedelta(minutes=10)

Key = tuple[str, str, str, str, str]


def source_of(cursor: Mapping[str, object]) -> str:
    """The kind of journal a saved place belongs to."""
    return "table" if "table" in cursor else "file"


class CutOver:
    """What was read of the journal before, for as long as the new one may hold it too."""

    def __init__(self, at: datetime, known: Counter[Key], read: Callable[[bytes], LegEvent | None]) -> None:
        """Made by `load` alone."""
        self.at = at
        self.is_over = False
        self._known = known
        self._read = read

    @classmethod
    async def load(
        cls,
        pool: Pool,
        pbx: str,
        kind: str,
        saved: Mapping[str, object] | None,
        *,
        read: Callable[[bytes], LegEvent | None],
    ) -> "CutOver | None":
        """The cut-over of a PBX's journal; None: its rows never came in another form, or that is long past.

        Args:
            pool: the database.
            pbx: the PBX.
            kind: of the journal that is read now: file or table.
            saved: the saved place, of whichever kind; None: nothing was read.
            read: maps a row of either kind.
        """
        present = await source_row(pool, pbx)
        if present is None or present.kind != kind:
            other = saved is not None and source_of(saved) != kind
            moment = await last_row_at(pool, pbx) if other or (present is not None and saved is not None) else None
            present = await begin_source(pool, pbx, kind, moment)
            if moment is not None:
                log.info("the journal of this PBX comes from elsewhere from now on", pbx=pbx, kind=kind)
        if present.cut_over_at is None or present.is_over:
            return None
        known: Counter[Key] = Counter()
        for row in await families_near(pool, pbx, present.cut_over_at - _OVERLAP):
            event = _mapped(read, row)
            if event is not None and event.at > present.cut_over_at - 2 * _OVERLAP and _kind_of(row) != kind:
                known[_key(event)] += 1
        return cls(present.cut_over_at, known, read)

    @staticmethod
    async def end(pool: Pool, pbx: str) -> None:
        """Write down that the new journal is read beyond what the old one held."""
        await end_overlap(pool, pbx)

    def unread(self, rows: Sequence[bytes]) -> list[bytes]:
        """The rows that were not read in the other form."""
        return [row for row in rows if self._is_new(row)]

    def _is_new(self, row: bytes) -> bool:
        event = _mapped(self._read, row)
        if event is None or event.at > self.at + _OVERLAP:
            self.is_over |= event is not None and event.at > self.at + _OVER_AFTER
            return True
        if event.at < self.at - _OVERLAP:
            return False
        if self._known[_key(event)] > 0:
            self._known[_key(event)] -= 1
            return False
        return True


def _key(event: LegEvent) -> Key:
    return event.leg, event.kind, event.bridge, event.app, event.second


def _kind_of(row: bytes) -> str:
    """Which kind of journal a stored row came from; rows of ours are of neither."""
    return {b"[": "table", b'"': "file"}.get(row[:1], "")


def _mapped(read: Callable[[bytes], LegEvent | None], row: bytes) -> LegEvent | None:
    try:
        return read(row) if _kind_of(row) else None
    except Rejected:
        return None
