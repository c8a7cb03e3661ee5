"""How much of a goal is done: each measure counted for many people and many periods in one statement.

Where the ledger knows it (all calls, or talks longer than the seconds the site counts by) sums come from the roll-ups,
in milliseconds for everybody and a year. Other seconds, outcomes and teams that work together are counted from the
parts of the calls, exact as well; docs/benchmarks.md says how fast. What a part, an outcome or a touch belongs to is
decided where it is written; here nothing is defined anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from gateway.domain.goals import Measure, Rule
from gateway.domain.periods import Period, Step, units_of
from gateway.store.database import Connection, Pool

Source = Pool | Connection
Amounts = Mapping[tuple[int, date], int]
"""By user (or team) and first day of the period; who has nothing is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of a team with the days that count for it."""

    user_id: int
    since: date
    until: date


def _first(step: Step, column: str = "m.day") -> str:
    """The first day of the unit in which a day lies, cut at the span's begin."""
    if step is Step.DAY:
        return column
    return f"greatest($1, date_trunc('{step.value}', {column}::timestamp)::date)"


async def each(
    source: Source,
    rule: Rule,
    *,
    step: Step,
    span: Period,
    zones: Mapping[int, tzinfo],
    long_seconds: int,
) -> Amounts:
    """What each of these people has done, period by period.

    Args:
        source: where to read.
        rule: what counts.
        step: of one period.
        span: which days; the periods at its ends are cut.
        zones: the people, and whose days they have.
        long_seconds: the seconds that the ledger counts by.
    """
    if rule.measure in (Measure.TASKS, Measure.TOUCHES):
        return await _of_moments(source, rule, step, span, zones)
    users = sorted(zones)
    way = rule.way.direction
    if rule.measure is Measure.NUMBERS and rule.seconds in (None, long_seconds):
        first = _first(step)
        array = "before" if rule.seconds is None else "before_long"
        sql = (
            f"select m.user_id as who, {first} as first,"
            f" sum(width_bucket(day_number({first} - 1), m.{array}))::bigint as amount from distinct_day m"
            " where m.day between $1 and $2 and m.user_id = any($3::bigint[]) and m.direction = $4 group by 1, 2"
        )
        rows = await source.fetch(sql, span.first, span.last, users, way or "any")
    elif (counted := _SUMS.get(rule.measure)) and rule.seconds is None:
        sql = (
            f"select m.user_id as who, {_first(step)} as first, sum(m.{counted})::bigint as amount from manager_day m"
            " where m.day between $1 and $2 and m.user_id = any($3::bigint[])"
            " and ($4::text is null or m.direction = $4) group by 1, 2"
        )
        rows = await source.fetch(sql, span.first, span.last, users, way)
    elif rule.measure is Measure.OUTCOMES:
        rows = await source.fetch(
            f"select m.user_id as who, {_first(step)} as first, count(distinct m.standing_id) as amount {_OUTCOMES}"
            " and m.user_id = any($5::bigint[]) group by 1, 2",
            span.first,
            span.last,
            way,
            rule.kind,
            users,
        )
    else:
        rows = await source.fetch(
            f"select m.user_id as who, {_first(step)} as first, {_of_parts(rule, together=False)} as amount"
            " from call_manager m where m.counted and m.day between $1 and $2 and m.user_id = any($3::bigint[])"
            " and ($4::text is null or m.direction = $4) group by 1, 2",
            span.first,
            span.last,
            users,
            way,
        )
    return {(r["who"], r["first"]): r["amount"] for r in rows if r["amount"]}


_SUMS = {Measure.CALLS: "calls", Measure.ANSWERED: "answered", Measure.TALK_MINUTES: "talk_us"}
_OUTCOMES = """from outcome m join disposition d on d.id = m.disposition_id
    where m.is_current and m.standing_id is not null and m.day between $1 and $2
    and ($3::text is null or m.direction = $3) and (d.key = $4 or d.means = $4)"""


