"""Rules of distribution with their members: what was entered, and what the members are at this moment.

Whoever gives leads locks the rules first (`lock_rules`): two leads at the same moment are given one after the other,
each knowing what the one before changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.domain.cards import Heat
from gateway.domain.distribution import AnswerBy, Conditions, Member, Rating, Rule, Way
from gateway.domain.manager_states import BY_WORKING_TIME, State
from gateway.domain.staff import zone_of
from gateway.domain.working_time import read_working_time
from gateway.store.database import Connection, Pool
from gateway.store.manager_states import present_states
from gateway.store.state_rules import rules_of

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for all of the distribution."""

    head_id: int | None
    talker_keeps: bool
    """Whether a new client belongs to whoever talked with him, without a rule."""
    on_dismissal: bool
    version: int


async def read_policy(source: Source) -> Policy:
    """The policy as it is."""
    return Policy(
        **dict(await source.fetchrow("select head_id, talker_keeps, on_dismissal, version from distribution_policy"))
    )


async def head_of(source: Source, *wanted: int | None) -> int | None:
    """Who decides where nobody fits: the first of those named who works here, else the first supervisor.

    Returns:
        None: there is no supervisor and no administrator.
    """
    found: int | None = await source.fetchval(
        "select id from users where active and (id = any($1::bigint[]) or role <> 'manager')"
        " order by array_position($1::bigint[], id) nulls last, role <> 'supervisor', id limit 1",
        [user for user in wanted if user is not None],
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """A rule as it is kept."""

    rule: Rule
    place: int
    conditions: dict[str, object]
    """As they were entered."""
    rating: Rating
    rating_days: int
    members: tuple[Member, ...]
    """As entered; what they are now is told by `members_now`."""
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


def conditions_of(entered: Mapping[str, object]) -> Conditions:
    """Conditions as they were entered, as the rules know them.

    Raises:
        HoursError: the hours cannot be read.
    """

    def words(name: str) -> list[str]:
        return list(entered.get(name) or ())  # type: ignore[call-overload,no-any-return]

    hours: Mapping[str, object] | None = entered.get("hours")  # type: ignore[assignment]
    return Conditions(
        dids=frozenset(words("dids")),
        sources=frozenset(words("sources")),
        cities=frozenset(c.casefold().strip() for c in words("cities")),
        countries=frozenset(words("countries")),
        languages=frozenset(words("languages")),
        heats=frozenset(Heat(h) for h in words("heats")),
        hours=read_working_time(zone_of(str(hours["timezone"]), ZoneInfo("UTC")), hours["week"], {}) if hours else None,  # type: ignore[arg-type]
    )


async def read_rules(source: Source, *, archived: bool = False, id: int | None = None) -> list[StoredRule]:
    """The rules in their order, archived ones last and only where they are asked for."""
    rows = await source.fetch(
        "select r.*, coalesce((select json_agg(m order by m.user_id) from distribution_member m"
        " where m.rule_id = r.id), '[]') as members from distribution_rule r"
        " where ($1 or r.archived_at is null) and ($2::bigint is null or r.id = $2)"
        " order by r.archived_at is not null, r.place, r.id limit 1000",
        archived,
        id,
    )
    return [_stored_rule(r) for r in rows]


def _stored_rule(row: Mapping[str, object]) -> StoredRule:
    entered: dict[str, object] = row["conditions"]  # type: ignore[assignment]
    found: Sequence[Mapping[str, object]] = row["members"]  # type: ignore[assignment]
    plain = ("id", "name", "skill", "answer_minutes", "rounds", "changes", "overdue_minutes", "head_id")
    rule = Rule(
        conditions=conditions_of(entered),
        way=Way(str(row["way"])),
        answer_by=AnswerBy(str(row["answer_by"])),
        **{name: row[name] for name in plain},  # type: ignore[arg-type]
    )
    return StoredRule(
        rule=rule,
        place=row["place"],  # type: ignore[arg-type]
        conditions=entered,
        rating=Rating(str(row["rating"])),
        rating_days=row["rating_days"],  # type: ignore[arg-type]
        members=tuple(_member(m) for m in found),
        archived_at=row["archived_at"],  # type: ignore[arg-type]
        changed_by=str(row["changed_by"]),
        changed_at=row["changed_at"],  # type: ignore[arg-type]
        version=row["version"],  # type: ignore[arg-type]
    )


def _member(row: Mapping[str, object]) -> Member:
    skills: Iterable[str] = row["skills"]  # type: ignore[assignment]
    plain = ("user_id", "weight", "open_max", "day_max", "credit")
    return Member(skills=frozenset(skills), **{name: row[name] for name in plain})  # type: ignore[arg-type]


async def lock_rules(connection: Connection) -> list[StoredRule]:
    """The rules that hold, in their order; others who give leads wait until the transaction ends."""
    await connection.execute("select id from distribution_policy for update")
    return await read_rules(connection)


_MEMBERS = """select m.user_id, m.weight, m.skills, m.open_max, m.day_max, m.credit, u.active,
 exists (select from absence a where a.user_id = m.user_id and a.state in ('planned', 'begun') and a.since <= $2
    and (a.until is null or a.until > $2)) as absent,
 (select count(*) from contact c where c.owner_id = m.user_id and c.stage in ('unsorted', 'lead')
    and c.merged_into is null) as open_leads,
 (select count(*) from task t where t.owner_id = m.user_id and t.state in ('new', 'in_progress')) as open_tasks,
 (select count(*) from assignment a where a.user_id = m.user_id and a.given_at >= $3) as given_today
 from distribution_member m join users u on u.id = m.user_id where m.rule_id = $1 order by m.user_id"""
_RATINGS = {
    Rating.CONVERSION: "select o.user_id, (count(*) filter (where d.means = 'purchase') + 1.0) / (count(*) + 2.0) as n"
    " from outcome o join disposition d on d.id = o.disposition_id where o.is_current and o.day > $2"
    " and d.means in ('purchase', 'refusal') and o.user_id = any($1::bigint[]) group by 1",
    **{
        rating: f"select user_id, sum({column})::float8 as n from manager_day where day > $2"
        " and user_id = any($1::bigint[]) group by 1"
        for rating, column in (
            (Rating.ANSWERED, "answered"),
            (Rating.TALK_SECONDS, "talk_us"),
            (Rating.NUMBERS_LONG, "numbers_long"),
        )
    },
}
_UNRATED = {Rating.CONVERSION: 0.5}
"""A beginner stands in the middle: neither bought nor refused says nothing of him."""


async def members_now(source: Source, stored: StoredRule, now: datetime, zone: ZoneInfo) -> list[Member]:
    """The members of a rule with what they are at this moment.

    Args:
        source: where to read.
        stored: the rule.
        now: the present moment.
        zone: the company's; its day is the one of the daily limit.
    """
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await source.fetch(_MEMBERS, stored.rule.id, now, today)
    presence = await presence_of(source, [r["user_id"] for r in rows], now)
    ratings: dict[int, float] = {}
    if stored.rule.way is Way.HEAT:
        users = [r["user_id"] for r in rows]
        since = today.date() - timedelta(days=stored.rating_days)
        ratings = {r["user_id"]: float(r["n"]) for r in await source.fetch(_RATINGS[stored.rating], users, since)}
    unrated = _UNRATED.get(stored.rating, 0.0)
    return [
        Member(
            **{**dict(r), "skills": frozenset(r["skills"])},
            off=presence[r["user_id"]].off,
            day_over=presence[r["user_id"]].day_over,
            on_break=presence[r["user_id"]].on_break,
            rating=ratings.get(r["user_id"], unrated),
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Whether a member is at his place; the fields are those of `Member`."""

    off: bool
    day_over: bool
    on_break: bool


async def presence_of(source: Source, users: Sequence[int], now: datetime) -> dict[int, Presence]:
    """Whether members are off, over with their day, or on a break on which they get no leads."""
    states = await present_states(source, now=now, users=users)
    on_break = [user for user, found in states.items() if found.state is State.BREAK]
    rules = await rules_of(source, on_break) if on_break else {}
    return {
        user: Presence(
            off=found.state is State.OFF and found.by != BY_WORKING_TIME,
            day_over=found.state is State.OFF and found.by == BY_WORKING_TIME,
            on_break=user in rules and not rules[user].leads_on_break,
        )
        for user, found in states.items()
    }


async def save_credits(connection: Connection, rule: int, credits: Mapping[int, float]) -> None:
    """Keep what each member is owed now."""
    await connection.executemany(
        "update distribution_member set credit = $3 where rule_id = $1 and user_id = $2",
        [(rule, user, credit) for user, credit in sorted(credits.items())],
    )


RULE_COLUMNS = (
    "name", "place", "conditions", "way", "skill", "rating", "rating_days", "answer_minutes", "answer_by", "rounds",
    "changes", "overdue_minutes", "head_id",
)  # fmt: skip
RULES_MAX = 100


async def add_rule(connection: Connection, values: Mapping[str, object], *, by: str, now: datetime) -> int | None:
    """Add a rule; None: there are `RULES_MAX` of them."""
    if await connection.fetchval("select count(*) from distribution_rule where archived_at is null") >= RULES_MAX:
        return None
    names = [name for name in RULE_COLUMNS if name in values]
    marks = ", ".join(f"${place}" for place in range(3, len(names) + 3))
    found: int = await connection.fetchval(
        f"insert into distribution_rule (changed_by, changed_at, {', '.join(names)}) values ($1, $2, {marks})"
        " returning id",
        by,
        now,
        *(values[name] for name in names),
    )
    return found


async def change_rule(
    connection: Connection,
    id: int,
    *,
    version: int,
    changes: Mapping[str, object],
    archived: bool | None,
    by: str,
    now: datetime,
) -> bool | None:
    """Change a rule that is still as the caller read it.

    Returns:
        True: done; False: it has been changed since; None: it is not there.
    """
    await lock_rules(connection)
    names = [name for name in RULE_COLUMNS if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 6))
    found = await connection.fetchval(
        "update distribution_rule set version = version + 1, changed_by = $3, changed_at = $4, archived_at = case"
        f" when $5::boolean is null then archived_at when $5 then coalesce(archived_at, $4) end{sets}"
        " where id = $1 and version = $2 returning true",
        id,
        version,
        by,
        now,
        archived,
        *(changes[name] for name in names),
    )
    if found:
        return True
    return False if await connection.fetchval("select true from distribution_rule where id = $1", id) else None


async def set_members(connection: Connection, rule: int, members: Sequence[Member]) -> None:
    """Let a rule have these members; who was one before keeps what he is owed."""
    await connection.execute(
        "delete from distribution_member where rule_id = $1 and user_id <> all($2::bigint[])",
        rule,
        [m.user_id for m in members],
    )
    await connection.executemany(
        "insert into distribution_member (rule_id, user_id, weight, skills, open_max, day_max)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (rule_id, user_id) do update set weight = excluded.weight,"
        " skills = excluded.skills, open_max = excluded.open_max, day_max = excluded.day_max",
        [(rule, m.user_id, m.weight, sorted(m.skills), m.open_max, m.day_max) for m in members],
    )


async def change_policy(connection: Connection, version: int, changes: Mapping[str, object]) -> bool:
    """Change the policy; False: it has been changed since it was read."""
    names = [n for n in ("head_id", "talker_keeps", "on_dismissal") if n in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 2))
    found = await connection.fetchval(
        f"update distribution_policy set version = version + 1{sets} where version = $1 returning true",
        version,
        *(changes[n] for n in names),
    )
    return bool(found)


async def known_users(source: Source, users: Sequence[int]) -> set[int]:
    """Which of these work here."""
    rows = await source.fetch("select id from users where active and id = any($1::bigint[])", users)
    return {r["id"] for r in rows}
