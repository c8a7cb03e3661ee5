"""What a transaction writes of its folded calls: legs, calls, cards, parts, figures and facts, by difference.

`Kept` is what the database holds of a family; `Book` compares it with what was folded now, and writes only that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

from gateway.domain.call import Call, CallKind, CallLeg, CallState
from gateway.domain.call_view import call_view
from gateway.domain.figures import CompanyPart, Delta, Part, company_part, parts_of
from gateway.domain.identity import call_id
from gateway.domain.phone import NumberKind
from gateway.live import Happening
from gateway.store import calls as call_store
from gateway.store.book import Page, enter
from gateway.store.calls import StoredCall, call_row, leg_row, part_row
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, fact_row
from gateway.store.figures import delta_rows
from gateway.store.staff import Tables


@dataclass(slots=True)
class Kept:
    """What the database holds of one family's calls."""

    calls: dict[str, StoredCall] = field(default_factory=dict)
    """By key."""
    revisions: dict[str, tuple[UUID, int, int | None]] = field(default_factory=dict)
    """Id, revision and card by key."""
    legs: dict[str, tuple[CallLeg, UUID | None]] = field(default_factory=dict)
    parts: dict[UUID, tuple[Part, ...]] = field(default_factory=dict)
    company: dict[UUID, CompanyPart] = field(default_factory=dict)

    @classmethod
    async def load(cls, pool: Pool, family: UUID, calls: Sequence[Call], tables: Tables) -> "Kept":
        """Read back what a family has added so far.

        Args:
            pool: the database.
            family: the family's id.
            calls: as its stored rows fold; those the database has are taken for what it holds.
            tables: for the company's day.
        """
        kept = cls(revisions=await call_store.calls_of_family(pool, family))
        for call in calls:
            if call.key in kept.revisions:
                kept._take_back(family, call, tables)
        ids = [id for id, _, _ in kept.revisions.values()]
        kept.parts = {id: tuple(p) for id, p in (await call_store.parts_of_calls(pool, ids)).items()}
        kept.company = await call_store.company_parts(pool, ids, str(tables.staff.timezone))
        return kept

    def _take_back(self, family: UUID, call: Call, tables: Tables) -> None:
        id, revision, card = self.revisions[call.key]
        self.calls[call.key] = _stored(call, tables, id=id, family=family, card=card, revision=revision)
        self.legs |= {leg.id: (leg, id) for leg in call.legs}

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
    """One transaction's entries: `add` families as they were folded, `close` writes, then `kept` is what is kept."""

    def __init__(self, *, tables: Tables, long_seconds: int) -> None:
        self._tables = tables
        self._delta = Delta(long_us=long_seconds * 1_000_000)
        self._calls: list[StoredCall] = []
        self._facts: list[tuple[NewFact, str | None]] = []
        self._cards: dict[str, str] = {}
        self._managers: dict[UUID, object] = {}
        self._present: set[str] = set()
        """Numbers of calls that are no history."""
        self._history = False
        self.page = Page(pbx=tables.directory.pbx)
        self.kept: list[tuple[HasKept, Kept]] = []
        self.happenings: list[Happening] = []

    def add(self, family: HasKept, calls: Sequence[Call], *, history: bool = False) -> None:
        """Enter what differs between a family's calls as folded now and as kept.

        Args:
            family: with what is kept of it.
            calls: as its rows fold now.
            history: it was over before the gateway knew the PBX: its facts say so, and no screen is told.
        """
        self._history = history
        before, now = family.kept, Kept()
        owner: dict[str, UUID] = {}
        for call in calls:
            stored = self._stored(family, call)
            now.calls[call.key] = stored
            now.revisions[call.key] = (stored.id, stored.revision, stored.contact_id)
            owner |= {leg.id: stored.id for leg in call.legs}
            self._enter_call(before, now, stored)
        for leg in {leg.id: leg for call in calls for leg in call.legs}.values():
            now.legs[leg.id] = (leg, owner[leg.id])
            if before.legs.get(leg.id) != now.legs[leg.id]:
                self.page.legs.append(leg_row(family.id, owner[leg.id], leg))
        self._merge(before, now)
        self.kept.append((family, now))

    def _stored(self, family: HasKept, call: Call) -> StoredCall:
        last = family.kept.calls.get(call.key)
        _, revision, card = family.kept.revisions.get(call.key, (None, 0, None))
        if last is not None and last.call == call and last.family_id == family.id:
            return last
        number = card_number(call)
        same = last is not None and last.contact_id is not None and card_number(last.call) == number
        if number and not self._history:
            self._present.add(number)
        if number and not same:
            self._cards.setdefault(number, _printable(call.client_name))
        return _stored(
            call,
            self._tables,
            id=call_id(call.pbx, call.key),
            family=family.id,
            card=card if number else None,
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
            self.page.parted.append(stored.id)
            self.page.parts += [part_row(stored.id, p) for p in parts]
        self._delta.add(before.parts.get(stored.id, ()), -1)
        self._delta.add(parts)
        self._delta.add_company(before.company.get(stored.id), -1)
        if added := company_part(stored.call, self._tables.staff):
            now.company[stored.id] = added
            self._delta.add_company(added)
        self._announce(stored, last.call.state if last else None, parts)

    def _merge(self, before: Kept, now: Kept) -> None:
        """Calls that turned out to be part of another one leave the figures and point at it."""
        for key, (id, _, _) in before.revisions.items():
            if key in now.revisions or not now.calls:
                continue
            holding = [c for c in now.calls.values() if any(leg.id == key for leg in c.call.legs)]
            into = next(iter(holding or now.calls.values()))
            self.page.merged.append({"gone": str(id), "into_id": str(into.id)})
            self._delta.add(before.parts.get(id, ()), -1)
            self._delta.add_company(before.company.get(id), -1)
            body: dict[str, object] = {"id": str(id), "merged_into": str(into.id)}
            if self._history:
                body["history"] = True
            else:
                self.happenings.append(Happening(kind="call.merged", body=body))
            self._facts.append((NewFact(kind="call.merged", body=body, call_id=id), None))

    def _announce(self, stored: StoredCall, before: CallState | None, parts: Sequence[Part]) -> None:
        call = stored.call
        if call.kind is CallKind.SERVICE:
            return
        users = {p.extension: p.user_id for p in parts}
        body = call_view(call, id=stored.id, contact_id=stored.contact_id, revision=stored.revision, users=users)
        self._managers[stored.id] = body["managers"]
        kind = f"call.{call.state}" if call.state is not before else "call.changed"
        concerned = tuple(sorted({u for u in users.values() if u is not None}))
        if self._history:
            body["history"] = True
        else:
            self.happenings.append(Happening(kind=kind, body=body, users=concerned))
        if kind != "call.changed" or call.state is CallState.ENDED:
            fact = NewFact(kind=kind, body=body, call_id=stored.id, contact_id=stored.contact_id, users=concerned)
            self._facts.append((fact, card_number(call)))

    async def close(self, source: Pool | Connection) -> None:
        """Write the page, and fill in the cards that were found or made."""
        page = self.page
        page.cards = self._cards
        page.calls = [
            call_row(c, card_number(c.call), self._managers.get(c.id)) for c in sorted(self._calls, key=lambda c: c.id)
        ]
        page.facts = [fact_row(fact) | {"card_number": number} for fact, number in self._facts]
        for name, rows in delta_rows(self._delta).items():
            setattr(page, name, rows)
        found = await enter(source, page)
        self._fill_in({number: card for number, card, _ in found})
        made = [
            Happening(kind="card.created", body={"id": card, "number": number})
            for number, card, new in sorted(found)
            if new and number in self._present
        ]
        self.happenings = made + self.happenings

    def _fill_in(self, cards: Mapping[str, int]) -> None:
        """Let what is kept and told bear the cards."""
        by_call: dict[str, int] = {}
        for _, kept in self.kept:
            for key, stored in kept.calls.items():
                card = cards.get(card_number(stored.call) or "")
                if card is not None:
                    kept.calls[key] = replace(stored, contact_id=card)
                    kept.revisions[key] = (stored.id, stored.revision, card)
                    by_call[str(stored.id)] = card
        for happening in self.happenings:
            if happening.body.get("id") in by_call:
                happening.body["contact_id"] = by_call[str(happening.body["id"])]


def _stored(call: Call, tables: Tables, *, id: UUID, family: UUID, card: int | None, revision: int) -> StoredCall:
    """The call with what the store adds, whoever was responsible on its day among it."""
    member = tables.staff.member(call.responsible, call.started_at) if call.responsible else None
    return StoredCall(
        id=id,
        call=call,
        contact_id=card,
        family_id=family,
        responsible_id=member.user_id if member else None,
        revision=revision,
    )


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
