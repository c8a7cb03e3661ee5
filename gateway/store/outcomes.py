"""What was chosen for calls and cards: kept with every version, and following the corrections of the calls.

An outcome remembers the call for which it was chosen (`call_id`); the call it belongs to now (`standing_id`), its
manager, DID, direction and day are taken over from the calls, by `follow_calls` whenever one of them changes. Where
two calls with an outcome each turn out to be one, the one that was changed last counts (`is_current`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.cards import Heat, Stage
from gateway.domain.outcomes import Traits
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The call of an outcome as it is now."""

    id: UUID
    """The standing call."""
    kind: str
    state: str
    contact_id: int | None
    user_id: int | None
    """Whose call it is: the last who talked, else the one who had the largest part; None: nobody entered had one."""
    role: str | None
    """His."""
    direction: str
    did: str | None
    talk_us: int
    at: datetime
    day: date | None
    """His local day; None: he had no part that counts."""
    users: tuple[int, ...]
    """All who had a part."""


_SUBJECT = """select w.id as asked, c.id, c.kind, c.state, c.contact_id, m.user_id, u.role, c.direction, c.did,
 c.talk_us, c.started_at as at, m.day,
 coalesce((select array_agg(distinct p.user_id) from call_manager p
    where p.call_id = c.id and p.user_id is not null), '{}') as users
 from call w join call c on c.id = coalesce(w.merged_into, w.id)
 left join lateral (select p.user_id, p.day from call_manager p where p.call_id = c.id and p.user_id is not null
    order by p.user_id = c.responsible_id desc, p.answered desc, p.talk_us desc, p.rang desc, p.extension limit 1) m
    on true
 left join users u on u.id = m.user_id
 where w.id = any($1::uuid[])"""


async def subjects(source: Source, calls: Sequence[UUID]) -> dict[UUID, Subject]:
    """The standing calls behind calls, by the id that was asked for."""
    found = {}
    for row in await source.fetch(_SUBJECT, calls):
        values = dict(row)
        asked = values.pop("asked")
        found[asked] = Subject(**{**values, "users": tuple(values["users"])})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """What an outcome needs to know of a card."""

    id: int
    owner_id: int | None
    traits: Traits
    timezone: str | None


async def hold_card(connection: Connection, id: int) -> CardState | None:
    """A card, which nobody changes until the transaction ends; None: there is none."""
    row = await connection.fetchrow(
        "select id, owner_id, stage, heat, timezone from contact where id = $1 for no key update", id
    )
    if row is None:
        return None
    traits = Traits(stage=Stage(row["stage"]), heat=Heat(row["heat"]) if row["heat"] else None)
    return CardState(id=row["id"], owner_id=row["owner_id"], traits=traits, timezone=row["timezone"])


async def set_traits(connection: Connection, contact: int, traits: Traits) -> int:
    """Change stage and heat of a card.

    Returns:
        Its new version.
    """
    version: int = await connection.fetchval(
        "update contact set stage = $2, heat = $3, version = version + 1, updated_at = now() where id = $1"
        " returning version",
        contact,
        traits.stage,
        traits.heat,
    )
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was chosen."""

    id: int
    call_id: UUID | None
    """The call it belongs to now; None: it was chosen for the card alone."""
    chosen_for: UUID | None
    """The call for which it was chosen."""
    contact_id: int | None
    user_id: int | None
    disposition_id: int
    outcome: str
    """The disposition's key."""
    reason_id: int | None
    reason: str | None
    note: str
    next_step: dict[str, object] | None
    is_complete: bool
    is_current: bool
    at: datetime
    day: date
    did: str | None
    direction: str | None
    before: Traits | None
    made: Traits | None
    """What it made of the card; None: it has none, or nothing was changed."""
    made_task: int | None
    made_by: str
    made_at: datetime
    changed_at: datetime
    version: int


