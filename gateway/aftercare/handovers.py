"""Hands over what a manager has: by hand, while he is away, and when he has left. Each can be undone.

Leads and tasks go to a deputy, evenly to several, or are shared out by the rules of distribution like new ones; what no
rule takes goes to the head. Whoever comes back gets what is still with the one who stood in; what went on from there
stays. Nothing is planned that is not done in the same transaction, and a preview is the same work, rolled back.

Thousands of cards go in steps of one handover, each a transaction of its own, for whoever gives leads waits meanwhile;
`gateway.aftercare.handover_steps` goes on with what a person ordered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.aftercare.giving import BY, Giver
from gateway.aftercare.scheduled_calls import ScheduledCalls
from gateway.domain.errors import Rejected
from gateway.domain.scheduled import ScheduledState
from gateway.store import distribution
from gateway.store import distribution_rules as rules_store
from gateway.store import handovers as store
from gateway.store import scheduled as scheduled_store
from gateway.store.card_owners import owner_changed
from gateway.store.clienteles import Which, cards_meant, planned_with
from gateway.store.database import Connection
from gateway.store.distribution import Card
from gateway.store.facts import NewFact
from gateway.store.handovers import Absence, Handover

AT_ONCE = 300
"""Cards that are given away in one transaction."""
TASKS_AT_ONCE = 1000
OPEN_STAGES = ("unsorted", "lead")


class NobodyError(Rejected, LookupError):
    """No rule takes these clients and there is no head; name a colleague."""


@dataclass(slots=True, kw_only=True)
class Moved:
    """What changed hands: id, from, to."""

    cards: list[tuple[int, int | None, int]] = field(default_factory=list)
    tasks: list[tuple[int, int, int]] = field(default_factory=list)
    scheduled: list[tuple[int, int, int]] = field(default_factory=list)

    def by_owner(self) -> list[tuple[int, list[int]]]:
        """Who lost cards, by id, each with these cards."""
        lost: dict[int, list[int]] = {}
        for contact, owner, _ in self.cards:
            if owner is not None:
                lost.setdefault(owner, []).append(contact)
        return sorted(lost.items())


class Mover:
    """Gives away what one manager has, within one transaction."""

    def __init__(
        self, giver: Giver, connection: Connection, now: datetime, among: Mapping[int, int] | None = None
    ) -> None:
        """Args:
        giver: that has begun.
        connection: the same transaction.
        now: the present moment, UTC.
        among: colleagues who share the cards, with how many each has got already; None: nobody shares.
        """
        self._among = dict(among or {})
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
            user = await self._receiver(card, to)
            if user is None or user == card.owner_id:
                continue
            if user in self._among:
                self._among[user] += 1
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
        last, which = 0, Which(owner=owner, stages=tuple(stages or ()))
        while len(self.moved.cards) < AT_ONCE:
            ids = await cards_meant(self._connection, which, after=last, limit=AT_ONCE)
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
            if user is not None and user != from_ and await self._giver.move_tasks([task], user, of=from_):
                self.moved.tasks.append((task, from_, user))

    async def scheduled(self, by: str) -> None:
        """Let those who got the cards make the calls that were planned with these clients."""
        to = {contact: user for contact, _, user in self.moved.cards}
        planned = [
            (id_, owner, to[contact])
            for owner, mine in self.moved.by_owner()
            for id_, contact in await planned_with(self._connection, owner, mine)
        ]
        self.moved.scheduled += await _give_planned(self._connection, self._giver, planned, by, self._now)

    async def _receiver(self, card: Card, to: int | None) -> int | None:
        """Who gets a card: the colleague, of several the one who has got fewest, else by rule."""
        if to is not None:
            return to
        sharing = [user for user in self._among if user != card.owner_id]
        return min(sharing, key=lambda user: self._among[user]) if sharing else await self._by_rule(card)

    async def _by_rule(self, card: Card) -> int | None:
        """Who gets it by the rules; the head, where no rule takes it or nobody fits."""
        barred = () if card.owner_id is None else (card.owner_id,)
        stored, verdict = await self._giver.choice(card.lead, barred)
        if stored is not None and verdict is not None and verdict.user_id is not None:
            await self._giver.take(stored, verdict)
            return verdict.user_id
        head = stored.rule.head_id if stored else None
        return await rules_store.head_of(self._connection, head, self._giver.policy.head_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOrder:
    """What a person ordered."""

    from_id: int | None
    """Only clients of this manager; None: whosever they are."""
    to_id: int | None
    """The colleague; None: several, or by rule."""
    contacts: Sequence[int]
    """Which clients."""
    reason: str
    """Kept in the history."""
    by: str
    """Who ordered it."""
    among: Sequence[int] = ()
    """Colleagues who share them evenly."""
    with_tasks: bool = True
    """Whether the owner's open tasks with them go along."""
    with_scheduled: bool = True
    """Whether the calls he planned with them go along."""
    until: datetime | None = None
    """When what is still with those who got it comes back."""
    which: Mapping[str, object] = field(default_factory=dict)
    """Which clients were meant, in the words of the order."""
    onto: int | None = None
    """The handover of which this is a further step; None: the first one."""
    meant: int | None = None
    """Of how many cards the whole is; None: of `contacts`, or nobody counted."""


