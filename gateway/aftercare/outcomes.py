"""Choosing an outcome and correcting it: what is written with it, in the caller's transaction.

The card gets its stage and heat, the next step becomes a task or another owner, and a task that the outcome makes by
itself is made. A correction takes back what the earlier choice made of the card, as long as nobody changed it since,
and closes the task it made, as long as nobody began it. Deadlines of a lead are ended by the distribution, which hears
of the outcome in the feed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.domain.call_view import moment
from gateway.domain.outcomes import (
    AutoTask,
    Choice,
    FollowUp,
    NextStep,
    StepKind,
    Traits,
    Want,
    after,
    due_of,
    still_wanted,
    taken_back,
)
from gateway.domain.staff import zone_of
from gateway.domain.tasks import NewTask, Origin, TaskKind, TaskState
from gateway.store import outcomes as store
from gateway.store.card_owners import owner_changed
from gateway.store.database import Connection
from gateway.store.dispositions import disposition_of, reason_of
from gateway.store.distribution import who_works
from gateway.store.facts import NewFact
from gateway.store.outcomes import CardState, NewOutcome, Outcome, Place
from gateway.store.tasks import change_task, enter_tasks, read_task

WITHDRAWN = "outcome_corrected"
"""The result of a task whose outcome was corrected."""

_KINDS = {
    FollowUp.CALL: TaskKind.CALL,
    FollowUp.RETURN: TaskKind.CALL,
    FollowUp.LETTER: TaskKind.LETTER,
    FollowUp.MEETING: TaskKind.MEETING,
}


class Writer:
    """One choice being written."""

    def __init__(self, connection: Connection, *, by: str, now: datetime, zone: ZoneInfo) -> None:
        """Args:
        connection: within a transaction.
        by: who chooses, like `user:17`.
        now: the present moment, UTC.
        zone: of the manager; a client with a zone of his own has tasks by his.
        """
        self._connection = connection
        self._by = by
        self._now = now
        self._zone = zone
        self.facts: list[NewFact] = []
        """What is to be saved and told."""

    async def choose(self, place: Place, choice: Choice) -> int | None:
        """Write what was chosen.

        Returns:
            The outcome's id; None: one was chosen for this call before, and nothing was written.
        """
        card = await self._card(place.contact_id)
        new = await self._new(place, choice, card, card.traits if card else None, None)
        id_ = await store.save_outcome(self._connection, place, new, self._now)
        if id_ is None:
            return None
        if place.standing_id is not None:
            await store.ask_no_more(self._connection, [place.standing_id])
        self._tell("outcome.chosen", id_, place, choice, new, 1)
        return id_

    async def correct(self, outcome: Outcome, choice: Choice) -> bool:
        """Write what an outcome is changed to.

        Returns:
            False: it has been changed since it was read.
        """
        place = Place(
            call_id=outcome.chosen_for,
            standing_id=outcome.call_id,
            contact_id=outcome.contact_id,
            user_id=outcome.user_id,
            at=outcome.at,
            day=outcome.day,
            did=outcome.did,
            direction=outcome.direction,
        )
        card = await self._card(outcome.contact_id)
        before = card.traits if card else None
        if before is not None and outcome.before is not None and outcome.made is not None:
            before = taken_back(before, outcome.before, outcome.made)
        kept_task = outcome.made_task if outcome.disposition_id == choice.disposition.id else None
        if outcome.made_task is not None and kept_task is None:
            await self._withdraw(outcome.made_task)
        new = await self._new(place, choice, card, before, kept_task, outcome.next_step)
        if not await store.change_outcome(self._connection, outcome.id, outcome.version, new, self._now):
            return False
        self._tell("outcome.changed", outcome.id, place, choice, new, outcome.version + 1)
        return True

    async def _withdraw(self, id: int) -> None:
        """Close the task that an outcome made by itself, unless somebody began it."""
        task = await read_task(self._connection, id, lock=True)
        if task is None or task.state is not TaskState.NEW:
            return
        changes = {"state": TaskState.FAILED, "result": WITHDRAWN}
        _, facts = await change_task(self._connection, task, changes, by=self._by, now=self._now)
        self.facts += facts

    async def _card(self, contact: int | None) -> CardState | None:
        return None if contact is None else await store.hold_card(self._connection, contact)

    async def _new(
        self,
        place: Place,
        choice: Choice,
        card: CardState | None,
        before: Traits | None,
        kept_task: int | None,
        last_step: dict[str, object] | None = None,
    ) -> NewOutcome:
        """The row, after everything beside it was written."""
        zone = zone_of(card.timezone if card else None, self._zone)
        made = after(before, choice.disposition) if before is not None else None
        if card is not None and made is not None and made != card.traits:
            version = await store.set_traits(self._connection, card.id, made)
            body: dict[str, object] = {"id": card.id, "version": version}
            self.facts.append(NewFact(kind="contact.changed", body=body, contact_id=card.id))
        owner = await who_works(self._connection, [place.user_id, card.owner_id if card else None])
        step = await self._step(choice.next_step, place, owner, zone) if choice.next_step else last_step
        task = kept_task
        if choice.disposition.task is not None and choice.next_step is None and task is None:
            task = await self._follow_up(choice, choice.disposition.task, place, owner, zone)
        wants = still_wanted(choice.disposition, choice.reason, has_next_step=step is not None)
        return NewOutcome(
            disposition_id=choice.disposition.id,
            reason_id=choice.reason.id if choice.reason else None,
            note=choice.note,
            next_step=step,
            is_complete=not wants,
            before=before,
            made=made,
            made_task=task,
            by=self._by,
        )

    async def _step(self, step: NextStep, place: Place, owner: int | None, zone: ZoneInfo) -> dict[str, object]:
        match step.kind:
            case StepKind.TASK:
                kind = step.task or FollowUp.CALL
                task = await self._make(place, owner, kind, step.due_at, zone, title=step.title)
                return {"kind": step.kind, "task": kind, "task_id": task, "due_at": moment(step.due_at)}
            case StepKind.TRANSFER:
                if place.contact_id is not None:
                    fact = await owner_changed(
                        self._connection, place.contact_id, step.to, reason="transfer", by=self._by, now=self._now
                    )
                    self.facts += [fact] if fact else []
                return {"kind": step.kind, "to": step.to}
            case _:
                return {"kind": step.kind}

    async def _follow_up(
        self, choice: Choice, task: AutoTask, place: Place, owner: int | None, zone: ZoneInfo
    ) -> int | None:
        """The task that the outcome makes by itself; None: there is nobody it could be about."""
        if place.contact_id is None:
            return None
        due = due_of(task, choice.reason, self._now, zone)
        return await self._make(place, owner, task.kind, due, zone)

    async def _make(
        self, place: Place, owner: int | None, kind: FollowUp, due: datetime | None, zone: ZoneInfo, title: str = ""
    ) -> int:
        task = NewTask(
            kind=_KINDS[kind],
            origin=Origin.RETURN if kind is FollowUp.RETURN else Origin.NEXT_STEP,
            made_by=self._by,
            title=title,
            owner_id=owner,
            contact_id=place.contact_id,
            call_id=place.standing_id,
            due_at=due,
            zone=zone.key,
        )
        (made,), facts = await enter_tasks(self._connection, [task], self._now)
        self.facts += facts
        return made.id

    def _tell(self, kind: str, id: int, place: Place, choice: Choice, new: NewOutcome, version: int) -> None:
        wants = still_wanted(choice.disposition, choice.reason, has_next_step=new.next_step is not None)
        closes = choice.disposition.closes_lead or (new.next_step or {}).get("kind") == StepKind.CLOSE
        body: dict[str, object] = {
            "id": id,
            "call_id": str(place.standing_id) if place.standing_id else None,
            "contact_id": place.contact_id,
            "user_id": place.user_id,
            "outcome": choice.disposition.key,
            "means": choice.disposition.means,
            "reason": choice.reason.key if choice.reason else None,
            "wants": list(wants),
            "closes_lead": closes,
            "by": self._by,
            "version": version,
        }
        users = (place.user_id,) if place.user_id else ()
        self.facts.append(
            NewFact(kind=kind, body=body, call_id=place.standing_id, contact_id=place.contact_id, users=users)
        )


async def wants_of(connection: Connection, outcome: Outcome) -> tuple[Want, ...]:
    """What an outcome still lacks, by its company's present data."""
    if outcome.is_complete:
        return ()
    disposition = await disposition_of(connection, outcome.disposition_id)
    reason = await reason_of(connection, outcome.reason_id)
    return still_wanted(disposition, reason, has_next_step=outcome.next_step is not None)


def offered_steps(now: datetime, zone: ZoneInfo) -> Sequence[tuple[FollowUp, datetime]]:
    """Next steps that a screen may offer with one touch: in an hour, tomorrow, in a week, next month."""
    spans = (
        (FollowUp.CALL, AutoTask(kind=FollowUp.CALL, minutes=60)),
        (FollowUp.CALL, AutoTask(kind=FollowUp.CALL, days=1)),
        (FollowUp.CALL, AutoTask(kind=FollowUp.CALL, days=7)),
        (FollowUp.CALL, AutoTask(kind=FollowUp.CALL, months=1)),
    )
    rounded = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    return [(kind, due_of(task, None, rounded, zone)) for kind, task in spans]