OUTCOME = """select o.id, o.standing_id as call_id, o.call_id as chosen_for, o.contact_id, o.user_id,
 o.disposition_id, d.key as outcome, o.reason_id, r.key as reason, o.note, o.next_step, o.is_complete, o.is_current,
 o.at, o.day, o.did, o.direction, o.stage_before, o.heat_before, o.stage_set, o.heat_set, o.made_task, o.made_by,
 o.made_at, o.changed_at, o.version
 from outcome o join disposition d on d.id = o.disposition_id left join disposition_reason r on r.id = o.reason_id"""


def _traits(stage: str | None, heat: str | None) -> Traits | None:
    return None if stage is None else Traits(stage=Stage(stage), heat=Heat(heat) if heat else None)


def outcome_row(row: Mapping[str, object]) -> Outcome:
    values = dict(row)
    before = _traits(values.pop("stage_before"), values.pop("heat_before"))  # type: ignore[arg-type]
    made = _traits(values.pop("stage_set"), values.pop("heat_set"))  # type: ignore[arg-type]
    task = values.pop("made_task")
    return Outcome(before=before, made=made, made_task=int(str(task)) if task else None, **values)  # type: ignore[arg-type]


async def read_outcome(source: Source, id: int) -> Outcome | None:
    """One outcome; None: there is none with this id."""
    row = await source.fetchrow(f"{OUTCOME} where o.id = $1", id)
    return outcome_row(row) if row else None


async def hold_outcome(connection: Connection, id: int) -> Outcome | None:
    """One outcome, which nobody changes until the transaction ends."""
    row = await connection.fetchrow(f"{OUTCOME} where o.id = $1 for no key update of o", id)
    return outcome_row(row) if row else None


async def outcome_of_call(source: Source, standing: UUID) -> int | None:
    """The id of the outcome that counts for a call; None: it has none."""
    found: int | None = await source.fetchval("select id from outcome where standing_id = $1 and is_current", standing)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutcome:
    """What is being chosen, or what it is changed to."""

    disposition_id: int
    reason_id: int | None
    note: str
    next_step: dict[str, object] | None
    is_complete: bool
    before: Traits | None
    made: Traits | None
    made_task: int | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an outcome belongs to."""

    call_id: UUID | None
    standing_id: UUID | None
    contact_id: int | None
    user_id: int | None
    at: datetime
    day: date
    did: str | None
    direction: str | None


async def save_outcome(connection: Connection, place: Place, new: NewOutcome, now: datetime) -> int | None:
    """Write an outcome with its first version.

    Returns:
        Its id; None: one was chosen for this call before.
    """
    id_: int | None = await connection.fetchval(
        "insert into outcome (call_id, standing_id, contact_id, user_id, at, day, did, direction, disposition_id,"
        " reason_id, note, next_step, is_complete, stage_before, heat_before, stage_set, heat_set, made_task, made_by,"
        " made_at, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
        " $18, $19, $20, $20) on conflict (call_id) do nothing returning id",
        place.call_id,
        place.standing_id,
        place.contact_id,
        place.user_id,
        place.at,
        place.day,
        place.did,
        place.direction,
        *_values(new),
        new.by,
        now,
    )
    if id_ is not None:
        await _remember(connection, id_, 1, new, now)
    return id_


async def change_outcome(connection: Connection, id: int, version: int, new: NewOutcome, now: datetime) -> bool:
    """Write the next version of an outcome; False: it is not at this version any more."""
    found = await connection.fetchval(
        "update outcome set disposition_id = $3, reason_id = $4, note = $5, next_step = $6, is_complete = $7,"
        " stage_before = $8, heat_before = $9, stage_set = $10, heat_set = $11, made_task = $12, changed_at = $13,"
        " version = version + 1 where id = $1 and version = $2 returning true",
        id,
        version,
        *_values(new),
        now,
    )
    if found:
        await _remember(connection, id, version + 1, new, now)
    return bool(found)


def _values(new: NewOutcome) -> tuple[object, ...]:
    return (
        new.disposition_id,
        new.reason_id,
        new.note,
        new.next_step,
        new.is_complete,
        new.before.stage if new.before else None,
        new.before.heat if new.before else None,
        new.made.stage if new.made else None,
        new.made.heat if new.made else None,
        str(new.made_task) if new.made_task else None,
    )


async def _remember(connection: Connection, id: int, version: int, new: NewOutcome, now: datetime) -> None:
    await connection.execute(
        "insert into outcome_change (outcome_id, version, disposition_id, reason_id, note, next_step, by, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        version,
        new.disposition_id,
        new.reason_id,
        new.note,
        new.next_step,
        new.by,
        now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version of an outcome."""

    version: int
    outcome: str
    reason: str | None
    note: str
    next_step: dict[str, object] | None
    by: str
    at: datetime


