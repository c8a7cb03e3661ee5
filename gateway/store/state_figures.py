"""The time that managers spent in each state, by local day, and the intervals that stand behind it.

What is counted is written in docs/metrics.md. An interval that passes midnight belongs to both days with its parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID

from gateway.domain.manager_states import State
from gateway.domain.periods import Period, Step, units_of
from gateway.store.database import Connection, Pool

Source = Pool | Connection
OF_STATES = tuple(f"{state}_seconds" for state in State)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDay:
    """How somebody spent a day, or several."""

    user_id: int
    first: date
    seconds: Mapping[str, float]
    """By name of the figure, like `talking_seconds`."""
    first_available: datetime | None
    last_off: datetime | None
    """When he went off for the last time; None: he did not."""


_SUMS = ", ".join(f"coalesce(sum(n) filter (where state = '{state}'), 0)::float8 as {state}_seconds" for state in State)
_DAYS = f"""select w.user_id, w.first, {_SUMS},
 min(begun) filter (where state = 'available') as first_available,
 max(since) filter (where state = 'off' and since >= w.begin) as last_off
 from unnest($1::bigint[], $2::date[], $3::timestamptz[], $4::timestamptz[]) as w(user_id, first, begin, ends)
 join lateral (
  select s.state, s.since, greatest(s.since, w.begin) as begun,
   extract(epoch from least(coalesce(s.until, $5), w.ends, $5) - greatest(s.since, w.begin)) as n from (
    select state, since, until from manager_state where user_id = w.user_id and since >= w.begin and since < w.ends
    union all
    (select state, since, until from manager_state where user_id = w.user_id and since < w.begin
      order by since desc limit 1)
   ) s where coalesce(s.until, 'infinity') > w.begin
 ) i on n > 0 group by 1, 2 order by 1, 2"""


async def state_days(
    source: Source, period: Period, zones: Mapping[int, tzinfo], now: datetime, step: Step = Step.DAY
) -> list[StateDay]:
    """How some people spent each unit of a period; who was in no state then has none.

    Args:
        source: where to read.
        period: their local days.
        zones: the people, and whose days they have.
        now: the present moment, at which intervals that go on are cut.
        step: day, week or month.
    """
    wanted = [
        (user, unit.first, *unit.bounds(zone))
        for unit in units_of(step, period)
        for user, zone in sorted(zones.items())
    ]
    columns = [list(column) for column in zip(*wanted, strict=True)] if wanted else [[], [], [], []]
    rows = await source.fetch(_DAYS, *columns, now)
    return [
        StateDay(
            user_id=r["user_id"],
            first=r["first"],
            seconds={name: r[name] for name in OF_STATES},
            first_available=r["first_available"],
            last_off=r["last_off"],
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """An interval behind a figure."""

    id: int
    state: State
    reason: str
    since: datetime
    until: datetime | None
    call_id: UUID | None
    by: str
    seconds: float
    """Of it that lie in the days that were asked for."""


async def stretches(
    source: Source,
    user: int,
    *,
    begin: datetime,
    end: datetime,
    state: State | None,
    now: datetime,
    before: datetime | None,
    limit: int,
) -> list[Stretch]:
    """A manager's intervals in a span of time, the newest first.

    Args:
        source: where to read.
        user: whose.
        begin: from when on.
        end: until when.
        state: of this state only; None: of all.
        now: the present moment.
        before: begin of the last one seen; None: the first page.
        limit: how many at most.
    """
    rows = await source.fetch(
        "select id, state, reason, since, until, call_id, by, extract(epoch from"
        "  least(coalesce(until, $5::timestamptz), $3::timestamptz, $5) - greatest(since, $2::timestamptz))::float8"
        "  as seconds"
        " from manager_state where user_id = $1 and since < least($3::timestamptz, $5)"
        " and since >= coalesce((select max(since) from manager_state where user_id = $1 and since <= $2), $2)"
        " and coalesce(until, $5) > $2 and ($4::text is null or state = $4)"
        " and ($6::timestamptz is null or since < $6) order by since desc limit $7",
        user,
        begin,
        end,
        state,
        now,
        before,
        limit,
    )
    return [Stretch(**{**dict(r), "state": State(r["state"])}) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePause:
    """What a PBX was told last about a phone in its queues."""

    pbx: str
    endpoint: str
    extension: str
    user_id: int
    paused: bool
    reason: str
    outcome: str
    fault: str
    at: datetime


async def queue_pauses(source: Source, pbx: str | None = None) -> list[QueuePause]:
    """What the PBXs were told last.

    Args:
        source: where to read.
        pbx: of one; None: of all.
    """
    rows = await source.fetch(
        "select pbx, endpoint, extension, user_id, paused, reason, outcome, fault, at from queue_pause"
        " where $1::text is null or pbx = $1 order by pbx, endpoint",
        pbx,
    )
    return [QueuePause(**dict(r)) for r in rows]
