"""Leads as the rules of distribution ask of them, and the turns of each lead: whose it is, until when, and who had it.

A card has one open turn at most; the database says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.cards import Heat
from gateway.domain.distribution import (
    Lead,
    Turn,
    country_of,
    language_of,
)
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card as the distribution knows it."""

    id: int
    owner_id: int | None
    stage: str
    lead: Lead


async def hold_cards(connection: Connection, ids: Sequence[int], now: datetime) -> dict[int, Card]:
    """Cards that stand, which nobody changes until the transaction ends."""
    await connection.execute("select id from contact where id = any($1::bigint[]) order by id for no key update", ids)
    return await read_cards(connection, ids, now)


async def read_cards(source: Source, ids: Sequence[int], now: datetime) -> dict[int, Card]:
    """Cards that stand, with what the rules ask of them.

    The DID is that of the last call that came in; the country that of its first number.
    """
    rows = await source.fetch(
        "select c.id, c.owner_id, c.stage, c.city, c.heat, c.source_kind, c.source_name,"
        " (select p.number from contact_phone p where p.contact_id = c.id order by p.made_at, p.number limit 1)"
        "   as number,"
        " (select k.did from call k where k.contact_id = c.id and k.merged_into is null and k.direction = 'inbound'"
        "   and k.did is not null order by k.started_at desc limit 1) as did"
        " from contact c where c.id = any($1::bigint[]) and c.merged_into is null order by c.id",
        ids,
    )
    return {r["id"]: _card(r, now) for r in rows}


def _card(row: Mapping[str, object], now: datetime) -> Card:
    country = country_of(str(row["number"])) if row["number"] else None
    lead = Lead(
        contact_id=row["id"],  # type: ignore[arg-type]
        did=row["did"],  # type: ignore[arg-type]
        source_kind=row["source_kind"],  # type: ignore[arg-type]
        source_name=row["source_name"],  # type: ignore[arg-type]
        city=str(row["city"]),
        country=country,
        language=language_of(country),
        heat=Heat(str(row["heat"])) if row["heat"] else None,
        at=now,
    )
    return Card(id=row["id"], owner_id=row["owner_id"], stage=str(row["stage"]), lead=lead)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One manager's turn with a lead."""

    id: int
    contact_id: int
    rule_id: int | None
    user_id: int | None
    """None: nobody fits, and there is no head."""
    state: str
    reason: str
    round: int
    changes: int
    tried: tuple[int, ...] = field(default_factory=tuple)
    given_at: datetime
    deadline_at: datetime | None
    settled_at: datetime | None
    settled_by: int | None
    seen: str | None
    """Place in the feed up to which everything had been heard when the turn began; None: not known."""

    @property
    def turn(self) -> Turn:
        """As the rules know it."""
        return Turn(user_id=self.user_id, round=self.round, changes=self.changes, tried=self.tried)


_TURN = """select id, contact_id, rule_id, user_id, state, reason, round, changes, tried, given_at, deadline_at,
 settled_at, settled_by, lead->>'seen' as seen from assignment"""


def _assignment(row: Mapping[str, object]) -> Assignment:
    return Assignment(**{**row, "tried": tuple(row["tried"])})  # type: ignore[arg-type]


async def open_turns(connection: Connection, contacts: Sequence[int]) -> dict[int, Assignment]:
    """The open turns of cards, which nobody changes until the transaction ends."""
    rows = await connection.fetch(
        f"{_TURN} where contact_id = any($1::bigint[]) and state in ('given', 'waiting')"
        " order by contact_id for update",
        contacts,
    )
    return {r["contact_id"]: _assignment(r) for r in rows}


async def begin_turn(
    connection: Connection,
    *,
    contact: int,
    rule: int | None,
    turn: Turn,
    state: str,
    reason: str,
    deadline: datetime | None,
    now: datetime,
    seen: str | None = None,
) -> int | None:
    """Write down whose turn it is.

    Returns:
        Its id; None: the card has an open turn.
    """
    found: int | None = await connection.fetchval(
        "insert into assignment (contact_id, rule_id, user_id, state, reason, round, changes, tried, given_at,"
        " deadline_at, lead) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning id",
        contact,
        rule,
        turn.user_id,
        state,
        reason,
        turn.round,
        turn.changes,
        list(turn.tried),
        now,
        deadline,
        {"seen": seen} if seen else {},
    )
    return found


