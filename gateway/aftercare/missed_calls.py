"""Missed clients, live: each call that asks for a call back becomes a matter and a task, and ends by itself.

A client's matters are folded anew from his calls (gateway/domain/missed.py) whenever one of these is told of, a person
decides something, or the limit passes; what differs from what is kept is written and told. So a corrected, merged or
late call needs no rule of its own. Who must call back, and until when, is settled when a matter opens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.clock import TOLERANCE as CLOCK_LIMIT
from gateway.domain.missed import (
    STALE,
    CallBackRule,
    Dismissal,
    Matter,
    Missed,
    MissedState,
    Terms,
    matters_of,
    paired,
    recipient,
)
from gateway.domain.tasks import NewTask, Origin, Task, TaskKind, TaskState
from gateway.store import missed as store
from gateway.store.call_back import call_back_rule, take_lease
from gateway.store.database import Connection
from gateway.store.facts import Fact, NewFact
from gateway.store.missed import Client, KeptMatter, Touched
from gateway.store.shipped import clocks_of_calls
from gateway.store.tasks import active_users, change_task, enter_tasks, heads_of, note_escalated, read_rule, read_task
from gateway.store.working_time import OfficeHours, office_hours

_RIGHT = timedelta()
BY = "missed"
"""Who makes and ends these tasks, as histories name it."""
_AT_ONCE = 500
_LOOK_BACK = timedelta(days=30)
"""Matters that ended earlier stay as they are when cards are merged."""
_TALKS = ("call.ringing", "call.talking")
_CALLS = (*_TALKS, "call.ended", "call.changed", "call.merged", "call.identified")
_CARDS = ("contact.merged", "contact.unmerged")
_TASKS = ("task.done", "task.failed", "task.reopened")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    """What is promised to those who call one of our numbers."""

    rule: CallBackRule
    hours: OfficeHours

    def terms(self, missed: Missed, now: datetime, clock: timedelta = _RIGHT) -> Terms:
        """Until when to call back, and when it is too late, by our clock; the PBX's is off by `clock`."""
        at = missed.at - clock
        since = min(at, now)  # a PBX whose clock is ahead gives nobody more time
        give_up = at + timedelta(hours=self.rule.give_up_hours)
        if now - at > STALE:
            give_up = min(give_up, now)
        length = timedelta(minutes=self.rule.minutes)
        return Terms(due_at=self.hours.of_did(missed.did).after(since, length), give_up_at=give_up)


@dataclass(slots=True)
class _Told:
    """What was told of one client."""

    client: Client
    since: datetime
    ids: set[int] = field(default_factory=set)


