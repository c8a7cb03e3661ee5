"""Orders to a PBX: stored with their id before anything is sent, and followed to their end.

A click-to-call (`kind` call) is followed by its first leg, which bears its id, and by its call; a supervisor's
listening by the leg of his own phone. Every other order is over with the PBX's answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from gateway.domain.call import Command
from gateway.domain.identity import call_id
from gateway.domain.phone import NumberKind, PhoneNumber
from gateway.store.database import Connection, Pool

Source: TypeAlias = Pool | Connection

_PREFIX = "tl-"
"""Beginning of all our command ids; legs named otherwise need no look into the table."""

SILENCE = timedelta(minutes=2)
"""A PBX rings at most 60 s and answers within 10 s more; behind this nobody is waiting any longer."""


async def commands_of(source: Source, legs: Iterable[str]) -> dict[str, Command]:
    """The click-to-calls whose id is the id of one of the legs."""
    ours = [leg for leg in legs if leg.startswith(_PREFIX)]
    if not ours:
        return {}
    rows = await source.fetch(
        "select id, extension, number, ordered_at from command where id = any($1::text[]) and kind = 'call'", ours
    )
    return {r["id"]: _command(r["id"], r["extension"], r["number"], r["ordered_at"]) for r in rows}


def _command(id: str, extension: str, number: str, ordered_at: datetime) -> Command:
    client = PhoneNumber(raw=number, kind=NumberKind.CLIENT, e164=number)
    return Command(id=id, extension=extension, client=client, ordered_at=ordered_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommand:
    """A command as it stands."""

    id: str
    kind: str
    pbx: str
    user_id: int | None
    """Whose phone rings, or whose call it concerns; None: a call that nobody of ours has taken yet."""
    ordered_by: int | None
    """The person who ordered it; None: a program of nobody."""
    extension: str
    number: str | None
    """The client's; of a transfer the outside number. None: none was dialled."""
    contact_id: int | None
    """The client's card as it is now; None: none, or several persons share the number."""
    caller_id: str | None
    """The number shown to the client; None: what the PBX shows."""
    target: str | None
    """Where a transfer leads, or which command is cancelled."""
    about: int | None
    """The manager who is listened to."""
    leg: str | None
    other_leg: str | None
    state: str
    reason: str | None
    detail: str
    """What the PBX's engine said; empty: the reason's own words hold."""
    source: str
    ordered_at: datetime
    began_at: datetime | None
    """When talking, or listening, began, by the PBX's clock."""
    ended_at: datetime | None
    cancelled_at: datetime | None
    call_id: UUID | None
    """The call it makes, or concerns."""


_FIELDS = ", ".join(
    [
        *("c.id", "c.kind", "c.pbx", "c.user_id", "c.ordered_by", "c.extension", "c.number", "n.contact_id"),
        *("c.caller_id", "c.target", "c.about", "c.leg", "c.other_leg", "c.state", "c.reason", "c.detail", "c.source"),
        *("c.ordered_at", "c.began_at", "c.ended_at", "c.cancelled_at", "c.call_id"),
    ]
)
_CHANGED = _FIELDS.replace("n.contact_id", "(select n.contact_id from contact_number n where n.number = c.number)")
_COMMAND = f"select {_FIELDS} from command c left join contact_number n on n.number = c.number and c.kind = 'call'"


def _stored(row: Mapping[str, object]) -> StoredCommand:
    return StoredCommand(**dict(row))  # type: ignore[arg-type]


async def read_command(source: Source, id: str) -> StoredCommand | None:
    """One command; None: there is none with this id."""
    row = await source.fetchrow(f"{_COMMAND} where c.id = $1", id)
    return _stored(row) if row else None