async def settle_turn(connection: Connection, id: int, state: str, by: int | None, now: datetime) -> None:
    """End a turn."""
    await connection.execute(
        "update assignment set state = $2, settled_by = $3, settled_at = $4 where id = $1", id, state, by, now
    )


async def due_turns(connection: Connection, now: datetime, limit: int) -> list[Assignment]:
    """Turns whose deadline has passed, the longest waiting first."""
    rows = await connection.fetch(
        f"{_TURN} where state = 'given' and deadline_at <= $1 order by deadline_at, id limit $2 for update", now, limit
    )
    return [_assignment(r) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neglected:
    """A lead whose owner left a task undone for too long."""

    contact_id: int
    owner_id: int
    rule_id: int


async def neglected_leads(connection: Connection, now: datetime, limit: int) -> list[Neglected]:
    """Leads whose owner has a task overdue longer than the rule allows, and has had the lead for as long.

    The rule is the one by which the lead was given last, else the first one of which he is a member.
    """
    rows = await connection.fetch(
        "select t.contact_id, t.owner_id, r.id as rule_id from task t"
        " join contact c on c.id = t.contact_id and c.owner_id = t.owner_id and c.merged_into is null"
        "  and c.stage in ('unsorted', 'lead')"
        " left join lateral (select a.rule_id, a.given_at, a.state from assignment a where a.contact_id = c.id"
        "  order by a.id desc limit 1) a on true"
        " join lateral (select r.id, r.overdue_minutes from distribution_rule r where r.archived_at is null"
        "  and r.overdue_minutes is not null and (r.id = a.rule_id or (a.rule_id is null and exists (select from"
        "  distribution_member m where m.rule_id = r.id and m.user_id = t.owner_id)))"
        "  order by r.place, r.id limit 1) r on true"
        " where t.state in ('new', 'in_progress') and t.due_at < $1"
        "  and greatest(t.due_at, a.given_at) + make_interval(mins => r.overdue_minutes) <= $1"
        "  and a.state is distinct from 'waiting'"
        " group by 1, 2, 3 order by min(t.due_at), 1 limit $2",
        now,
        limit,
    )
    return [Neglected(**dict(r)) for r in rows]


async def open_tasks_of(
    source: Source, owner: int, contacts: Sequence[int] | None, *, due_before: datetime | None = None
) -> list[tuple[int, int | None]]:
    """Open tasks of a person with the card of each.

    Args:
        source: where to read.
        owner: whose.
        contacts: about these cards; None: about any or none.
        due_before: only those that are due before; None: all.
    """
    rows = await source.fetch(
        "select id, contact_id from task where owner_id = $1 and state in ('new', 'in_progress')"
        " and ($2::bigint[] is null or contact_id = any($2::bigint[]))"
        " and ($3::timestamptz is null or due_at < $3) order by due_at nulls last, id",
        owner,
        contacts,
        due_before,
    )
    return [(r["id"], r["contact_id"]) for r in rows]


async def list_turns(
    source: Source,
    *,
    user: int | None,
    contact: int | None,
    state: str | None,
    before: int | None,
    limit: int,
) -> list[Assignment]:
    """Turns, the newest first."""
    rows = await source.fetch(
        f"{_TURN} where ($1::bigint is null or user_id = $1) and ($2::bigint is null or contact_id = $2)"
        " and ($3::text is null or state = $3) and ($4::bigint is null or id < $4) order by id desc limit $5",
        user,
        contact,
        state,
        before,
        limit,
    )
    return [_assignment(r) for r in rows]


async def last_turn(source: Source, contact: int) -> Assignment | None:
    """The last turn of a card; None: it never had one."""
    row = await source.fetchrow(f"{_TURN} where contact_id = $1 order by id desc limit 1", contact)
    return _assignment(row) if row else None


async def begin_owned_turn(
    connection: Connection, contact: int, owner: int | None, rule: int, now: datetime, seen: str | None = None
) -> None:
    """Write down the turn of one who has a card that nobody gave him by a rule."""
    turn = Turn(user_id=owner, tried=(owner,) if owner is not None else ())
    await begin_turn(
        connection,
        contact=contact,
        rule=rule,
        turn=turn,
        state="given",
        reason="owned",
        deadline=None,
        now=now,
        seen=seen,
    )


async def who_works(source: Source, users: Sequence[int | None]) -> int | None:
    """The first of these who works here; None: none does."""
    found: int | None = await source.fetchval(
        "select id from users where active and id = any($1::bigint[])"
        " order by array_position($1::bigint[], id) limit 1",
        [user for user in users if user is not None],
    )
    return found
