"""Gives leads to managers: by the first rule that takes them, to another voice, or to the head where nobody fits.

One `Giver` serves one transaction. It locks the rules first, so two leads at once never go to the same manager by a
race, and keeps what each member is owed and has, so a thousand cards of one who left are shared out like a thousand
new ones. Every change of an owner has its row of history and is told to both.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.domain import distribution
from gateway.domain.call_view import moment
from gateway.domain.distribution import Lead, Member, Turn, Verdict, change_voice, choose, mismatch
from gateway.domain.tasks import NewTask, Origin, TaskKind, TaskState
from gateway.store import distribution as store
from gateway.store import distribution_rules as rules_store
from gateway.store.card_owners import owner_changed
from gateway.store.database import Connection
from gateway.store.distribution import Assignment, Card
from gateway.store.distribution_rules import StoredRule
from gateway.store.facts import NewFact
from gateway.store.followers import place_of
from gateway.store.tasks import change_task, enter_tasks, heads_of, read_task
from gateway.store.working_time import office_hours

BY = "distribution"
FOLLOWER = "distribution"
"""Whose place in the feed says what has been heard."""


class Giver:
    """Gives leads within one transaction."""

    def __init__(self, connection: Connection, now: datetime, zone: ZoneInfo, by: str = BY) -> None:
        """Args:
        connection: within a transaction.
        now: the present moment, UTC.
        zone: the company's.
        by: who gives, like `user:17`.
        """
        self._connection = connection
        self._now = now
        self.zone = zone
        self.by = by
        self._members: dict[int, list[Member]] = {}
        self.rules: list[StoredRule] = []
        self.facts: list[NewFact] = []
        """What is to be saved and told."""
        self.seen: str | None = None
        """Place in the feed up to which everything has been heard."""

    async def begin(self) -> "Giver":
        """Lock the rules; nobody else gives leads until the transaction ends."""
        self.rules = await rules_store.lock_rules(self._connection)
        self.policy = await rules_store.read_policy(self._connection)
        self.seen = await place_of(self._connection, FOLLOWER)
        return self

    def rule(self, id: int | None) -> StoredRule | None:
        """A rule that holds."""
        return next((s for s in self.rules if s.rule.id == id), None)

    async def members(self, stored: StoredRule) -> list[Member]:
        """The members of a rule, with what was given in this transaction."""
        if stored.rule.id not in self._members:
            found = await rules_store.members_now(self._connection, stored, self._now, self.zone)
            self._members[stored.rule.id] = found
        return self._members[stored.rule.id]

    async def choice(self, lead: Lead, barred: Sequence[int] = ()) -> tuple[StoredRule | None, Verdict | None]:
        """Who would get a lead: by the first rule that takes it and has somebody who fits.

        Returns:
            The rule and its verdict; the first rule that takes the lead where nobody fits; None: no rule takes it.
        """
        first: tuple[StoredRule | None, Verdict | None] = (None, None)
        for stored in self.rules:
            if mismatch(stored.rule.conditions, lead) is not None:
                continue
            verdict = choose(stored.rule, await self.members(stored), lead, barred)
            if verdict.user_id is not None:
                return stored, verdict
            first = first if first[0] else (stored, verdict)
        return first

    async def take(self, stored: StoredRule, verdict: Verdict) -> None:
        """Keep in mind and in the database that a lead was given."""
        rule = stored.rule.id
        for id_, group in self._members.items():
            if id_ == rule:
                self._members[id_] = distribution.given(group, verdict)
            else:
                self._members[id_] = [
                    replace(m, open_leads=m.open_leads + 1, given_today=m.given_today + 1)
                    if m.user_id == verdict.user_id
                    else m
                    for m in group
                ]
        await rules_store.save_credits(self._connection, rule, verdict.credits)

    async def give(self, card: Card, lead: Lead, reason: str) -> None:
        """Give a lead that is nobody's; to the head, if nobody fits."""
        stored, verdict = await self.choice(lead)
        if stored is None:
            return
        if verdict is None or verdict.user_id is None:
            await self.to_head(card, stored, Turn(user_id=None), reason="nobody_fits")
            return
        await self.take(stored, verdict)
        turn = Turn(user_id=verdict.user_id, tried=(verdict.user_id,))
        await self.assign(card, stored, turn, reason, lead.did)

    async def keep(self, card: Card, user: int, reason: str) -> None:
        """Let a lead belong to the one who talked with him; he has given the first answer."""
        await self.own(card, user, reason)

    async def next_voice(self, card: Card, last: Assignment, reason: str) -> None:
        """Give a lead to another manager than those who had it; the head decides when all had it."""
        stored = self.rule(last.rule_id)
        if last.settled_at is None:
            await store.settle_turn(self._connection, last.id, "passed", None, self._now)
        if stored is None:
            await self.to_head(card, None, last.turn, reason="rule_gone")
            return
        voice = change_voice(stored.rule, await self.members(stored), card.lead, last.turn)
        if voice.verdict is None or voice.turn.user_id is None:
            await self.to_head(card, stored, voice.turn, reason="rounds_over")
            return
        await self.take(stored, voice.verdict)
        await self.assign(card, stored, voice.turn, reason, card.lead.did)

    async def stand_in(self, card: Card, last: Assignment, user: int, reason: str) -> None:
        """Let another one go on with an open turn: whoever stands in has the whole time for the first answer."""
        stored = self.rule(last.rule_id)
        if stored is None or last.state != "given":
            await self.own(card, user, reason, with_tasks=False)
            await self.settle(last, "closed", None)
            return
        await store.settle_turn(self._connection, last.id, "passed", None, self._now)
        tried = tuple(dict.fromkeys((*last.tried, user)))
        turn = Turn(user_id=user, round=last.round, changes=last.changes, tried=tried)
        await self.assign(card, stored, turn, reason, card.lead.did, with_tasks=False)

    async def assign(
        self, card: Card, stored: StoredRule, turn: Turn, reason: str, did: str | None, *, with_tasks: bool = True
    ) -> None:
        """Begin a manager's turn: owner, deadline, tasks, and both are told."""
        deadline = await self._deadline(stored, did)
        id_ = await store.begin_turn(
            self._connection,
            contact=card.id,
            rule=stored.rule.id,
            turn=turn,
            state="given",
            reason=reason,
            deadline=deadline,
            now=self._now,
            seen=self.seen,
        )
        assert turn.user_id is not None
        await self.own(card, turn.user_id, reason, with_tasks=with_tasks)
        if id_ is None:
            return
        if with_tasks:
            await self._first_task(card, turn.user_id, reason, deadline)
        body: dict[str, object] = {
            "id": id_,
            "contact_id": card.id,
            "from": card.owner_id,
            "to": turn.user_id,
            "rule_id": stored.rule.id,
            "reason": reason,
            "round": turn.round,
            "changes": turn.changes,
            "deadline_at": moment(deadline),
        }
        self._tell("lead.given", card, body, (card.owner_id, turn.user_id))

    async def to_head(self, card: Card, stored: StoredRule | None, turn: Turn, *, reason: str) -> None:
        """Let the head decide, who is told; without a head the card stays whose it is."""
        named = stored.rule.head_id if stored else None
        head = await rules_store.head_of(self._connection, named, self.policy.head_id)
        id_ = await store.begin_turn(
            self._connection,
            contact=card.id,
            rule=stored.rule.id if stored else None,
            turn=replace(turn, user_id=head),
            state="waiting",
            reason=reason,
            deadline=None,
            now=self._now,
            seen=self.seen,
        )
        if head is not None:
            await self.own(card, head, reason)
        if id_ is None:
            return
        body: dict[str, object] = {
            "id": id_,
            "contact_id": card.id,
            "from": card.owner_id,
            "to": head,
            "rule_id": stored.rule.id if stored else None,
            "reason": reason,
        }
        heads = () if head is not None else await heads_of(self._connection)
        self._tell("lead.waiting", card, body, (card.owner_id, head, *heads))

    async def settle(self, last: Assignment, state: str, by: int | None) -> None:
        """End a turn that needs no other voice: answered, or closed."""
        await store.settle_turn(self._connection, last.id, state, by, self._now)
        rows = await self._connection.fetch(
            "select id from task where contact_id = $1 and origin = $2 and state in ('new', 'in_progress') order by id",
            last.contact_id,
            Origin.DISTRIBUTION,
        )
        for row in rows:
            await self._change(row["id"], {"state": TaskState.DONE, "result": f"lead_{state}"})
        body: dict[str, object] = {"id": last.id, "contact_id": last.contact_id, "user_id": last.user_id, "by": by}
        users = tuple(dict.fromkeys(u for u in (last.user_id, by) if u is not None))
        self.facts.append(NewFact(kind=f"lead.{state}", body=body, contact_id=last.contact_id, users=users))

    async def move_tasks(self, tasks: Sequence[int], to: int, *, of: int | None = None) -> int:
        """Give open tasks another owner; how many there were.

        Args:
            tasks: ids of them.
            to: the new owner.
            of: only those that are still this owner's once they are locked; None: whosever they are.
        """
        return sum([await self._change(task, {"owner_id": to}, of) for task in tasks])

    async def own(self, card: Card, user: int, reason: str, *, with_tasks: bool = True) -> None:
        """Give a card another owner, with the tasks that wait for one."""
        fact = await owner_changed(self._connection, card.id, user, reason=reason, by=self.by, now=self._now)
        self.facts += [fact] if fact else []
        if not with_tasks:
            return
        rows = await self._connection.fetch(
            "select id from task where contact_id = $1 and state in ('new', 'in_progress')"
            " and (owner_id is null or (origin = 'missed' and state = 'new') or owner_id = $2) order by id",
            card.id,
            card.owner_id,
        )
        await self.move_tasks([r["id"] for r in rows], user)

    async def _change(self, id: int, changes: dict[str, object], of: int | None = None) -> bool:
        task = await read_task(self._connection, id, lock=True)
        if task is None or not task.state.is_open or (of is not None and task.owner_id != of):
            return False
        _, facts = await change_task(self._connection, task, changes, by=self.by, now=self._now)
        self.facts += facts
        return bool(facts)

    async def _deadline(self, stored: StoredRule, did: str | None) -> datetime | None:
        """When the first answer is due, in working time of the number that was called."""
        if stored.rule.answer_minutes is None:
            return None
        hours = (await office_hours(self._connection, self.zone, did=did)).of_did(did)
        return hours.after(self._now, timedelta(minutes=stored.rule.answer_minutes))

    async def _first_task(self, card: Card, user: int, reason: str, deadline: datetime | None) -> None:
        """A task to answer by the deadline, unless there is one; a missed call has its own."""
        if deadline is None or reason == "missed":
            return
        has_one = await self._connection.fetchval(
            "select exists (select from task where contact_id = $1 and owner_id = $2 and state in"
            " ('new', 'in_progress') and kind in ('call', 'call_back'))",
            card.id,
            user,
        )
        if has_one:
            return
        task = NewTask(
            kind=TaskKind.CALL,
            origin=Origin.DISTRIBUTION,
            made_by=BY,
            owner_id=user,
            contact_id=card.id,
            due_at=deadline,
            priority=3,
        )
        self.facts += (await enter_tasks(self._connection, [task], self._now))[1]

    def _tell(self, kind: str, card: Card, body: dict[str, object], users: Sequence[int | None]) -> None:
        concerned = tuple(dict.fromkeys(user for user in users if user is not None))
        self.facts.append(NewFact(kind=kind, body=body, contact_id=card.id, users=concerned))