class MissedCalls:
    """Follows calls and tasks, and settles missed clients."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's, for working hours that nobody has entered.
        """
        self._zone = zone

    async def follow(self, connection: Connection, facts: Sequence[Fact], now: datetime) -> list[NewFact]:
        """Take facts of calls and of tasks (a follower's handler)."""
        told: list[NewFact] = []
        await self._lock(connection, facts)
        for fact in facts:
            if fact.kind in _TASKS and fact.body.get("missed_id") is not None:
                told += await self._task_moved(connection, fact, now)
            elif fact.kind in _CARDS:
                told += await self._cards_moved(connection, fact, now)
        calls = [fact for fact in facts if fact.kind in _CALLS]
        touched = {t.call_id: t for t in await store.touched_calls(connection, _call_ids(calls))}
        for fact in calls:
            told += await self._rung(connection, fact, touched, now)
        for client in await self._clients(connection, touched.values()):
            told += await self.settle(connection, client.client, client.since, now, ids=sorted(client.ids))
        for call in touched.values():
            if call.hidden and call.asks and not call.matters and call.ended_at is not None:
                await self._count_hidden(connection, call, now)
        return told

    async def give_up(self, connection: Connection, now: datetime) -> list[NewFact]:
        """End matters whose limit has passed (a duty's work)."""
        told: list[NewFact] = []
        due = await store.matters_to_give_up(connection, now, _AT_ONCE)
        for kept in sorted(due, key=lambda k: k.client.key):  # as the follower locks them: neither waits for the other
            told += await self.settle(connection, kept.client, kept.first_at, now)
        return told

    async def escalate(self, connection: Connection, now: datetime) -> list[NewFact]:
        """Tell the heads of clients who wait too long, once each (a duty's work)."""
        told = []
        for kept, did in await store.matters_to_escalate(connection, now, _AT_ONCE):
            rule = await call_back_rule(connection, did)
            await store.note_escalation(connection, kept.id, now)
            task = await read_task(connection, kept.task_id or 0)
            if task is not None:
                await note_escalated(connection, task.id, now)
            heads = rule.escalate_to or await heads_of(connection, task.owner_id if task else None)
            told.append(await missed_fact(connection, "missed.escalated", kept.id, also=heads))
        return told

    async def settle(
        self, connection: Connection, client: Client, since: datetime, now: datetime, *, ids: Sequence[int] = ()
    ) -> list[NewFact]:
        """Fold a client's matters anew, and write and tell what differs.

        Args:
            connection: within a transaction.
            client: whose.
            since: the earliest moment of which something new is known.
            now: the present moment, UTC.
            ids: matters that must be looked at, however old.
        """
        await store.lock_client(connection, client)
        kept = {k.id: k for k in await store.matters_since(connection, client, since, ids)}
        start = min([since, *(k.first_at for k in kept.values())])
        dismissals = [k.dismissal for k in kept.values() if k.dismissal is not None]
        story = await store.story_of(connection, client, start, dismissals)
        promises = {did: await self._promise(connection, did) for did in {m.did for m in story.missed}}
        known = {k.calls[0]: k.terms for k in kept.values() if k.calls}
        unknown = [missed.call_id for missed in story.missed if missed.call_id not in known]
        clocks = await clocks_of_calls(connection, unknown, beyond=CLOCK_LIMIT) if unknown else {}

        def terms(missed: Missed) -> Terms:
            clock = clocks.get(missed.call_id, _RIGHT)
            return known.get(missed.call_id) or promises[missed.did].terms(missed, now, clock)

        matters = matters_of(story, terms, now)
        found, gone = paired(matters, {k.id: k.calls for k in kept.values()})
        told: list[NewFact] = []
        for lost in gone:
            told += await self._withdraw(connection, kept[lost], now)
        for id_, matter in sorted(zip(found, matters, strict=True), key=lambda pair: pair[1].is_open):
            if id_ is None:
                told += await self._open(connection, client, matter, promises[matter.first.did], now)
            else:
                told += await self._move(connection, kept[id_], matter, promises[matter.first.did], now)
        return told

    async def dismiss(
        self, connection: Connection, kept: KeptMatter, *, by: int | None, why: str, now: datetime
    ) -> list[NewFact]:
        """End an open matter because a person says so.

        Args:
            connection: within a transaction.
            kept: the matter.
            by: which user; None: a program.
            why: the reason, in his words.
            now: the present moment, UTC.
        """
        at = max(now, kept.last_at)
        await store.note_dismissal(connection, kept.id, Dismissal(at=at, by=by, why=why))
        return await self.settle(connection, kept.client, kept.first_at, at, ids=[kept.id])

    async def _lock(self, connection: Connection, facts: Sequence[Fact]) -> None:
        """Lock every client that facts may concern, in one order, before anything is written."""
        tasks = [_int(fact.body.get("missed_id")) for fact in facts if fact.kind in _TASKS]
        cards = [card for fact in facts if fact.kind in _CARDS for card in _cards(fact)]
        calls = await store.touched_calls(connection, _call_ids([f for f in facts if f.kind in _CALLS]))
        ids = {id_ for call in calls for id_ in call.matters} | {id_ for id_ in tasks if id_ is not None}
        clients = [Client(contact_id=card, number=None) for card in cards]
        clients += [kept.client for kept in await store.read_matters(connection, sorted(ids))]
        clients += [call.client for call in calls if call.asks or call.matters or call.waited]
        for client in sorted({c.key: c for c in clients}.values(), key=lambda c: c.key):
            await store.lock_client(connection, client)

    async def _promise(self, connection: Connection, did: str | None) -> _Promise:
        rule = await call_back_rule(connection, did)
        return _Promise(rule=rule, hours=await office_hours(connection, self._zone, did=did))

    async def _clients(self, connection: Connection, touched: Iterable[Touched]) -> list[_Told]:
        """Whose matters may have moved, with the earliest call that was told of."""
        found: dict[str, _Told] = {}
        for call in touched:
            if call.hidden or not (call.asks or call.matters or call.waited):
                continue
            clients = [call.client] + [k.client for k in await store.read_matters(connection, call.matters)]
            for client in clients:
                told = found.setdefault(client.key, _Told(client, call.started_at))
                told.since = min(told.since, call.started_at)
                told.ids.update(call.matters)
        await store.rehome(connection, sorted({id_ for told in found.values() for id_ in told.ids}))
        return [found[key] for key in sorted(found)]

    async def _open(
        self, connection: Connection, client: Client, matter: Matter, promise: _Promise, now: datetime
    ) -> list[NewFact]:
        owner, unsorted = await store.card_of(connection, client.contact_id)
        hours = promise.hours.of_did(matter.first.did)
        escalate_at = hours.after(matter.terms.due_at, timedelta(minutes=promise.rule.escalate_minutes))
        id_ = await store.add_matter(connection, client, matter, new_client=unsorted, escalate_at=escalate_at)
        if not matter.is_open:
            return [await missed_fact(connection, "missed.closed", id_)]
        told = await self._make_task(connection, id_, client, matter, promise, owner, now)
        return [*told, await missed_fact(connection, "missed.opened", id_)]

    async def _make_task(
        self,
        connection: Connection,
        id: int,
        client: Client,
        matter: Matter,
        promise: _Promise,
        owner: int | None,
        now: datetime,
    ) -> list[NewFact]:
        rung = await store.rung_users(connection, matter.first.call_id)
        asked = {*rung, *promise.rule.members, *([owner] if owner else [])}
        begins = promise.hours.of_did(matter.first.did).after(min(matter.first.at, now), timedelta(0))
        hours = await office_hours(connection, self._zone, users=sorted(asked))
        who = recipient(
            promise.rule,
            owner=owner,
            rung=rung,
            at_work=[user for user in asked if hours.of_user(user).includes(begins)],
            active=await active_users(connection),
        )
        task = NewTask(
            kind=TaskKind.CALL_BACK,
            origin=Origin.MISSED,
            made_by=BY,
            owner_id=who.owner_id,
            members=who.members,
            contact_id=client.contact_id,
            number=matter.calls[-1].number,
            call_id=matter.first.call_id,
            missed_id=id,
            priority=promise.rule.priority,
            due_at=matter.terms.due_at,
            remind_minutes=(),
            remind_head_minutes=(),
        )
        (made,), facts = await enter_tasks(connection, [task], now)
        await store.give_task(connection, id, made.id)
        return facts

    async def _move(
        self, connection: Connection, kept: KeptMatter, matter: Matter, promise: _Promise, now: datetime
    ) -> list[NewFact]:
        if not _differs(kept, matter):
            return []
        await store.save_matter(connection, kept.id, matter)
        was_open = kept.state is MissedState.OPEN
        told: list[NewFact] = []
        if matter.is_open:
            told += await self._keep_task_open(connection, kept, matter, promise, now)
        elif was_open or kept.state is not matter.state:
            told += await _end_task(connection, kept.task_id, matter.state, now)
        kind = "missed.changed"
        if was_open != matter.is_open:
            kind = "missed.closed" if was_open else "missed.reopened"
        return [*told, await missed_fact(connection, kind, kept.id)]

    async def _keep_task_open(
        self, connection: Connection, kept: KeptMatter, matter: Matter, promise: _Promise, now: datetime
    ) -> list[NewFact]:
        task = await read_task(connection, kept.task_id or 0, lock=True)
        if task is None:
            owner, _ = await store.card_of(connection, kept.client.contact_id)
            return await self._make_task(connection, kept.id, kept.client, matter, promise, owner, now)
        changes: dict[str, object] = {"number": matter.calls[-1].number}
        if matter.terms.due_at != kept.terms.due_at:
            changes["due_at"] = matter.terms.due_at
        if kept.state is not MissedState.OPEN:
            changes |= {"state": TaskState.NEW, "result": ""} if not task.state.is_open else {}
        elif task.state is TaskState.NEW and matter.attempts > kept.attempts:
            changes["state"] = TaskState.IN_PROGRESS
        _, told = await change_task(connection, task, changes, by=BY, now=now)
        return told

    async def _withdraw(self, connection: Connection, kept: KeptMatter, now: datetime) -> list[NewFact]:
        if kept.state is MissedState.WITHDRAWN:
            return []
        await store.withdraw_matter(connection, kept.id, now)
        told = await _end_task(connection, kept.task_id, MissedState.WITHDRAWN, now)
        return [*told, await missed_fact(connection, "missed.closed", kept.id)]

    async def _rung(
        self, connection: Connection, fact: Fact, touched: Mapping[UUID, Touched], now: datetime
    ) -> list[NewFact]:
        """Whoever rings a client that waits has him for himself, and the task with it."""
        call = touched.get(fact.call_id) if fact.call_id else None
        if call is None or not call.waited or fact.kind not in _TALKS or fact.body.get("direction") != "outbound":
            return []
        kept = await store.open_matter(connection, call.client)
        user = next(iter(fact.users), None)
        if kept is None or user is None or call.started_at < kept.first_at:
            return []
        until = call.started_at + timedelta(minutes=(await read_rule(connection)).lease_minutes)
        told_before = kept.claimed_until is not None and kept.claimed_until >= until
        if told_before or (call.ended_at is not None and until <= now):
            return []  # a fact that is taken again, or late, gives nobody the client once more
        return await take(connection, kept, user, now)

    async def _task_moved(self, connection: Connection, fact: Fact, now: datetime) -> list[NewFact]:
        """A task that a person ended or opened again takes its matter along."""
        id_ = fact.body["missed_id"]
        kept = next(iter(await store.read_matters(connection, [id_])), None) if isinstance(id_, int) else None
        task = await read_task(connection, kept.task_id or 0) if kept is not None else None
        if kept is None or task is None or fact.body.get("by") == BY:
            return []
        if task.state.is_open is not (fact.kind == "task.reopened"):
            return []  # it has been moved again since
        if fact.kind == "task.reopened":
            if kept.dismissal is None:
                return []
            await store.note_dismissal(connection, kept.id, None)
            return await self.settle(connection, kept.client, kept.first_at, now, ids=[kept.id])
        if kept.state is not MissedState.OPEN:
            return []
        by = str(fact.body.get("by", "")).partition("user:")[2]
        return await self.dismiss(
            connection, kept, by=int(by) if by.isdecimal() else None, why=fact.kind.replace(".", "_"), now=now
        )

    async def _cards_moved(self, connection: Connection, fact: Fact, now: datetime) -> list[NewFact]:
        """Matters of cards that were merged, or taken apart, are those of one client, or of two."""
        cards = _cards(fact)
        since = await store.matters_began(connection, cards, now - _LOOK_BACK)
        told: list[NewFact] = []
        for card in cards if since is not None else ():
            assert since is not None
            told += await self.settle(connection, Client(contact_id=card, number=None), since, now)
        return told

    async def _count_hidden(self, connection: Connection, call: Touched, now: datetime) -> None:
        assert call.ended_at is not None
        missed = Missed(call_id=call.call_id, at=call.ended_at, reason=call.reason, pbx=call.pbx, did=call.did)
        promise = await self._promise(connection, call.did)
        await store.add_hidden(connection, call, promise.terms(missed, now))


