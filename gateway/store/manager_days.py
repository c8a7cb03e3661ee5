"""What the rules need to know of each manager's day: his hours, when he is away, when he signed in, what was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.domain.manager_day import Away, Day
from gateway.domain.manager_states import Choice, Chosen, base_of
from gateway.domain.staff import zone_of
from gateway.store.database import Connection, Pool
from gateway.store.state_rules import Begins, rules_of
from gateway.store.working_time import hours_tables, office_hours

Source = Pool | Connection


async def looked_at(connection: Connection) -> datetime | None:
    """Up to when the rules have chosen; others who look wait until the transaction ends. None: never."""
    found: datetime | None = await connection.fetchval("select looked_at from state_clock for update")
    return found


async def set_looked_at(connection: Connection, now: datetime) -> None:
    """The rules have chosen up to this moment."""
    await connection.execute("update state_clock set looked_at = $1", now)


async def read_days(source: Source, *, since: datetime, now: datetime, company_zone: ZoneInfo) -> dict[int, Day]:
    """What is known of everybody who works here and has an extension, since a moment.

    Args:
        source: where to read.
        since: from when on.
        now: the present moment.
        company_zone: of those who have none of their own.
    """
    rows = await source.fetch(
        "select u.id, u.timezone from users u where u.active and exists (select from extension e where e.user_id = u.id"
        " and e.since <= $1 and $1 < e.until) order by u.id",
        now,
    )
    users = [r["id"] for r in rows]
    rules = await rules_of(source, users)
    tables = await hours_tables(source)
    hours = await office_hours(source, company_zone, users=users)
    for_all = any(t.did is None and t.user_id is None for t in tables)
    own = {t.user_id for t in tables}
    away = await _away(source, users, since)
    signed_in = await _sign_ins(source, users, since, now)
    bases, choices = await _chosen(source, users, since)
    return {
        r["id"]: Day(
            zone=zone_of(r["timezone"], company_zone),
            hours=hours.of_user(r["id"]) if for_all or r["id"] in own else None,
            begins_with_hours=rules[r["id"]].begins is Begins.WORKING_TIME,
            begins_with_sign_in=rules[r["id"]].begins is Begins.SIGN_IN,
            away=tuple(away.get(r["id"], ())),
            sign_ins=tuple(signed_in.get(r["id"], ())),
            choices=tuple(choices.get(r["id"], ())),
            base=base_of(bases[r["id"]]) if r["id"] in bases else None,
        )
        for r in rows
    }


async def _away(source: Source, users: Sequence[int], since: datetime) -> Mapping[int, list[Away]]:
    """An absence that was entered when it had begun counts from then on."""
    found: dict[int, list[Away]] = {}
    for row in await source.fetch(
        "select user_id, kind, greatest(since, made_at) as since, until from absence where state <> 'cancelled'"
        " and user_id = any($1::bigint[]) and (until is null or (until >= $2 and until > greatest(since, made_at)))"
        " order by since",
        users,
        since,
    ):
        found.setdefault(row["user_id"], []).append(Away(kind=row["kind"], since=row["since"], until=row["until"]))
    return found


async def _sign_ins(
    source: Source, users: Sequence[int], since: datetime, now: datetime
) -> Mapping[int, list[datetime]]:
    found: dict[int, list[datetime]] = {}
    for row in await source.fetch(
        "select user_id, created_at from session where user_id = any($1::bigint[]) and created_at > $2"
        " and created_at <= $3 order by created_at",
        users,
        since,
        now,
    ):
        found.setdefault(row["user_id"], []).append(row["created_at"])
    return found


async def _chosen(
    source: Source, users: Sequence[int], since: datetime
) -> tuple[Mapping[int, Choice], Mapping[int, list[Choice]]]:
    """What stood at a moment, and what was chosen behind it."""
    bases = await source.fetch(
        "select w.id, c.at, c.chosen, c.by, c.reason from unnest($1::bigint[]) as w(id)"
        " join lateral (select at, chosen, by, reason from state_choice where user_id = w.id and at <= $2"
        "  and chosen in ('available', 'break', 'off') order by at desc, id desc limit 1) c on true",
        users,
        since,
    )
    rows = await source.fetch(
        "select user_id, at, chosen, by, reason from state_choice where user_id = any($1::bigint[]) and at > $2"
        " and chosen in ('available', 'break', 'off') order by at, id",
        users,
        since,
    )
    later: dict[int, list[Choice]] = {}
    for row in rows:
        later.setdefault(row["user_id"], []).append(_choice(row))
    return {r["id"]: _choice(r) for r in bases}, later


def _choice(row: Mapping[str, object]) -> Choice:
    return Choice(
        at=row["at"],  # type: ignore[arg-type]
        chosen=Chosen(str(row["chosen"])),
        by=str(row["by"]),
        reason=str(row["reason"]),
    )


async def gone_but_not_off(source: Source) -> list[int]:
    """Whoever works here no more and is still thought to be at work."""
    rows = await source.fetch(
        "select s.user_id from manager_state s join users u on u.id = s.user_id"
        " where s.until is null and s.state <> 'off' and not u.active order by 1"
    )
    return [r["user_id"] for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LongBreak:
    """A break of which the head was not told yet."""

    id: int
    """Of the choice."""
    user_id: int
    at: datetime
    reason: str
    minutes: int | None
    """Of its reason; None: as the person's rule says."""


async def long_breaks(connection: Connection, before: datetime) -> list[LongBreak]:
    """Breaks that go on, were chosen before a moment, and of which nobody was told."""
    rows = await connection.fetch(
        "select c.id, c.user_id, c.at, c.reason, r.minutes from manager_state s"
        " join lateral (select id, user_id, at, reason, chosen, told_at from state_choice where user_id = s.user_id"
        "  and chosen in ('available', 'break', 'off') order by at desc, id desc limit 1) c on true"
        " left join break_reason r on r.key = c.reason"
        " where s.until is null and s.state in ('break', 'talking') and c.chosen = 'break' and c.told_at is null"
        " and c.at <= $1 order by c.id",
        before,
    )
    return [LongBreak(**dict(r)) for r in rows]


async def note_told(connection: Connection, choices: Sequence[int], now: datetime) -> None:
    """The heads were told of these breaks."""
    await connection.execute("update state_choice set told_at = $2 where id = any($1::bigint[])", choices, now)
