"""Calling back: the rules by which it is promised, and the lease that keeps two managers from ringing one client.

A lease is taken by a person for some minutes, or is there by itself: while a call with the client goes on, and from
the moment a click-to-call to one of his numbers was ordered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.missed import CallBackRule, GiveTo
from gateway.store.database import Connection, Pool
from gateway.store.missed import Client

Source = Pool | Connection

ORDER_RINGS = timedelta(seconds=90)
"""So long a click-to-call may ring before its call is told of."""
_LONGEST_TALK = timedelta(hours=12)

_RULE = "did, minutes, give_to, members, escalate_minutes, escalate_to, give_up_hours, priority, version"


def _rule(row: Mapping[str, object]) -> CallBackRule:
    ways: Sequence[str] = row["give_to"]  # type: ignore[assignment]
    members: Sequence[int] = row["members"]  # type: ignore[assignment]
    heads: Sequence[int] = row["escalate_to"]  # type: ignore[assignment]
    values = dict(row) | {
        "give_to": tuple(GiveTo(w) for w in ways),
        "members": tuple(members),
        "escalate_to": tuple(heads),
    }
    return CallBackRule(**values)  # type: ignore[arg-type]


async def call_back_rules(source: Source) -> list[CallBackRule]:
    """All rules that were entered; the one for all numbers first."""
    rows = await source.fetch(f"select {_RULE} from call_back_rule order by did nulls first")
    return [_rule(r) for r in rows]


async def call_back_rule(source: Source, did: str | None) -> CallBackRule:
    """The rule that holds for one of our numbers: its own, else the one for all, else what holds from the start."""
    row = await source.fetchrow(
        f"select {_RULE} from call_back_rule where did = $1 or did is null order by did nulls last limit 1", did
    )
    return _rule(row) if row else CallBackRule()


async def save_rule(connection: Connection, rule: CallBackRule) -> CallBackRule | None:
    """Enter a rule (version 0), or change the one that has its version; None: it is not as the caller read it."""
    values = (
        rule.did,
        rule.minutes,
        list(rule.give_to),
        rule.members,
        rule.escalate_minutes,
        rule.escalate_to,
        rule.give_up_hours,
        rule.priority,
    )
    if rule.version == 0:
        row = await connection.fetchrow(
            "insert into call_back_rule (did, minutes, give_to, members, escalate_minutes, escalate_to, give_up_hours,"
            f" priority) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning {_RULE}",
            *values,
        )
    else:
        row = await connection.fetchrow(
            "update call_back_rule set minutes = $2, give_to = $3, members = $4, escalate_minutes = $5,"
            " escalate_to = $6, give_up_hours = $7, priority = $8, version = version + 1, updated_at = now()"
            f" where did is not distinct from $1 and version = $9 returning {_RULE}",
            *values,
            rule.version,
        )
    return _rule(row) if row else None


async def drop_rule(connection: Connection, did: str | None) -> bool:
    """Take a rule away; what lies above it holds again. False: there was none."""
    return bool(
        await connection.fetchval("delete from call_back_rule where did is not distinct from $1 returning true", did)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a client for himself at the moment."""

    user_id: int | None
    """None: a phone that nobody is entered for."""
    until: datetime | None
    """None: as long as the call goes on."""


async def holder_of(source: Source, client: Client, now: datetime) -> Holder | None:
    """Who rings the client, talks with him, or has taken him; None: nobody.

    Args:
        source: where to look.
        client: whom.
        now: the present moment.
    """
    row = await source.fetchrow(
        "select m.user_id from call c left join call_manager m on m.call_id = c.id"
        " where c.state <> 'ended' and c.merged_into is null and c.started_at >= $3"
        " and case when $1::bigint is null then c.contact_id is null and c.client_number = $2"
        "  else c.contact_id = $1 end order by m.answered desc nulls last, m.user_id nulls last limit 1",
        client.contact_id,
        client.number,
        now - _LONGEST_TALK,
    )
    row = row or await source.fetchrow(
        "select o.user_id from command o where o.state in ('stored', 'sent', 'accepted')"
        " and o.ordered_at > now() - $3::interval"
        " and (o.number = $2 or o.number in (select n.number from contact_number n where n.contact_id = $1))"
        " and not exists (select from call c where c.client_number = o.number and c.command_id = o.id"
        "  and c.started_at > o.ordered_at - interval '10 minutes' and c.state = 'ended')"
        " order by o.ordered_at limit 1",
        client.contact_id,
        client.number,
        ORDER_RINGS,
    )
    if row is not None:
        return Holder(user_id=row["user_id"], until=None)
    row = await source.fetchrow(
        "select claimed_by, claimed_until from missed where state = 'open' and claimed_until > $3"
        " and case when $1::bigint is null then contact_id is null and number = $2 else contact_id = $1 end",
        client.contact_id,
        client.number,
        now,
    )
    return Holder(user_id=row["claimed_by"], until=row["claimed_until"]) if row else None


async def holder_of_number(source: Source, number: str, now: datetime) -> Holder | None:
    """Who has the client with this number for himself; see `holder_of`."""
    card: int | None = await source.fetchval("select contact_id from contact_number where number = $1", number)
    return await holder_of(source, Client(contact_id=card, number=number), now)


async def take_lease(connection: Connection, missed_id: int, user_id: int, *, until: datetime, now: datetime) -> bool:
    """Take an open matter for oneself; False: somebody else has it, or it is not open any more."""
    return bool(
        await connection.fetchval(
            "update missed set claimed_by = $2, claimed_until = $3, version = version + 1 where id = $1"
            " and state = 'open' and (claimed_by is null or claimed_by = $2 or claimed_until <= $4) returning true",
            missed_id,
            user_id,
            until,
            now,
        )
    )


async def drop_lease(connection: Connection, missed_id: int) -> None:
    """Let others have it."""
    await connection.execute(
        "update missed set claimed_by = null, claimed_until = null, version = version + 1"
        " where id = $1 and claimed_by is not null",
        missed_id,
    )
