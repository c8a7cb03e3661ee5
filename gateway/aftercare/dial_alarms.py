"""Tells supervisors and administrators what may be toll fraud: a first call abroad, and refusals in a burst.

Both stand in rows that the order's own transaction wrote (gateway/store/dial_permissions.py), so an alarm outlives a
killed gateway; it is told once, by the row that says so.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.call_view import moment
from gateway.store import dial_refusals as store
from gateway.store.database import Connection
from gateway.store.dial_permissions import read_policy
from gateway.store.facts import NewFact

_AT_ONCE = 200


async def tell_dial_alarms(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """Tell what was not told yet (a duty's work)."""
    first = await store.take_first_foreign(connection, now, _AT_ONCE)
    policy = await read_policy(connection)
    bursts = await store.take_bursts(connection, now, refusals=policy.burst, minutes=policy.burst_minutes)
    if not first and not bursts:
        return ()
    watchers = await store.watchers_of(connection)
    told = [
        NewFact(
            kind="dialling.first_foreign",
            body={"user_id": f.user_id, "region": f.region, "number": f.number, "at": moment(f.at)},
            users=watchers,
        )
        for f in first
    ]
    told += [
        NewFact(
            kind="dialling.refused_often",
            body={
                "user_id": b.user_id,
                "key_id": b.key_id,
                "refusals": b.refusals,
                "since": moment(b.since),
                "reasons": dict(b.reasons),
            },
            users=watchers,
        )
        for b in bursts
    ]
    return told


async def clear_dialling(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """Forget what is counted no more (a duty's work)."""
    await store.clear_dialling(connection, now)
    return ()
