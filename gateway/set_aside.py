"""Families whose stored rows are damaged: set aside, so that every other call goes on.

How it fits: the pipeline asks `SetAside` for each family that it reads back. One that cannot be read is never folded
again: its calls stay in the database as they are, and a row that comes for one of its legs goes to quarantine, since a
call folded from that row alone would take the stored one's place. What is set aside is looked up anew with each
reload, so a family that was restored from a backup comes back by itself.
"""

from collections.abc import Iterable
from uuid import UUID

import structlog

from gateway.domain.legs import LegEvent
from gateway.store.database import Pool
from gateway.store.journal import StoredFamily, legs_of_families

log = structlog.get_logger()


class SetAside:
    """What is set aside of one PBX, with the legs that belong to it."""

    def __init__(self, pool: Pool, pbx: str) -> None:
        self._pool = pool
        self._pbx = pbx
        self._legs: dict[str, UUID] = {}
        self._families: set[UUID] = set()
        self._told: set[UUID] = set()

    def __len__(self) -> int:
        """How many families are set aside at the moment."""
        return len(self._families)

    def forget(self) -> None:
        """Begin anew, as before a reload."""
        self._legs, self._families = {}, set()

    def unknown(self, legs: Iterable[str]) -> set[str]:
        """Those of the legs that belong to nothing set aside."""
        return {leg for leg in legs if leg not in self._legs}

    async def add(self, families: Iterable[StoredFamily]) -> None:
        """Set families aside; each is told once, by its id alone."""
        new = {family.id for family in families} - self._families
        if not new:
            return
        self._families |= new
        self._legs |= await legs_of_families(self._pool, sorted(new))
        for id in sorted(new - self._told):
            log.error("stored rows of a call are damaged; it stays as it is", pbx=self._pbx, family=str(id))
        self._told |= new

    def split(self, events: dict[bytes, LegEvent]) -> tuple[dict[bytes, LegEvent], list[tuple[str, bytes]]]:
        """Part rows from those of what is set aside.

        Args:
            events: by row.

        Returns:
            The events that go on, and the other rows with the reason why they do not.
        """
        if not self._legs:
            return events, []
        good: dict[bytes, LegEvent] = {}
        kept_out: list[tuple[str, bytes]] = []
        for row, event in events.items():
            family = self._legs.get(event.leg) or self._legs.get(event.family)
            if family is None:
                good[row] = event
            else:
                kept_out.append((f"the stored rows of its call are damaged (family {family})", row))
        return good, kept_out
