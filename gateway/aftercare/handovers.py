"""Hands over what a manager has: by hand, while he is away, and when he has left. Each can be undone.

Leads and tasks go to a deputy, or are shared out by the rules of distribution like new ones; what no rule takes goes
to the head. Whoever comes back gets what is still with the one who stood in; what went on from there stays. Nothing
is planned that is not done in the same transaction, and a preview is the same work, rolled back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.aftercare.giving import BY, Giver
from gateway.domain.errors import Rejected
from gateway.store import distribution
from gateway.store import distribution_rules as rules_store
from gateway.store import handovers as store
from gateway.store.card_owners import owner_changed
from gateway.store.database import Connection
from gateway.store.distribution import Card
from gateway.store.facts import NewFact
from gateway.store.handovers import Absence, Handover
from gateway.store.tasks import read_task

AT_ONCE = 300
"""Cards of one who left that are given away in one transaction."""
TASKS_AT_ONCE = 1000
OPEN_STAGES = ("unsorted", "lead")


class NobodyError(Rejected, LookupError):
    """No rule takes these clients and there is no head; name a colleague."""


@dataclass(slots=True, kw_only=True)
class Moved:
    """What changed hands: id, from, to."""

    cards: list[tuple[int, int | None, int]] = field(default_factory=list)
    tasks: list[tuple[int, int, int]] = field(default_factory=list)


class Mover:
    """Gives away what one manager has, within one transaction."""

    def __init__(self, giver: Giver, connection: Connection, now: datetime) -> None:
        """Args:
        giver: that has begun.
        connection: the same transaction.
        now: the present moment, UTC.
        """
        self._giver = giver
        self._connection = connection
        self._now = now
        self.moved = Moved()

    async def cards(self, ids: Sequence[int], to: int | None, reason: str, from_: int | None = None) -> None:
        """Give cards to a colleague, or by rule.

        Args:
            ids: which ones.
            to: the colleague; None: by rule.
            reason: kept in the card's history.
            from_: only those of this owner; None: whosever they are.
        """
        cards = await distribution.hold_cards(self._connection, ids, self._now)
        turns = await distribution.open_turns(self._connection, list(cards))
        for card in cards.values():
            if from_ is not None and card.owner_id != from_:
                continue
            user = to if to is not None else await self._by_rule(card)
            if user is None or user == card.owner_id:
                continue
            self.moved.cards.append((card.id, card.owner_id, user))
            if card.id in turns:
                await self._giver.stand_in(card, turns[card.id], user, reason)
            else:
                await self._giver.own(card, user, reason, with_tasks=False)

    async def cards_of(self, owner: int, stages: Sequence[str] | None, to: int | None, reason: str) -> bool:
        """Give away the cards of a manager, `AT_ONCE` or somewhat more of them.

        Returns:
            Whether those were all; cards that nobody can get stay.
        """
        last = 0
        while len(self.moved.cards) < AT_ONCE:
            ids = await store.cards_of_owner(self._connection, owner, stages=stages, after=last, limit=AT_ONCE)
            if not ids:
                return True
            await self.cards(ids, to, reason, owner)
            last = ids[-1]
        return False

    async def tasks(
        self, found: Sequence[tuple[int, int | None]], from_: int, to: int | None, otherwise: int | None = None
    ) -> None:
        """Give tasks, each with the card it is about, to a colleague, or by rule.

        Args:
            found: ids of tasks and cards.
            from_: whose they are.
            to: the colleague; None: whoever got the card, else by rule.
            otherwise: who gets what no rule can give; None: it stays.
        """
        moved = {contact: user for contact, _, user in self.moved.cards}
        cards = await distribution.read_cards(self._connection, [c for _, c in found if c is not None], self._now)
        for task, contact in found:
            user = to or moved.get(contact or 0)
            if user is None and contact in cards:
                user = await self._by_rule(cards[contact])
                moved |= {contact: user} if user is not None else {}
            user = otherwise if user is None else user
            if user is not None and user != from_ and await self._giver.move_tasks([task], user):
                self.moved.tasks.append((task, from_, user))

    async def _by_rule(self, card: Card) -> int | None:
        """Who gets it by the rules; the head, where no rule takes it or nobody fits."""
        barred = () if card.owner_id is None else (card.owner_id,)
        stored, verdict = await self._giver.choice(card.lead, barred)
        if stored is not None and verdict is not None and verdict.user_id is not None:
            await self._giver.take(stored, verdict)
            return verdict.user_id
        head = stored.rule.head_id if stored else None
        return await rules_store.head_of(self._connection, head, self._giver.policy.head_id)


async def hand_over(
    connection: Connection,
    giver: Giver,
    *,
    from_id: int | None,
    to_id: int | None,
    contacts: Sequence[int],
    with_tasks: bool,
    reason: str,
    by: str,
    now: datetime,
) -> int:
    """Give clients to a colleague or by rule, as a person ordered.

    Args:
        connection: within a transaction.
        giver: that has begun.
        from_id: only clients of this manager; None: whosever they are.
        to_id: the colleague; None: by rule.
        contacts: which clients.
        with_tasks: whether the owner's open tasks with them go along.
        reason: kept in the history.
        by: who ordered it.
        now: the present moment, UTC.

    Returns:
        The handover's id; its items say what changed.

    Raises:
        NobodyError: nobody could get any of them.
    """
    mover = Mover(giver, connection, now)
    before = await distribution.read_cards(connection, contacts, now)
    await mover.cards(contacts, to_id, reason, from_id)
    if not mover.moved.cards and to_id is None and any(card.owner_id != from_id for card in before.values()):
        raise NobodyError
    if with_tasks:
        for owner in sorted({old for _, old, _ in mover.moved.cards if old is not None}):
            mine = [contact for contact, old, _ in mover.moved.cards if old == owner]
            await mover.tasks(await distribution.open_tasks_of(connection, owner, mine), owner, None)
    id_ = await store.begin_handover(
        connection, kind="hand", from_id=from_id, to_id=to_id, reason=reason, by=by, now=now
    )
    await _keep(connection, giver, id_, mover, kind="hand", from_id=from_id, to_id=to_id)
    return id_


async def give_back(
    connection: Connection, giver: Giver, handover: Handover, *, by: str, reason: str, now: datetime
) -> None:
    """Undo a handover: what is still with the one who got it goes back, the rest stays where it is.

    Nothing goes back to one who does not work here any more.
    """
    cards, tasks = [], []
    items = await store.items_of(connection, handover.id, "card")
    owed = await store.items_of(connection, handover.id, "task")
    here = await rules_store.known_users(
        connection, list({i.from_id for i in (*items, *owed) if i.from_id is not None})
    )
    for item in (i for i in items if i.from_id is None or i.from_id in here):
        found = await distribution.hold_cards(connection, [item.id], now)
        if item.id in found and found[item.id].owner_id == item.to_id:
            fact = await owner_changed(connection, item.id, item.from_id, reason=reason, by=by, now=now)
            giver.facts += [fact] if fact else []
            cards.append(item.id)
    for item in (i for i in owed if i.from_id in here):
        task = await read_task(connection, item.id, lock=True)
        if task is not None and task.owner_id == item.to_id and item.from_id is not None:
            tasks += [item.id] * await giver.move_tasks([item.id], item.from_id)
    await store.note_return(connection, handover.id, cards, tasks, by=by, now=now)
    body: dict[str, object] = {"id": handover.id, "cards": len(cards), "tasks": len(tasks), "by": by}
    giver.facts.append(NewFact(kind="lead.handover_undone", body=body, users=_users(handover.from_id, handover.to_id)))


class Absences:
    """The work of a duty: absences that begin and end, and managers who left."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def look(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Hand over what those have who go, and give back to those who return."""
        begins, ends = await store.due_absences(connection, now)
        if not begins and not ends:
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        for absence in begins:
            await self._begin(connection, giver, absence, now)
        for absence in ends:
            await self._end(connection, giver, absence, now)
        return giver.facts

    async def _begin(self, connection: Connection, giver: Giver, absence: Absence, now: datetime) -> None:
        """Give away the leads of one who goes, some hundred at each look; then the tasks due while he is away."""
        if not absence.hands_over:
            await store.change_absence(connection, absence.id, {"state": "begun"})
            giver.facts.append(_absence_fact("absence.begun", absence))
            return
        user, deputy = absence.user_id, absence.deputy_id
        mover = Mover(giver, connection, now)
        whole = await mover.cards_of(user, OPEN_STAGES, deputy, f"absence:{absence.kind}")
        along = await distribution.open_tasks_of(connection, user, sorted({card for card, _, _ in mover.moved.cards}))
        due = await distribution.open_tasks_of(connection, user, None, due_before=absence.until) if whole else []
        await mover.tasks(sorted(dict([*due, *along]).items()), user, deputy)
        handover = absence.handover_id or await store.begin_handover(
            connection, kind="absence", from_id=user, to_id=deputy, reason=absence.kind, by=absence.made_by, now=now
        )
        await _keep(connection, giver, handover, mover, kind="absence", from_id=user, to_id=deputy)
        state = "begun" if whole else "planned"
        await store.change_absence(connection, absence.id, {"state": state, "handover_id": handover})
        if whole:
            giver.facts.append(_absence_fact("absence.begun", absence))

    async def _end(self, connection: Connection, giver: Giver, absence: Absence, now: datetime) -> None:
        if absence.comes_back and absence.handover_id is not None:
            handover = await store.read_handover(connection, absence.handover_id, lock=True)
            works = await distribution.who_works(connection, [absence.user_id])
            if handover is not None and handover.undone_at is None and works is not None:
                await give_back(connection, giver, handover, by=BY, reason="absence:over", now=now)
        await store.change_absence(connection, absence.id, {"state": "ended"})
        giver.facts.append(_absence_fact("absence.ended", absence))

    async def dismissals(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Give away all that those have who were blocked, some hundred cards at each look."""
        await store.forget_dismissals(connection)
        policy = await rules_store.read_policy(connection)
        left = await store.dismissed_users(connection) if policy.on_dismissal else []
        if not left:
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        for user, handover in left:
            mover = Mover(giver, connection, now)
            whole = await mover.cards_of(user, None, None, "dismissal")
            moved = {contact for contact, _, _ in mover.moved.cards}
            tasks = await distribution.open_tasks_of(connection, user, None if whole else sorted(moved))
            head = await rules_store.head_of(connection, policy.head_id)
            await mover.tasks(tasks[:TASKS_AT_ONCE], user, None, head)
            if handover is None:
                handover = await store.begin_handover(
                    connection, kind="dismissal", from_id=user, to_id=None, reason="dismissal", by=BY, now=now
                )
            await _keep(connection, giver, handover, mover, kind="dismissal", from_id=user, to_id=None)
            done = whole and len(mover.moved.tasks) < TASKS_AT_ONCE
            await store.note_dismissal(connection, user, handover, done=done, now=now)
        return giver.facts


async def _keep(
    connection: Connection, giver: Giver, id: int, mover: Mover, *, kind: str, from_id: int | None, to_id: int | None
) -> None:
    """Write down what changed hands, and tell all who lost or got something."""
    moved = mover.moved
    await store.add_items(connection, id, moved.cards, moved.tasks)
    if not moved.cards and not moved.tasks:
        return
    got = {user for _, _, user in (*moved.cards, *moved.tasks)}
    lost = {user for _, user, _ in moved.cards if user is not None}
    body: dict[str, object] = {
        "id": id,
        "kind": kind,
        "from": from_id,
        "to": to_id,
        "cards": len(moved.cards),
        "tasks": len(moved.tasks),
    }
    giver.facts.append(
        NewFact(kind="lead.handed_over", body=body, users=tuple(sorted(got | lost | set(_users(from_id)))))
    )


def _users(*users: int | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(user for user in users if user is not None))


def _absence_fact(kind: str, absence: Absence) -> NewFact:
    body: dict[str, object] = {"id": absence.id, "user_id": absence.user_id, "kind": absence.kind}
    return NewFact(kind=kind, body=body, users=_users(absence.user_id, absence.deputy_id))
