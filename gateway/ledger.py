"""What a transaction writes of its folded calls: legs, calls, cards, parts, figures and facts, by difference.

`Kept` is what the database holds of a family; `Book` compares it with what was folded now, and writes only that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from gateway.domain.call import Call, CallKind, CallLeg, CallState
from gateway.domain.call_view import call_view
from gateway.domain.figures import CompanyPart, Delta, Part, company_part, parts_of
from gateway.domain.identity import call_id
from gateway.domain.phone import NumberKind
from gateway.live import Happening
from gateway.store import calls as call_store
from gateway.store.calls import StoredCall
from gateway.store.cards import cards_for
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts
from gateway.store.figures import apply
from gateway.store.staff import Tables


@dataclass(slots=True)
class Kept:
    """What the database holds of one family's calls."""

    calls: dict[str, StoredCall] = field(default_factory=dict)
    """By key; of families read again after a restart the call itself is unknown and only `revisions` is filled."""
    revisions: dict[str, tuple[UUID, int, int | None]] = field(default_factory=dict)
    """Id, revision and card by key."""
    legs: dict[str, tuple[CallLeg, UUID | None]] = field(default_factory=dict)
    parts: dict[UUID, tuple[Part, ...]] = field(default_factory=dict)
    company: dict[UUID, CompanyPart] = field(default_factory=dict)

    @classmethod
    async def load(cls, pool: Pool, family: UUID, tables: Tables) -> "Kept":
        """Read back what a family has added so far."""
        kept = cls(revisions=await call_store.calls_of_family(pool, family))
        ids = [id for id, _, _ in kept.revisions.values()]
        kept.parts = {id: tuple(p) for id, p in (await call_store.parts_of_calls(pool, ids)).items()}
        zone = str(tables.staff.timezone)
        for id in ids:
            for part in await call_store.company_parts(pool, [id], zone):
                kept.company[id] = part
        return kept

    def joined(self, other: "Kept") -> "Kept":
        """Both together, for a family that swallowed another."""
        return Kept(
            calls=self.calls | other.calls,
            revisions=self.revisions | other.revisions,
            legs=self.legs | other.legs,
            parts=self.parts | other.parts,
            company=self.company | other.company,
        )


class HasKept(Protocol):
    """A family with its id and what is kept of it."""

    id: UUID
    kept: Kept