def _of_parts(rule: Rule, *, together: bool) -> str:
    """What is counted over parts of calls; of a team that works together a call and a number count once."""
    long = "true" if rule.seconds is None else f"m.talk_us > {int(rule.seconds) * 1_000_000}"
    calls = "count(distinct m.call_id)" if together else "count(*)"
    match rule.measure:
        case Measure.NUMBERS:
            return f'count(distinct m.number collate "C") filter (where {long})'
        case Measure.CALLS:
            return f"{calls} filter (where {long})"
        case Measure.ANSWERED:
            return f"{calls} filter (where m.answered)"
        case _:
            return "coalesce(sum(m.talk_us), 0)::bigint"


async def together(
    source: Source,
    rule: Rule,
    *,
    step: Step,
    span: Period,
    members: Sequence[Member],
    zones: Mapping[int, tzinfo],
) -> Mapping[date, int]:
    """What a team has done as one: a number or a call that two members had counts once.

    Args:
        source: where to read.
        rule: what counts.
        step: of one period.
        span: which days.
        members: who belongs to it, and when; only those days count.
        zones: whose days they have.
    """
    who = ([m.user_id for m in members], [m.since for m in members], [m.until for m in members])
    if rule.measure in (Measure.TASKS, Measure.TOUCHES):
        found: dict[date, int] = {}
        for member in members:
            days = Period(first=max(member.since, span.first), last=min(member.until, span.last))
            if days.days > 0:
                one = {member.user_id: zones[member.user_id]}
                for (_, first), amount in (await _of_moments(source, rule, step, days, one)).items():
                    unit = max(span.first, next(units_of(step, Period(first=first, last=first))).first)
                    found[unit] = found.get(unit, 0) + amount
        return found
    joined = (
        "join unnest($5::bigint[], $6::date[], $7::date[]) as t(user_id, since, until)"
        " on t.user_id = m.user_id and m.day between t.since and t.until"
    )
    if rule.measure is Measure.OUTCOMES:
        source_text = _OUTCOMES.replace("where", f"{joined} where", 1)
        counted, kind = "count(distinct m.standing_id)", rule.kind
    else:
        source_text = (
            f"from call_manager m {joined} where m.counted and m.day between $1 and $2"
            " and ($3::text is null or m.direction = $3) and $4::text is null"
        )
        counted, kind = _of_parts(rule, together=True), None
    rows = await source.fetch(
        f"select {_first(step)} as first, {counted} as amount {source_text} group by 1",
        span.first,
        span.last,
        rule.way.direction,
        kind,
        *who,
    )
    return {r["first"]: r["amount"] for r in rows if r["amount"]}


_TASKS = """select w.user_id as who, w.first, count(*) as amount
    from unnest($1::bigint[], $2::date[], $3::timestamptz[], $4::timestamptz[]) as w(user_id, first, begin, ends)
    join task t on t.owner_id = w.user_id and t.state = 'done' and t.ended_at >= w.begin and t.ended_at < w.ends
    where ($5::text is null or t.kind = $5) and ($6::text is null or true) group by 1, 2"""
_TOUCHES = """select w.user_id as who, w.first, count(*) as amount
    from unnest($1::bigint[], $2::date[], $3::timestamptz[], $4::timestamptz[]) as w(user_id, first, begin, ends)
    join touch t on t.user_id = w.user_id and t.at >= w.begin and t.at < w.ends
    where ($5::text is null or t.kind = $5) and ($6::text is null or t.direction = $6) group by 1, 2"""


async def _of_moments(
    source: Source, rule: Rule, step: Step, span: Period, zones: Mapping[int, tzinfo]
) -> dict[tuple[int, date], int]:
    """Tasks and touches have moments and no day: each person's periods are given as moments of his zone."""
    windows: list[tuple[int, date, datetime, datetime]] = []
    units = list(units_of(step, span))
    bounds = {zone: [(u.first, *u.bounds(zone)) for u in units] for zone in set(zones.values())}
    for user, zone in zones.items():
        windows += [(user, *bound) for bound in bounds[zone]]
    columns = [[w[place] for w in windows] for place in range(4)]
    sql = _TASKS if rule.measure is Measure.TASKS else _TOUCHES
    rows = await source.fetch(sql, *columns, rule.kind, rule.way.direction)
    return {(r["who"], r["first"]): r["amount"] for r in rows}