async def hand_over(connection: Connection, giver: Giver, order: HandoverOrder, now: datetime) -> int:
    """Give clients to a colleague, to several, or by rule, as a person ordered.

    Args:
        connection: within a transaction.
        giver: that has begun.
        order: what goes to whom.
        now: the present moment, UTC.

    Returns:
        The handover's id; its items say what changed.

    Raises:
        NobodyError: nobody could get any of them.
    """
    onto, from_id, to_id = order.onto, order.from_id, order.to_id
    got: Mapping[int, int] = {}
    if onto is not None and order.among:
        got = {s.user_id: s.cards for s in await store.shares_of(connection, onto)}
    mover = Mover(giver, connection, now, {user: got.get(user, 0) for user in order.among})
    await mover.cards(order.contacts, to_id, order.reason, from_id)
    if not mover.moved.cards and to_id is None and not order.among:
        cards = await distribution.read_cards(connection, order.contacts, now)
        if any(from_id is None or card.owner_id == from_id for card in cards.values()):
            raise NobodyError
    if order.with_tasks:
        for owner, mine in mover.moved.by_owner():
            await mover.tasks(await distribution.open_tasks_of(connection, owner, mine), owner, None)
    if order.with_scheduled:
        await mover.scheduled(order.by)
    id_ = onto or await store.begin_handover(
        connection,
        kind="hand",
        from_id=from_id,
        to_id=to_id,
        reason=order.reason,
        by=order.by,
        now=now,
        among=order.among,
        until=order.until,
        which=order.which,
        meant=order.meant,
        with_tasks=order.with_tasks,
        with_scheduled=order.with_scheduled,
    )
    await _keep(connection, giver, id_, mover, kind="hand", from_id=from_id, to_id=to_id)
    return id_


async def give_back(
    connection: Connection,
    giver: Giver,
    handover: Handover,
    *,
    by: str,
    reason: str,
    now: datetime,
    at_once: int | None = None,
) -> bool:
    """Undo a handover: what is still with the one who got it goes back, the rest stays where it is.

    Nothing goes back to one who does not work here any more, and nothing that goes on from the one who got it between
    being read and being locked.

    Args:
        connection: within a transaction.
        giver: that has begun.
        handover: which one, locked.
        by: who undoes it.
        reason: kept in the cards' history.
        now: the present moment, UTC.
        at_once: so many cards, tasks and planned calls at most; None: all.

    Returns:
        Whether all is back; else the same is to be done once more.
    """
    found = {what: await store.still_there(connection, handover.id, what, at_once) for what in _KINDS}
    done: dict[str, list[int]] = {what: [] for what in _KINDS}
    held = await distribution.hold_cards(connection, [item.id for item in found["card"]], now)
    for item in found["card"]:
        if item.id in held and held[item.id].owner_id == item.to_id:
            fact = await owner_changed(connection, item.id, item.from_id, reason=reason, by=by, now=now)
            giver.facts += [fact] if fact else []
            done["card"].append(item.id)
    for item in found["task"]:
        if item.from_id is not None and await giver.move_tasks([item.id], item.from_id, of=item.to_id):
            done["task"].append(item.id)
    planned = [(item.id, item.to_id, item.from_id) for item in found["scheduled"] if item.from_id is not None]
    done["scheduled"] = [id_ for id_, _, _ in await _give_planned(connection, giver, planned, by, now)]
    whole = at_once is None or all(len(items) < at_once for items in found.values())
    await store.note_return(connection, handover.id, done, by=by, now=now, whole=whole)
    body: dict[str, object] = {"id": handover.id, "cards": len(done["card"]), "tasks": len(done["task"]), "by": by}
    giver.facts.append(NewFact(kind="lead.handover_undone", body=body, users=_users(handover.from_id, handover.to_id)))
    return whole


_KINDS = ("card", "task", "scheduled")


async def _give_planned(
    connection: Connection, giver: Giver, planned: Iterable[tuple[int, int, int]], by: str, now: datetime
) -> list[tuple[int, int, int]]:
    """Let others make calls, as far as these are still planned by the same person once they are locked.

    Args:
        connection: within a transaction.
        giver: that has begun.
        planned: ids of calls, who planned each, and who makes it now.
        by: who ordered it.
        now: the present moment, UTC.

    Returns:
        Those of them that were given.
    """
    rule = await scheduled_store.read_rule(connection)
    clock, given = ScheduledCalls(giver.zone), []
    for id_, owner, to in planned:
        call = await scheduled_store.read_scheduled(connection, id_, lock=True)
        if call is not None and call.user_id == owner and call.state is ScheduledState.PLANNED:
            giver.facts += await clock.give(connection, call, to, rule, now, by=by)
            given.append((id_, owner, to))
    return given


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

    async def lent(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Give back what was handed over for a time that is over, some hundred cards at each look."""
        handover = await store.due_handover(connection, now)
        if handover is None:
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        await give_back(connection, giver, handover, by=BY, reason="handover:over", now=now, at_once=AT_ONCE)
        return giver.facts

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
    await store.add_items(connection, id, moved.cards, moved.tasks, moved.scheduled)
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