async def take(connection: Connection, kept: KeptMatter, user: int, now: datetime) -> list[NewFact]:
    """Give a person an open matter for some minutes; its task is his and in progress, if it was nobody's.

    Returns:
        Facts; none where somebody else has it.
    """
    rule = await read_rule(connection)
    until = now + timedelta(minutes=rule.lease_minutes)
    if not await take_lease(connection, kept.id, user, until=until, now=now):
        return []
    task = await read_task(connection, kept.task_id or 0, lock=True)
    told: list[NewFact] = []
    if task is not None and task.state.is_open:
        changes: dict[str, object] = {"state": TaskState.IN_PROGRESS}
        if task.owner_id is None:
            changes["owner_id"] = user
        _, told = await change_task(connection, task, changes, by=f"user:{user}", now=now)
    return [*told, await missed_fact(connection, "missed.claimed", kept.id)]


async def missed_fact(connection: Connection, kind: str, id: int, *, also: Sequence[int] = ()) -> NewFact:
    """A fact about a matter as it is now, for those who have its task.

    Args:
        connection: where to read.
        kind: like `missed.opened`.
        id: which matter.
        also: further users whom it concerns.
    """
    body, task = await store.matter_view(connection, id)
    users = [*task.members] if task else []
    if task and task.owner_id:
        users = [task.owner_id]
    users = users or await active_users(connection)
    contact = body["contact_id"]
    return NewFact(
        kind=kind,
        body=body,
        contact_id=contact if isinstance(contact, int) else None,
        users=tuple(dict.fromkeys([*users, *also])),
    )


