"""Figures as they are read: from the roll-ups, exact, and each with the calls behind it.

Sums come from `manager_day` and `company_day`. Distinct numbers cannot be added up; over several days or directions
they come from `distinct_day` (see migration 0009). What a figure means stands in docs/metrics.md;
`gateway.domain.figures` is the code that counts, and the conditions here pick the same parts of the same calls.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of the roll-ups is wanted."""

    since: date
    until: date
    """The last day, itself included."""
    user: int | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerFigures:
    """One manager's figures of a day and direction, or of the whole span."""

    user_id: int
    day: date | None
    direction: str | None
    calls: int
    answered: int
    missed: int
    not_taken: int
    lost: int
    talk_us: int
    wait_us: int
    numbers: int | None
    """None: distinct numbers of several days or directions that were not asked for."""
    numbers_long: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFigures:
    """The company's figures of a day, or of the whole span, by direction."""

    day: date | None
    direction: str
    calls: int
    answered: int
    missed: int
    lost: int
    talk_us: int
    wait_us: int


_SUMS = ", ".join(
    f"sum({name})::bigint as {name}"
    for name in ("calls", "answered", "missed", "not_taken", "lost", "talk_us", "wait_us")
)
_WITHIN = "day between $1 and $2 and ($3::bigint is null or user_id = $3) and ($4::text is null or direction = $4)"


def _within(span: Span) -> tuple[str, list[object]]:
    """The condition of a span with its values; what is not asked for is not in it, so each kind has its own plan."""
    condition = "day between $1 and $2"
    values: list[object] = [span.since, span.until]
    for name, value in (("user_id", span.user), ("direction", span.direction)):
        if value is not None:
            values.append(value)
            condition += f" and {name} = ${len(values)}"
    return condition, values


async def manager_days(source: Source, span: Span) -> list[ManagerFigures]:
    """Figures by manager, day and direction; days on which nothing was counted are left out."""
    within, values = _within(span)
    rows = await source.fetch(
        "select user_id, day, direction, calls, answered, missed, not_taken, lost, talk_us, wait_us, numbers,"
        f" numbers_long from manager_day where {within} and calls > 0 order by day, user_id, direction",
        *values,
    )
    return [ManagerFigures(**dict(r)) for r in rows]


async def manager_totals(source: Pool, span: Span, *, distinct: bool) -> list[ManagerFigures]:
    """Figures of the whole span by manager.

    Args:
        source: where to read.
        span: which days.
        distinct: whether to count distinct numbers too; read beside the sums, on a connection of their own.
    """
    within, values = _within(span)
    sums = source.fetch(
        f"select user_id, {_SUMS} from manager_day where {within} group by user_id having sum(calls) > 0"
        " order by user_id",
        *values,
    )
    rows, numbers = await asyncio.gather(sums, _distinct(source, span)) if distinct else (await sums, {})
    nothing = (0, 0) if distinct else (None, None)
    return [
        ManagerFigures(
            day=None,
            direction=span.direction,
            numbers=numbers.get(r["user_id"], nothing)[0],
            numbers_long=numbers.get(r["user_id"], nothing)[1],
            **dict(r),
        )
        for r in rows
    ]


async def _distinct(source: Source, span: Span) -> Mapping[int, tuple[int, int]]:
    """Distinct numbers, and those with a long call, by manager: of each day those that he had last before the span."""
    within, values = _within(replace(span, direction=span.direction or "any"))
    place = f"${len(values) + 1}::smallint"
    rows = await source.fetch(
        f"select user_id, sum(width_bucket({place}, before))::int as numbers,"
        f" sum(width_bucket({place}, before_long))::int as numbers_long"
        f" from distinct_day where {within} group by user_id",
        *values,
        _day_number(span.since) - 1,
    )
    return {r["user_id"]: (r["numbers"], r["numbers_long"]) for r in rows}


def _day_number(day: date) -> int:
    """A day as the database's function of this name has it; here it is computed once and not for every row."""
    return max(-32767, min(32767, (day - date(2000, 1, 1)).days))


async def company_figures(source: Source, span: Span, *, by_day: bool) -> list[CompanyFigures]:
    """The company's figures by direction, each day or the whole span."""
    day = "day" if by_day else "null::date"
    names = ("calls", "answered", "missed", "lost", "talk_us", "wait_us")
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in names)
    within, values = _within(replace(span, user=None))
    rows = await source.fetch(
        f"select {day} as day, direction, {sums} from company_day where {within} group by 1, 2"
        " having sum(calls) > 0 order by 1, 2",
        *values,
    )
    return [CompanyFigures(**dict(r)) for r in rows]


async def long_numbers(source: Source, *, user: int, day: date, direction: str | None) -> int:
    """Distinct clients of a day with at least one long call: what the goal counts.

    Args:
        source: where to read.
        user: whose.
        day: his local day.
        direction: None: both; a client called in both counts once.
    """
    found: int | None = await source.fetchval(
        "select cardinality(before_long) from distinct_day where user_id = $1 and day = $2 and direction = $3",
        user,
        day,
        direction or "any",
    )
    return found or 0


FIGURES: Mapping[str, str] = {
    "calls": "true",
    "answered": "m.answered",
    "missed": "m.missed",
    "not_taken": "m.not_taken",
    "lost": "m.lost",
    "talk_seconds": "m.talk_us > 0",
    "wait_seconds": "m.wait_us > 0",
    "numbers": "m.number is not null",
    "numbers_long": "m.number is not null and m.talk_us > {long}",
    "calls_long": "m.talk_us > {long}",
}
"""Which parts stand behind a manager's figure; of a number's several calls the longest stands for it."""
OF_NUMBERS = frozenset({"numbers", "numbers_long"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPart:
    """One manager's part in one call, behind a figure."""

    call_id: UUID
    extension: str
    started_at: datetime
    day: date
    rang_us: int
    talk_us: int
    wait_us: int


Place = tuple[datetime, UUID, str]


async def parts_behind(
    source: Source, span: Span, *, figure: str, long_us: int, after: Place | None, limit: int
) -> list[CountedPart]:
    """The parts that a manager's figure counts, the newest first: as many as the figure says.

    Args:
        source: where to read.
        span: which days, with a user.
        figure: a name of `FIGURES`.
        long_us: talk longer than this makes a call long, in microseconds.
        after: start, call and extension of the last part seen; None: the first page.
        limit: how many at most.
    """
    columns = "m.call_id, m.extension, m.started_at, m.day, m.rang_us, m.talk_us, m.wait_us"
    within, values = _within(span)
    which = f"{within} and m.counted and {FIGURES[figure].format(long=int(long_us))}"
    found = f"select {columns} from call_manager m where {which}"
    if figure in OF_NUMBERS:
        found = f'select distinct on (m.number collate "C") {columns} from call_manager m where {which}'
        found += ' order by m.number collate "C", m.talk_us desc, m.started_at desc, m.call_id, m.extension'
    beyond = ""
    if after is not None:
        first = len(values) + 1
        beyond = f" where (started_at, call_id, extension) < (${first}, ${first + 1}, ${first + 2})"
        values += after
    rows = await source.fetch(
        f"select * from ({found}) as part{beyond} order by started_at desc, call_id desc, extension desc"
        f" limit {int(limit)}",
        *values,
    )
    return [CountedPart(**dict(r)) for r in rows]
