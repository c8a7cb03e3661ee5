"""Calls on the screens before their journal arrives, for a PBX whose journal is not on this machine.

Asterisk sends the journal's own rows over AMI too (`cel.conf`, section `manager`). They are folded here in memory and
published to the live bus, marked `preview`; nothing is stored and nothing is counted, because what was sent while
nobody listened is lost. The call has the same id as later from the journal, so a screen shows one call, not two.
Callers can forge AMI events, so a preview may show a call that never was; it leaves when it is not heard of again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.call import Call, CallKind, CallState
from gateway.domain.call_view import call_view
from gateway.domain.calls import fold_family
from gateway.domain.family import Families
from gateway.domain.figures import parts_of
from gateway.domain.identity import call_id
from gateway.domain.legs import LegEvent, in_order
from gateway.ledger import card_number
from gateway.live import Happening, Live
from gateway.store.database import Pool
from gateway.store.staff import Tables

SILENCE = timedelta(hours=2)
"""A family not heard of for so long is forgotten."""
LINGER = timedelta(seconds=30)
"""How long an ended call is kept for its last rows."""
MOST_FAMILIES = 2000
MOST_EVENTS = 2000
"""Events kept of one family; more is no telephone call."""


@dataclass(slots=True)
class _Shown:
    events: list[LegEvent] = field(default_factory=list)
    states: dict[str, CallState] = field(default_factory=dict)
    """Last state told, by key of the call."""
    revision: int = 0

    @property
    def is_over(self) -> bool:
        """Every call of the family has ended, or it made none."""
        return all(state is CallState.ENDED for state in self.states.values())


class Preview:
    """The open calls of one PBX as AMI tells them."""

    def __init__(self, pool: Pool, live: Live, tables: Callable[[], Tables]) -> None:
        """Args:
        pool: read for the cards of known numbers.
        live: told of every change.
        tables: who is who at the moment.
        """
        self._pool = pool
        self._live = live
        self._tables = tables
        self._index = Families()
        self._shown: dict[str, _Shown] = {}

    @property
    def families(self) -> int:
        """Families kept in memory."""
        return len(self._shown)

    async def hear(self, event: LegEvent) -> None:
        """Take one row in and publish what it changes."""
        name, others = self._index.add(event)
        shown = self._shown.setdefault(name, _Shown())
        for other in others:
            if other != name and (gone := self._shown.pop(other, None)):
                shown.events += gone.events
                shown.states |= gone.states
        if len(shown.events) < MOST_EVENTS:
            shown.events.append(event)
        shown.revision += 1
        calls = fold_family(in_order(shown.events), self._tables().directory)
        for call in calls:
            await self._publish(shown, call)
        for key in shown.states.keys() - {call.key for call in calls}:
            self._merge(shown, key, calls)
        self._let_go(event.at)

    async def _publish(self, shown: _Shown, call: Call) -> None:
        if call.kind is CallKind.SERVICE:
            return
        kind = "call.changed" if shown.states.get(call.key) is call.state else f"call.{call.state}"
        shown.states[call.key] = call.state
        users = {p.extension: p.user_id for p in parts_of(call, self._tables().staff)}
        body = call_view(
            call,
            id=call_id(call.pbx, call.key),
            contact_id=await self._card(call),
            revision=shown.revision,
            users=users,
        )
        concerned = tuple(sorted({u for u in users.values() if u is not None}))
        self._live.publish(Happening(kind=kind, body=body | {"preview": True}, users=concerned))

    def _merge(self, shown: _Shown, key: str, calls: Sequence[Call]) -> None:
        """A consultation turned out to be part of the client's call."""
        del shown.states[key]
        pbx = self._tables().directory.pbx
        into = str(call_id(pbx, calls[0].key)) if calls else None
        body: dict[str, object] = {"id": str(call_id(pbx, key)), "merged_into": into, "preview": True}
        self._live.publish(Happening(kind="call.merged", body=body))

    async def _card(self, call: Call) -> int | None:
        """The card of a known number; the journal makes those of unknown ones."""
        found: int | None = await self._pool.fetchval(
            "select contact_id from contact_number where number = $1", card_number(call)
        )
        return found

    def _let_go(self, now: datetime) -> None:
        """Forget what has ended or was not heard of for long."""
        over = {
            name
            for name, shown in self._shown.items()
            if now - shown.events[-1].at > (LINGER if shown.is_over else SILENCE)
        }
        if len(self._shown) - len(over) > MOST_FAMILIES:
            over.update(list(self._shown)[: len(self._shown) - MOST_FAMILIES])
        for name in over:
            self._index.forget(self._shown.pop(name).events)