async def _end_task(connection: Connection, id: int | None, state: MissedState, now: datetime) -> list[NewFact]:
    """End the task of a matter that has ended, or let it say how it really ended."""
    task: Task | None = await read_task(connection, id or 0, lock=True)
    if task is None:
        return []
    ends = TaskState.FAILED if state is MissedState.NEVER else TaskState.DONE
    changes: dict[str, object] = {"state": ends, "result": state.value} if task.state.is_open else {}
    if not task.state.is_open and task.result in tuple(MissedState):
        changes = {"result": state.value}
    _, told = await change_task(connection, task, changes, by=BY, now=now)
    return told


def _call_ids(facts: Sequence[Fact]) -> list[UUID]:
    """The calls facts tell of, those that swallowed others among them."""
    ids = {fact.call_id or UUID(str(fact.body["id"])) for fact in facts}
    ids |= {UUID(str(fact.body["merged_into"])) for fact in facts if fact.body.get("merged_into")}
    return sorted(ids)


def _cards(fact: Fact) -> list[int]:
    """The cards a merge, or its undoing, is about."""
    return [card for card in (_int(fact.body.get("id")), _int(fact.body.get("gone"))) if card is not None]


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _differs(kept: KeptMatter, matter: Matter) -> bool:
    return (kept.state, kept.calls, kept.attempts, kept.closed_at, kept.closed_by_call, kept.closed_by_user) != (
        matter.state,
        tuple(m.call_id for m in matter.calls),
        matter.attempts,
        matter.closed_at,
        matter.by_call,
        matter.by_user,
    )
