"""Scheduled calls come to their moment: reminders, claims, and what follows when it cannot be or nobody takes it.

`ScheduledCalls` holds the works, each within a duty's transaction; `scheduled_dialling` is the duty that rings. An
order is written down with its id, committed, and only then placed, so that a gateway ended in between places the same
order again, whose id is used once, or finds that it went out. What comes of an order is read from its command. Whatever
is later than the rule allows is planned anew and never rung late; and no more calls are placed within a minute than the
rule says, so a downtime never ends in a burst.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.commands.orders import CallOrder, OrderSource
from gateway.domain.local_time import next_instant, wall_of
from gateway.domain.manager_states import BY_WORKING_TIME, ManagerState, State
from gateway.domain.scheduled import (
    TALKED,
    UNKNOWN,
    After,
    Scheduled,
    ScheduledState,
    ScheduleRule,
    ZoneFrom,
    after_miss,
    order_id,
)
from gateway.domain.staff import zone_of
from gateway.domain.tasks import NewTask, Origin, TaskKind
from gateway.store import scheduled as store
from gateway.store import scheduled_clock as clock_store
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.manager_states import present_states
from gateway.store.scheduled import Overlap, told
from gateway.store.tasks import active_users, enter_tasks

BY = "clock"
_AT_ONCE = 100
_CLAIM_LASTS = timedelta(seconds=30)
"""So long a node that claimed a call has to place it, before another look does."""
_TEND_EVERY = timedelta(seconds=15)
_TRIES = 5


class ScheduledCalls:
    """The works of the clock."""

    def __init__(self, company: ZoneInfo, *, places: bool = True) -> None:
        """Args:
        company: its zone.
        places: whether somebody places what is due; else it waits, and becomes late.
        """
        self._company = company
        self._places = places
        self._tended: datetime | None = None
        """When all planned calls were compared with their cards and managers, and not only those that are due."""
        self.orders: list[CallOrder] = []
        """What the last look wrote down to be placed."""

    async def look(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Remind, settle what has ended, and claim what is due (a duty's work)."""
        self.orders = []
        rule = await store.read_rule(connection)
        facts = [
            told("reminded", call, minutes=max(0, round((call.at - now).total_seconds() / 60)))
            for call in await clock_store.take_reminders(connection, now, _AT_ONCE)
        ]
        for ended in await clock_store.hold_ended(connection, now - clock_store.SILENT, _AT_ONCE):
            reason = UNKNOWN if ended.state == UNKNOWN else ended.reason
            facts += await self._settled(connection, ended.call, reason, rule, now)
        facts += await self._recover(connection, rule, now)
        whole = self._tended is None or abs(now - self._tended) >= _TEND_EVERY
        facts += await self._rezone(connection, rule, now, due_by=None if whole else now)
        facts += await self._hand_over(connection, rule, now, due_by=None if whole else now)
        self._tended = now if whole else self._tended
        facts += await self._due(connection, rule, now)
        return facts

    async def _settled(
        self, connection: Connection, call: Scheduled, reason: str | None, rule: ScheduleRule, now: datetime
    ) -> list[NewFact]:
        """What follows the end of an order."""
        if reason in TALKED:
            changes: dict[str, object] = {"state": ScheduledState.DONE, "reason": reason}
            done = await store.change_scheduled(connection, call, changes, rule, by=BY, told_as="done", now=now)
            assert not isinstance(done, Overlap)
            return [told("done", done)]
        attempts = call.attempts + 1
        match after_miss(reason, attempts, rule):
            case After.RETRY:
                return await self.replan(
                    connection,
                    call,
                    rule,
                    earliest=now + timedelta(minutes=rule.retry_minutes),
                    reason=reason or "failed",
                    changes={"attempts": attempts},
                    now=now,
                )
            case After.PUT_OFF:
                return await self.put_off(connection, call, reason or "failed", rule, now)
            case After.GIVE_UP:
                return await self.give_up(connection, call, reason or "failed", rule, now, attempts=attempts)

    async def _recover(self, connection: Connection, rule: ScheduleRule, now: datetime) -> list[NewFact]:
        """Take up orders that were written down and not placed, as far as the ended gateway told."""
        facts: list[NewFact] = []
        for claimed in await clock_store.hold_claimed(connection, now - _CLAIM_LASTS, _AT_ONCE):
            call = claimed.call
            assert call.order_id is not None
            if claimed.stored:
                at = claimed.ordered_at or now
                await clock_store.note_placed(connection, call.id, call.order_id, claimed.call_id, at)
                facts += await called(connection, call.id)
            elif now - call.at > timedelta(minutes=rule.late_minutes):
                facts += await self._late(connection, call, rule, now)
            else:
                await clock_store.claim_again(connection, [call.id], now)
                self.orders.append(_order(call, call.order_id))
        return facts

    async def _due(self, connection: Connection, rule: ScheduleRule, now: datetime) -> list[NewFact]:
        """Claim what is due, or say why it is not placed now."""
        facts: list[NewFact] = []
        due = await clock_store.hold_due(connection, now, _AT_ONCE)
        if not due:
            return facts
        left = rule.per_minute - await clock_store.placed_since(connection, now - timedelta(minutes=1))
        states = await present_states(connection, now=now, users=sorted({call.user_id for call in due}))
        for call in due:
            if now - call.at > timedelta(minutes=rule.late_minutes):
                facts += await self._late(connection, call, rule, now)
                continue
            if not self._places or left <= 0:
                continue
            refused = await self._not_now(connection, call, rule, states.get(call.user_id), now)
            if refused is not None:
                facts += refused
                continue
            order = order_id(call.id, call.orders + 1, call.at)
            await clock_store.claim(connection, call, order, now)
            self.orders.append(_order(call, order))
            left -= 1
        return facts

    async def _not_now(
        self, connection: Connection, call: Scheduled, rule: ScheduleRule, state: ManagerState | None, now: datetime
    ) -> list[NewFact] | None:
        """What follows where manager or client cannot now; None: they can."""
        zone = await self._client_zone(connection, call)
        if not call.any_hour and not rule.hours.includes(now, zone):
            return await self.replan(connection, call, rule, earliest=now, reason="client_hours", now=now)
        if state is not None and not state.takes_calls and not _agreed_outside_work(call, state):
            how = "ringing" if state.state is State.AVAILABLE else state.state.value
            return await self.put_off(connection, call, f"manager_{how}", rule, now)
        return None

    async def _late(self, connection: Connection, call: Scheduled, rule: ScheduleRule, now: datetime) -> list[NewFact]:
        earliest = now + timedelta(minutes=rule.replan_minutes)
        return await self.replan(connection, call, rule, earliest=earliest, reason="late", word="late", now=now)

    async def put_off(
        self, connection: Connection, call: Scheduled, reason: str, rule: ScheduleRule, now: datetime
    ) -> list[NewFact]:
        """Move a call by some minutes, because somebody cannot at the moment; too often: give it up."""
        if call.put_offs >= rule.put_offs_max:
            return await self.give_up(connection, call, reason, rule, now)
        return await self.replan(
            connection,
            call,
            rule,
            earliest=now + timedelta(minutes=rule.put_off_minutes),
            reason=reason,
            changes={"put_offs": call.put_offs + 1},
            now=now,
        )

    async def replan(
        self,
        connection: Connection,
        call: Scheduled,
        rule: ScheduleRule,
        *,
        earliest: datetime,
        reason: str,
        now: datetime,
        word: str = "replanned",
        changes: dict[str, object] | None = None,
        also: Sequence[int] = (),
    ) -> list[NewFact]:
        """Move a call to the next free time of its manager within the client's hours; without one it is given up.

        Args:
            connection: within a transaction that has locked the call.
            call: as it is.
            rule: of the site.
            earliest: from when on.
            reason: in one word.
            now: the present moment.
            word: of the fact that tells of it.
            changes: further new values.
            also: further users who are told.
        """
        moved = {**(changes or {}), "state": ScheduledState.PLANNED, "reason": reason}
        zone = zone_of(call.zone, self._company)
        clients = await self._client_zone(connection, call)
        user = moved.get("user_id", call.user_id)
        assert isinstance(user, int)
        for _ in range(_TRIES):
            free = await store.free_for(
                connection,
                rule,
                user=user,
                minutes=call.minutes,
                zone=clients,
                any_hour=call.any_hour,
                at=earliest,
                company=self._company,
                but=call.id,
            )
            if (at := free.after(earliest)) is None:
                break
            place = {"at": at, "wall": wall_of(at, zone), "second": at.astimezone(zone).fold == 1}
            new = await store.change_scheduled(connection, call, moved | place, rule, by=BY, told_as=word, now=now)
            if not isinstance(new, Overlap):
                return [told(word, new, also=also, was=call.at.isoformat(), why=reason)]
        return await self.give_up(connection, call, reason, rule, now)

    async def give_up(
        self,
        connection: Connection,
        call: Scheduled,
        reason: str,
        rule: ScheduleRule,
        now: datetime,
        *,
        attempts: int | None = None,
    ) -> list[NewFact]:
        """Let a task to call back take the call's place."""
        zone = await self._client_zone(connection, call)
        due = now if call.any_hour else rule.hours.after(now + timedelta(minutes=rule.retry_minutes), zone)
        task = NewTask(
            kind=TaskKind.CALL_BACK,
            origin=Origin.SCHEDULED,
            made_by="scheduled",
            note=call.note,
            owner_id=call.user_id if call.user_id in await active_users(connection) else None,
            contact_id=call.contact_id,
            number=call.number,
            call_id=call.call_id,
            due_at=due,
            zone=call.zone,
        )
        (made,), facts = await enter_tasks(connection, [task], now)
        changes: dict[str, object] = {"state": ScheduledState.MISSED, "reason": reason, "task_id": made.id}
        if attempts is not None:
            changes["attempts"] = attempts
        missed = await store.change_scheduled(connection, call, changes, rule, by=BY, told_as="missed", now=now)
        assert not isinstance(missed, Overlap)
        return [*facts, told("missed", missed)]

    async def _rezone(
        self, connection: Connection, rule: ScheduleRule, now: datetime, *, due_by: datetime | None = None
    ) -> list[NewFact]:
        """The wall stays, the instant moves, where a card has another zone now."""
        facts: list[NewFact] = []
        for found in await clock_store.hold_rezoned(connection, _AT_ONCE, due_by=due_by):
            call, zone = found.call, zone_of(found.zone, zone_of(found.call.zone, self._company))
            place: dict[str, object] = {"zone": found.zone, "zone_from": ZoneFrom.CARD}
            if zone.key != found.zone:  # a name that this machine does not know: nothing can be computed by it
                place["zone"] = call.zone
                place["zone_from"] = ZoneFrom.ASKED
            at = next_instant(call.wall, zone, second=call.second)
            moved = {**place, "at": at, "wall": wall_of(at, zone), "agreed_at": at, "reason": "zone_changed"}
            new = await store.change_scheduled(connection, call, moved, rule, by=BY, told_as="moved", now=now)
            if isinstance(new, Overlap):
                facts += await self.replan(
                    connection, call, rule, earliest=max(at, now), reason="zone_changed", now=now, changes=place
                )
            else:
                facts.append(told("moved", new, was=call.at.isoformat(), why="zone_changed", by=BY))
        return facts

    async def _hand_over(
        self, connection: Connection, rule: ScheduleRule, now: datetime, *, due_by: datetime | None = None
    ) -> list[NewFact]:
        """Calls of who left or is away go to his deputy or head."""
        facts: list[NewFact] = []
        for call, deputy in await clock_store.hold_orphaned(connection, now, _AT_ONCE, due_by=due_by):
            to = deputy or await clock_store.stand_in(connection, call.user_id, max(call.at, now), now)
            if to is None or to == call.user_id:
                if call.at <= now:
                    facts += await self.give_up(connection, call, "nobody", rule, now)
                continue
            facts += await self.give(connection, call, to, rule, now)
        return facts

    async def give(
        self, connection: Connection, call: Scheduled, to: int, rule: ScheduleRule, now: datetime, *, by: str = BY
    ) -> list[NewFact]:
        """Let another manager call at the same moment; where that is taken, at his next free time.

        Args:
            connection: within a transaction that has locked the call.
            call: as it is, planned.
            to: who calls now.
            rule: of the site.
            now: the present moment.
            by: who ordered it.
        """
        changes: dict[str, object] = {"user_id": to, "pbx": None, "reason": "handed_over"}
        new = await store.change_scheduled(connection, call, changes, rule, by=by, told_as="handed_over", now=now)
        if not isinstance(new, Overlap):
            return [told("handed_over", new, also=(call.user_id,), by=by, **{"from": call.user_id})]
        return await self.replan(
            connection,
            call,
            rule,
            earliest=max(call.at, now),
            reason="handed_over",
            word="handed_over",
            changes={"user_id": to, "pbx": None},
            also=(call.user_id,),
            now=now,
        )

    async def _client_zone(self, connection: Connection, call: Scheduled) -> ZoneInfo:
        """Where the client is: his card says it, else the zone in which the moment was agreed."""
        card = await store.clientele_of(connection, contact=call.contact_id, number=call.number)
        return zone_of(card.zone, zone_of(call.zone, self._company))


def _agreed_outside_work(call: Scheduled, state: ManagerState) -> bool:
    """Whether only his working hours say that he is off, though a person chose this very moment for the call."""
    by_hours = state.state is State.OFF and state.by == BY_WORKING_TIME
    return by_hours and not state.ringing and call.at == call.agreed_at


async def called(connection: Connection, id: int) -> list[NewFact]:
    """The fact that the manager's phone rings, with the card to open."""
    call = await store.read_scheduled(connection, id)
    return [] if call is None else [told("called", call)]


def _order(call: Scheduled, order: str) -> CallOrder:
    return CallOrder(
        id=order,
        user_id=call.user_id,
        number=call.number,
        pbx=call.pbx,
        source=OrderSource.SCHEDULED,
        actor=f"schedule:{call.id}",
        key_id=call.made_by.removeprefix("key:") if call.made_by.startswith("key:") else None,
    )