async def list_commands(
    source: Source,
    *,
    only_user: int | None,
    kinds: Sequence[str] | None,
    states: Sequence[str] | None,
    call: UUID | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[StoredCommand]:
    """A page of commands, the newest first.

    Args:
        source: where to read.
        only_user: that he ordered, or that concern his phone or calls; None: everybody's.
        kinds: None: all.
        states: None: all.
        call: that it made or concerned; None: any.
        after: moment and id of the last one of the page before.
        limit: how many at most.
    """
    at, id = after or (None, None)
    rows = await source.fetch(
        f"{_COMMAND} where ($1::bigint is null or c.user_id = $1 or c.ordered_by = $1)"
        " and ($2::text[] is null or c.kind = any($2)) and ($3::text[] is null or c.state = any($3))"
        " and ($4::uuid is null or c.call_id = $4) and ($5::timestamptz is null or (c.ordered_at, c.id) < ($5, $6))"
        " order by c.ordered_at desc, c.id desc limit $7",
        only_user,
        kinds,
        states,
        call,
        at,
        id,
        limit,
    )
    return [_stored(r) for r in rows]


async def store_command(
    connection: Connection,
    *,
    id: str,
    pbx: str,
    user_id: int,
    extension: str,
    number: str,
    source: str = "click",
    actor: str = "",
    ordered_by: int | None = None,
) -> StoredCommand:
    """Write a click-to-call down before it is sent, with the number that its client is to see.

    Raises:
        asyncpg.UniqueViolationError: this manager rings this number already.
    """
    row = await connection.fetchrow(
        "insert into command as c (id, pbx, user_id, extension, number, state, source, actor, ordered_by, caller_id,"
        " call_id) values ($1, $2, $3, $4, $5, 'stored', $6, $7, $8, (select s.number from shown_number s"
        f"  where s.user_id = $3 and s.pbx = $2 and s.extension = $4), $9) returning {_CHANGED}",
        id,
        pbx,
        user_id,
        extension,
        number,
        source,
        actor,
        ordered_by,
        call_id(pbx, id),
    )
    return _stored(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to a call that goes on, about to be stored."""

    id: str
    kind: str
    pbx: str
    call_id: UUID
    user_id: int | None
    ordered_by: int | None
    actor: str
    extension: str = ""
    leg: str | None = None
    other_leg: str | None = None
    number: str | None = None
    target: str | None = None
    about: int | None = None
    source: str = "click"


async def store_order(connection: Connection, order: NewOrder) -> None:
    """Write an order to a call down before it is sent."""
    await connection.execute(
        "insert into command (id, kind, pbx, call_id, user_id, ordered_by, actor, extension, leg, other_leg, number,"
        " target, about, source, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'stored')",
        order.id,
        order.kind,
        order.pbx,
        order.call_id,
        order.user_id,
        order.ordered_by,
        order.actor,
        order.extension,
        order.leg,
        order.other_leg,
        order.number,
        order.target,
        order.about,
        order.source,
    )


_FINAL = "('done', 'ended', 'refused', 'cancelled')"


async def change_command(
    source: Source,
    id: str,
    *,
    state: str,
    before: Sequence[str],
    reason: str | None = None,
    detail: str = "",
    began_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> StoredCommand | None:
    """Write down how far a command is; a refusal of one that was cancelled is its cancelling.

    Args:
        source: where to write.
        id: of the command.
        state: what it becomes.
        before: states from which it may.
        reason: plain word; None: there is none to give.
        detail: what the engine said of it.
        began_at: when talking began; None: as it was.
        ended_at: when it ended; None: now, where this ends it.

    Returns:
        The command as it is now; None: it was in another state, and nothing was written.
    """
    row = await source.fetchrow(
        "update command c set state = s.state,"
        " reason = case when s.state = 'cancelled' then 'cancelled' else $3 end, detail = $4, updated_at = now(),"
        " began_at = coalesce($5, c.began_at),"
        f" ended_at = case when s.state in {_FINAL} then coalesce($6, c.ended_at, now()) else c.ended_at end"
        " from (select case when $2 = 'refused' and cancelled_at is not null then 'cancelled' else $2 end as state"
        "  from command where id = $1) as s"
        " where c.id = $1 and c.state = any($7::text[])"
        f" returning {_CHANGED}",
        id,
        state,
        reason,
        detail,
        began_at,
        ended_at,
        list(before),
    )
    return _stored(row) if row else None


async def settle_command(source: Source, id: str, state: str, reason: str | None = None) -> None:
    """Write down what became of a command, whatever it was."""
    await source.execute(
        "update command set state = $2, reason = $3, updated_at = now() where id = $1", id, state, reason
    )


async def mark_cancelled(connection: Connection, id: str) -> bool:
    """Note that a command is not wanted any more; False: it was noted before."""
    found = await connection.fetchval(
        "update command set cancelled_at = now() where id = $1 and cancelled_at is null returning true", id
    )
    return bool(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCommand:
    """A command that is followed, with what the journal tells of its first leg and of its call."""

    id: str
    kind: str
    pbx: str
    state: str
    is_old: bool
    """Nobody is waiting for it any longer."""
    cancelled: bool
    leg_seen: bool
    leg_answered_at: datetime | None
    leg_ended_at: datetime | None
    cause: int | None
    """Hang-up cause of the first leg; None: it has none."""
    call_state: str | None
    """None: there is no call."""
    call_result: str | None
    call_answered_at: datetime | None
    call_ended_at: datetime | None
    hung_up_by: str | None
    client_seen: bool
    """Whether the client was dialled at all."""
    client_cause: int | None
    """Hang-up cause of the client's last leg."""


async def seen_commands(
    source: Source, *, ids: Sequence[str] | None = None, numbers: Sequence[str] | None = None, pbx: str | None = None
) -> list[SeenCommand]:
    """Click-to-calls and listenings that have not ended, the oldest first, a thousand at most.

    Args:
        source: where to read.
        ids: these only; None: all.
        numbers: those to these only; None: all.
        pbx: those on this one only; None: all. One that is unknown is looked at for a day.
    """
    rows = await source.fetch(
        "select c.id, c.kind, c.pbx, c.state, c.ordered_at < now() - $4::interval as is_old,"
        " c.cancelled_at is not null as cancelled, l.id is not null as leg_seen, l.answered_at as leg_answered_at,"
        " l.ended_at as leg_ended_at, l.cause, k.state as call_state, k.result as call_result,"
        " k.answered_at as call_answered_at, k.ended_at as call_ended_at, k.hung_up_by,"
        " x.id is not null as client_seen, x.cause as client_cause"
        " from command c left join leg l on l.pbx = c.pbx and l.id = c.id"
        " left join call k on k.id = coalesce((select m.merged_into from call m where m.id = c.call_id), c.call_id)"
        " left join lateral (select y.id, y.cause from leg y where y.call_id = k.id and y.role = 'client'"
        "  and c.kind = 'call' order by y.started_at desc limit 1) x on true"
        " where c.state in ('stored', 'sent', 'accepted', 'dialled', 'talking', 'unknown')"
        " and c.kind in ('call', 'listen', 'whisper', 'barge')"
        " and (c.state <> 'unknown' or c.ordered_at > now() - interval '1 day')"
        " and ($1::text[] is null or c.id = any($1)) and ($2::text[] is null or c.number = any($2))"
        " and ($3::text is null or c.pbx = $3) order by c.ordered_at limit 1000",
        ids,
        numbers,
        pbx,
        SILENCE,
    )
    return [SeenCommand(**dict(r)) for r in rows]


async def silent_commands(source: Source) -> list[tuple[str, str]]:
    """Id and state of commands whose first answer nobody wrote down in time, a thousand at most."""
    rows = await source.fetch(
        "select id, state from command where state in ('stored', 'sent') and ordered_at < now() - $1::interval"
        " order by ordered_at limit 1000",
        SILENCE,
    )
    return [(r["id"], r["state"]) for r in rows]


async def name_calls(source: Source) -> None:
    """Give commands of before migration 0019 that have not ended the id of the call they make."""
    rows = await source.fetch(
        "select id, pbx from command where kind = 'call' and call_id is null"
        " and state in ('stored', 'sent', 'accepted', 'dialled', 'talking', 'unknown')"
    )
    await source.executemany(
        "update command set call_id = $2 where id = $1", [(r["id"], call_id(r["pbx"], r["id"])) for r in rows]
    )
