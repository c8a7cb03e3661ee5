"""Keeps how managers are: by the calls they talk in, by what is chosen, by their hours; and tells whoever waits for it.

Three ways lead to one fold (gateway.store.manager_states.refold): facts of calls and outcomes, as they are committed;
a look at the open calls each second, because a transfer in mid call is no fact; and whatever the clock brings, the end
of an after-call time or of a working day. Each may come late or twice, the intervals are the same.

A change of the present state is the fact `manager.state_changed`, for the person and his heads; a break that lasts too
long is `manager.break_forgotten`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.call_view import moment
from gateway.domain.manager_day import chosen_by_rule
from gateway.domain.manager_states import BY_OUTCOME, Choice, Chosen, Interval
from gateway.store import manager_days as days
from gateway.store import manager_states as store
from gateway.store.database import Connection
from gateway.store.facts import Fact, NewFact
from gateway.store.state_rules import rules_of
from gateway.store.tasks import heads_of

CALLS = frozenset({"call.talking", "call.ended", "call.changed", "call.merged"})
OUTCOME = "outcome.chosen"
BY_DISMISSAL = "dismissal"
OVERLAP = timedelta(minutes=2)
"""So far back each look reaches again: what was entered just before the last one may have been committed after it."""
_LOOK_BACK = timedelta(days=31)
"""After a longer downtime the days before are not made up."""


async def choose(connection: Connection, user: int, choice: Choice, now: datetime) -> list[NewFact]:
    """Let somebody's choice hold from its moment on.

    Args:
        connection: within a transaction.
        user: whose state.
        choice: what was chosen.
        now: the present moment.

    Returns:
        What is to be saved and told.
    """
    return await _moved(connection, await store.add_choices(connection, [(user, choice)]), now)


async def follow_states(connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
    """Take facts of calls and outcomes.

    Args:
        connection: within a transaction.
        facts: of the feed.
        now: the present moment, UTC.
    """
    calls: set[UUID] = set()
    done: list[tuple[int, Choice]] = []
    for fact in facts:
        if fact.kind in CALLS and fact.call_id is not None:
            calls |= {fact.call_id, *_merged_into(fact)}
        elif fact.kind == OUTCOME and fact.call_id is not None:
            done += [(user, _done(fact, fact.call_id)) for user in _whose(fact)]
    changed = await store.sync_talks(connection, calls, now) if calls else {}
    return await _moved(connection, _together(changed, await store.add_choices(connection, done)), now)


def _merged_into(fact: Fact) -> set[UUID]:
    into = fact.body.get("merged_into")
    return {UUID(into)} if isinstance(into, str) else set()


def _done(fact: Fact, call: UUID) -> Choice:
    return Choice(at=fact.at, chosen=Chosen.DONE, by=BY_OUTCOME, call_id=call)


def _whose(fact: Fact) -> list[int]:
    """Whose work on the call an outcome ends."""
    user = fact.body.get("user_id")
    return [user] if isinstance(user, int) else []


def _together(one: Mapping[int, datetime], other: Mapping[int, datetime]) -> dict[int, datetime]:
    return {user: min(at for at in (one.get(user), other.get(user)) if at is not None) for user in {*one, *other}}


async def look_at_calls(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """Take over who talks at this moment, and end after-call times that are over."""
    changed = await store.sync_talks(connection, await store.open_calls(connection), now)
    return await _moved(connection, _together(changed, await store.over_by(connection, now)), now)


class ManagerDays:
    """The duties of the clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def look(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Choose what the rules choose: by hours, absences and sign-ins since the last look."""
        last = await days.looked_at(connection)
        since = max(last - OVERLAP, now - _LOOK_BACK) if last is not None else now
        known = await days.read_days(connection, since=since, now=now, company_zone=self._zone)
        chosen = [(user, choice) for user, day in known.items() for choice in chosen_by_rule(day, since=since, now=now)]
        gone = [
            (user, Choice(at=now, chosen=Chosen.OFF, by=BY_DISMISSAL))
            for user in await days.gone_but_not_off(connection)
        ]
        await days.set_looked_at(connection, max(now, last or now))
        return await _moved(connection, await store.add_choices(connection, [*chosen, *gone]), now)

    async def tell_breaks(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Tell the heads of breaks that last longer than they should."""
        found = await days.long_breaks(connection, now - timedelta(minutes=1))
        rules = await rules_of(connection, sorted({b.user_id for b in found})) if found else {}
        facts, told = [], []
        for long in found:
            minutes = long.minutes if long.minutes is not None else rules[long.user_id].break_minutes
            if not minutes or long.at + timedelta(minutes=minutes) > now:
                continue
            told.append(long.id)
            body: dict[str, object] = {
                "user": long.user_id,
                "reason": long.reason,
                "since": moment(long.at),
                "minutes": minutes,
            }
            facts.append(await _fact(connection, "manager.break_forgotten", long.user_id, body))
        await days.note_told(connection, told, now)
        return facts


async def _moved(connection: Connection, changed: Mapping[int, datetime], now: datetime) -> list[NewFact]:
    """Fold anew, and tell of whoever is otherwise now."""
    moves = await store.refold(connection, changed, now) if changed else []
    return [
        await _fact(
            connection, "manager.state_changed", move.user_id, state_body(move.user_id, move.after, move.before)
        )
        for move in moves
    ]


def state_body(user: int, now: Interval | None, before: Interval | None) -> dict[str, object]:
    """A state as it is told."""
    return {
        "user": user,
        "state": now.state.value if now else None,
        "reason": now.reason if now else "",
        "since": moment(now.since) if now else None,
        "call_id": str(now.call_id) if now and now.call_id else None,
        "ends_at": moment(now.ends_at) if now else None,
        "by": now.by if now else "",
        "before": before.state.value if before else None,
    }


async def _fact(connection: Connection, kind: str, user: int, body: dict[str, object]) -> NewFact:
    heads = await heads_of(connection, user)
    return NewFact(kind=kind, body=body, users=tuple(dict.fromkeys((user, *heads))))