class Book:
    """One transaction's entries."""

    def __init__(self, *, tables: Tables, long_seconds: int) -> None:
        self._tables = tables
        self._delta = Delta(long_us=long_seconds * 1_000_000)
        self._calls: list[StoredCall] = []
        self._parts: dict[UUID, tuple[Part, ...]] = {}
        self._legs: list[tuple[UUID, UUID | None, CallLeg]] = []
        self._merged: list[tuple[UUID, UUID]] = []
        self._facts: list[NewFact] = []
        self.happenings: list[Happening] = []
        self.kept: list[tuple[HasKept, Kept]] = []

    async def enter(self, connection: Connection, folded: Sequence[tuple[HasKept, list[Call]]]) -> None:
        """Write everything that differs from what is kept."""
        cards = await cards_for(connection, self._numbers(folded))
        for number, (card, made) in sorted(cards.items()):
            if made:
                self._tell("card.created", {"id": card, "number": number}, contact_id=card)
        for family, calls in folded:
            self._compare(family, calls, {n: card for n, (card, _) in cards.items()})
        await self._save(connection)

    def _numbers(self, folded: Iterable[tuple[HasKept, list[Call]]]) -> dict[str, str]:
        """Numbers that need a card, with the name for a new one; those whose call has its card already left out."""
        wanted: dict[str, str] = {}
        for family, calls in folded:
            for call in calls:
                number = card_number(call)
                before = family.kept.calls.get(call.key)
                if number and not (before and before.contact_id and card_number(before.call) == number):
                    wanted.setdefault(number, _printable(call.client_name))
        return wanted

    def _compare(self, family: HasKept, calls: Sequence[Call], cards: dict[str, int]) -> None:
        before, now = family.kept, Kept()
        owner: dict[str, UUID] = {}
        for call in calls:
            stored = self._stored(family, call, cards)
            now.calls[call.key] = stored
            now.revisions[call.key] = (stored.id, stored.revision, stored.contact_id)
            owner |= {leg.id: stored.id for leg in call.legs}
            self._enter_call(before, now, stored)
        for leg in {leg.id: leg for call in calls for leg in call.legs}.values():
            now.legs[leg.id] = (leg, owner[leg.id])
            if before.legs.get(leg.id) != now.legs[leg.id]:
                self._legs.append((family.id, owner[leg.id], leg))
        self._merge(before, now)
        self.kept.append((family, now))

    def _stored(self, family: HasKept, call: Call, cards: dict[str, int]) -> StoredCall:
        last = family.kept.calls.get(call.key)
        _, revision, card = family.kept.revisions.get(call.key, (None, 0, None))
        number = card_number(call)
        if last is not None and last.call == call and last.family_id == family.id:
            return last
        member = self._tables.staff.member(call.responsible, call.started_at) if call.responsible else None
        return StoredCall(
            id=call_id(call.pbx, call.key),
            call=call,
            contact_id=cards.get(number, card) if number else None,
            family_id=family.id,
            responsible_id=member.user_id if member else None,
            revision=revision + 1,
        )

    def _enter_call(self, before: Kept, now: Kept, stored: StoredCall) -> None:
        last = before.calls.get(stored.call.key)
        if last is stored:
            now.parts[stored.id] = before.parts.get(stored.id, ())
            if stored.id in before.company:
                now.company[stored.id] = before.company[stored.id]
            return
        self._calls.append(stored)
        parts = parts_of(stored.call, self._tables.staff)
        now.parts[stored.id] = parts
        if _differs(parts, before.parts.get(stored.id)):
            self._parts[stored.id] = parts
        self._delta.add(before.parts.get(stored.id, ()), -1)
        self._delta.add(parts)
        self._delta.add_company(before.company.get(stored.id), -1)
        if added := company_part(stored.call, self._tables.staff):
            now.company[stored.id] = added
            self._delta.add_company(added)
        self._announce(stored, last.call.state if last else None, parts)

    def _merge(self, before: Kept, now: Kept) -> None:
        """Calls that turned out to be part of another one leave the figures and point at it."""
        gone = [id for key, (id, _, _) in before.revisions.items() if key not in now.revisions]
        if not gone or not now.calls:
            return
        for key, (id, _, _) in before.revisions.items():
            if id not in gone:
                continue
            holding = [c for c in now.calls.values() if any(leg.id == key for leg in c.call.legs)]
            into = next(iter(holding or now.calls.values()))
            self._merged.append((id, into.id))
            self._delta.add(before.parts.get(id, ()), -1)
            self._delta.add_company(before.company.get(id), -1)
            self._tell("call.merged", {"id": str(id), "merged_into": str(into.id)}, call_id=id)

    def _announce(self, stored: StoredCall, before: CallState | None, parts: Sequence[Part]) -> None:
        call = stored.call
        if call.kind is CallKind.SERVICE:
            return
        users = {p.extension: p.user_id for p in parts}
        body = call_view(call, id=stored.id, contact_id=stored.contact_id, revision=stored.revision, users=users)
        kind = f"call.{call.state}" if call.state is not before else "call.changed"
        concerned = tuple(sorted({u for u in users.values() if u is not None}))
        self.happenings.append(Happening(kind=kind, body=body, users=concerned))
        if kind != "call.changed" or call.state is CallState.ENDED:
            self._facts.append(
                NewFact(kind=kind, body=body, call_id=stored.id, contact_id=stored.contact_id, users=concerned)
            )

    def _tell(
        self, kind: str, body: dict[str, object], *, call_id: UUID | None = None, contact_id: int | None = None
    ) -> None:
        self._facts.append(NewFact(kind=kind, body=body, call_id=call_id, contact_id=contact_id))
        self.happenings.append(Happening(kind=kind, body=body))

    async def _save(self, connection: Connection) -> None:
        await call_store.save_calls(connection, sorted(self._calls, key=lambda c: c.id))
        await self._save_legs(connection)
        if self._parts:
            await call_store.save_parts(connection, self._parts)
        for gone, into in self._merged:
            await call_store.mark_merged(connection, gone, into)
        await apply(connection, self._delta)
        await save_facts(connection, self._facts)

    async def _save_legs(self, connection: Connection) -> None:
        await call_store.save_legs(connection, self._tables.directory.pbx, self._legs)


def card_number(call: Call) -> str | None:
    """The number whose card the call belongs to; None: hidden, short, our own, or nobody outside."""
    if call.client is None or call.client.kind is not NumberKind.CLIENT:
        return None
    return call.client.e164 if call.kind in (CallKind.CLIENT, CallKind.THROUGH) else None


def _differs(parts: Sequence[Part], before: Sequence[Part] | None) -> bool:
    """Whether parts are worth writing: of an open call only who had a part, since its seconds still run."""
    if before is None or any(p.counted for p in (*parts, *before)):
        return tuple(parts) != before
    return [_who(p) for p in parts] != [_who(p) for p in before]


def _who(part: Part) -> tuple[object, ...]:
    return part.extension, part.user_id, part.rang, part.answered, part.number


def _printable(name: str) -> str:
    """A caller's name as a card may show it: one line, without control characters."""
    return "".join(c for c in name if c.isprintable()).strip()[:80]