async def history_of(source: Source, outcome: int) -> list[Change]:
    """Every version of an outcome, the first one first."""
    rows = await source.fetch(
        "select c.version, d.key as outcome, r.key as reason, c.note, c.next_step, c.by, c.at from outcome_change c"
        " join disposition d on d.id = c.disposition_id left join disposition_reason r on r.id = c.reason_id"
        " where c.outcome_id = $1 order by c.version limit 1000",
        outcome,
    )
    return [Change(**dict(r)) for r in rows]


async def follow_calls(connection: Connection, calls: Sequence[UUID], zone: ZoneInfo) -> None:
    """Let outcomes take over what their calls are now: merged, corrected, given to another card or manager.

    Args:
        connection: within a transaction.
        calls: those that changed.
        zone: the company's, for the day of calls that are nobody's.
    """
    rows = await connection.fetch(
        "select id, call_id, standing_id, user_id from outcome"
        " where call_id = any($1::uuid[]) or standing_id = any($1::uuid[]) order by id for no key update",
        calls,
    )
    if not rows:
        return
    now = await subjects(connection, [r["call_id"] for r in rows if r["call_id"]])
    for row in rows:
        subject = now.get(row["call_id"])
        if subject is not None:
            await _take_over(connection, row["id"], subject, row["user_id"], zone)
    touched = {r["standing_id"] for r in rows} | {s.id for s in now.values()}
    await connection.execute(
        "update outcome o set is_current = not exists (select from outcome x where x.standing_id = o.standing_id"
        "  and (x.changed_at, x.id) > (o.changed_at, o.id)) where o.standing_id = any($1::uuid[])",
        list(touched - {None}),
    )


async def _take_over(connection: Connection, id: int, subject: Subject, user: int | None, zone: ZoneInfo) -> None:
    await connection.execute(
        "update outcome set standing_id = $2, contact_id = coalesce($3, contact_id), user_id = $4, at = $5, day = $6,"
        " did = $7, direction = $8 where id = $1 and (standing_id, contact_id, user_id, at, day, did, direction)"
        " is distinct from ($2, coalesce($3, contact_id), $4, $5, $6, $7, $8)",
        id,
        subject.id,
        subject.contact_id,
        subject.user_id or user,
        subject.at,
        subject.day or subject.at.astimezone(zone).date(),
        subject.did,
        subject.direction,
    )


async def want_outcome(
    connection: Connection, *, call: UUID, user: int, rule: int, at: datetime, now: datetime
) -> bool:
    """Ask a manager for the outcome of a call.

    Returns:
        Whether it is asked for the first time.
    """
    fresh = await connection.fetchval(
        "insert into outcome_wanted (call_id, user_id, rule_id, at, asked_at) values ($1, $2, $3, $4, $5)"
        " on conflict (call_id) do update set user_id = excluded.user_id, rule_id = excluded.rule_id, at = excluded.at"
        " returning xmax = 0",
        call,
        user,
        rule,
        at,
        now,
    )
    return bool(fresh)


async def ask_no_more(connection: Connection, calls: Sequence[UUID]) -> None:
    """These calls have their outcome, or need none."""
    await connection.execute("delete from outcome_wanted where call_id = any($1::uuid[])", calls)


async def calls_with_outcome(source: Source, standing: Sequence[UUID]) -> set[UUID]:
    """Which of these calls have one."""
    rows = await source.fetch(
        "select standing_id from outcome where standing_id = any($1::uuid[]) and is_current", standing
    )
    return {r["standing_id"] for r in rows}
