"""Sums of reports for many people, channels, hours or points in time, each in one or two statements.

People's figures come from the roll-ups of `gateway.store.reports`; whatever is told by DID, source or hour is counted
from the calls through the index `call_report`. The conditions are those of `COMPANY_FIGURES` and `FIGURES`, so a figure
here is the same as in `/statistics` and opens into the same calls.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from gateway.domain.periods import Period, Step
from gateway.domain.spend import Channel, ChannelBy, Spend
from gateway.store.database import Connection, Pool
from gateway.store.goal_amounts import Member
from gateway.store.reading import COMPANY_FIGURES

Source = Pool | Connection
Sums = dict[str, float]
PERSON_FIGURES = ("calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "numbers", "numbers_long")


async def by_person(source: Source, period: Period, users: Sequence[int], direction: str | None) -> dict[int, Sums]:
    """Each person's figures of a period, from the roll-ups.

    Args:
        source: where to read.
        period: each one's local days.
        users: whose.
        direction: None: both together.
    """
    rows = await source.fetch(
        "select user_id, sum(calls) as calls, sum(calls) filter (where direction = 'inbound') as calls_in,"
        " sum(calls) filter (where direction = 'outbound') as calls_out, sum(answered) as answered,"
        " sum(missed) as missed, sum(not_taken) as not_taken, sum(lost) as lost, sum(talk_us) / 1e6 as talk_seconds,"
        " sum(wait_us) / 1e6 as wait_seconds"
        " from manager_day where day between $1 and $2 and user_id = any($3::bigint[])"
        " and ($4::text is null or direction = $4) group by user_id",
        period.first,
        period.last,
        list(users),
        direction,
    )
    found = {r["user_id"]: {name: float(value or 0) for name, value in r.items() if name != "user_id"} for r in rows}
    numbers = await source.fetch(
        "select user_id, sum(width_bucket(day_number($1::date - 1), before))::int as numbers,"
        " sum(width_bucket(day_number($1::date - 1), before_long))::int as numbers_long from distinct_day"
        " where day between $1 and $2 and user_id = any($3::bigint[]) and direction = $4 group by user_id",
        period.first,
        period.last,
        list(users),
        direction or "any",
    )
    for row in numbers:
        sums = found.setdefault(row["user_id"], {})
        sums["numbers"], sums["numbers_long"] = float(row["numbers"]), float(row["numbers_long"])
    for sums in found.values():
        sums["wait_answered_seconds"] = sums.get("wait_seconds", 0.0)
    return found


Windows = Mapping[int, tuple[datetime, datetime]]
"""Each person's period as moments of his zone."""


def windows(period: Period, zones: Mapping[int, tzinfo]) -> Windows:
    """The period of each person as moments."""
    bounds = {zone: period.bounds(zone) for zone in set(zones.values())}
    return {user: bounds[zone] for user, zone in zones.items()}


_OF_PEOPLE = "from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as w(user_id, begin, ends)"
TASK_FIGURES: Mapping[str, str] = {
    "tasks_done": "t.state = 'done' and t.ended_at >= w.begin and t.ended_at < w.ends",
    "tasks_in_time": "t.state = 'done' and t.ended_at >= w.begin and t.ended_at < w.ends"
    " and (t.due_at is null or t.ended_at <= t.due_at)",
    "tasks_failed": "t.state = 'failed' and t.ended_at >= w.begin and t.ended_at < w.ends",
    "tasks_due": "t.due_at >= w.begin and t.due_at < w.ends",
    "tasks_overdue": "t.due_at >= w.begin and t.due_at < w.ends and t.due_at < $4"
    " and (t.ended_at is null or t.ended_at > t.due_at)",
}
"""Which tasks of a person stand behind a figure; `$4` is the present moment."""


async def tasks(source: Source, people: Windows, now: datetime) -> dict[tuple[int, str], Sums]:
    """Tasks by owner and kind."""
    counted = ", ".join(f"count(*) filter (where {condition}) as {name}" for name, condition in TASK_FIGURES.items())
    rows = await source.fetch(
        f"select w.user_id, t.kind, {counted} {_OF_PEOPLE} join task t on t.owner_id = w.user_id and ("
        " (t.ended_at >= w.begin and t.ended_at < w.ends) or (t.due_at >= w.begin and t.due_at < w.ends))"
        " group by 1, 2",
        *_columns(people),
        now,
    )
    return {(r["user_id"], r["kind"]): {name: float(r[name]) for name in TASK_FIGURES} for r in rows}


async def touches(source: Source, people: Windows) -> dict[tuple[int, str, str], int]:
    """Touches by person, kind and direction."""
    rows = await source.fetch(
        f"select w.user_id, t.kind, t.direction, count(*) as n {_OF_PEOPLE} join touch t"
        " on t.user_id = w.user_id and t.at >= w.begin and t.at < w.ends group by 1, 2, 3",
        *_columns(people),
    )
    return {(r["user_id"], r["kind"], r["direction"]): r["n"] for r in rows}


def _columns(people: Windows) -> tuple[list[int], list[datetime], list[datetime]]:
    return list(people), [begin for begin, _ in people.values()], [end for _, end in people.values()]


_COUNTED = ", ".join(
    f"count(*) filter (where {condition}) as {name}"
    for name, condition in COMPANY_FIGURES.items()
    if not name.endswith("_seconds")
)
_SECONDS = (
    "coalesce(sum(c.talk_us), 0) / 1e6 as talk_seconds, coalesce(sum(c.wait_us), 0) / 1e6 as wait_seconds,"
    " coalesce(sum(c.wait_us) filter (where c.result in ('answered', 'lost_in_transfer')), 0) / 1e6"
    " as wait_answered_seconds"
)
COUNTS = "c.kind = 'client' and c.state = 'ended' and c.merged_into is null"
"""Which calls are in the figures of the company (`gateway.domain.figures.counts`)."""


def _sums(row: Mapping[str, object], *keys: str) -> Sums:
    return {name: float(str(value)) for name, value in row.items() if name not in keys}


async def by_channel(source: Source, by: ChannelBy, begin: datetime, end: datetime) -> dict[Channel, Sums]:
    """Calls in by the number that was called, or by where the card says its client came from."""
    if by is ChannelBy.DID:
        key, joined = "'' as kind, coalesce(c.did, '') as name", ""
    else:
        key = "coalesce(k.source_kind, '') as kind, coalesce(k.source_name, '') as name"
        joined = "left join contact k on k.id = c.contact_id"
    rows = await source.fetch(
        f"select {key}, {_COUNTED}, {_SECONDS} from call c {joined} where {COUNTS} and c.direction = 'inbound'"
        " and c.started_at >= $1 and c.started_at < $2 group by 1, 2",
        begin,
        end,
    )
    return {Channel(kind=r["kind"], name=r["name"]): _sums(r, "kind", "name") for r in rows}


LEADS = """with met as (
    select c.contact_id, c.started_at as at, coalesce(c.did, '') as did, c.id::text as id, true as by_call
    from call c where c.kind = 'client' and c.state = 'ended' and c.merged_into is null and c.direction = 'inbound'
        and c.contact_id is not null and c.started_at >= $1 and c.started_at < $2
    union all
    select t.contact_id, t.at, '', t.id::text, false from touch t
    where t.direction = 'inbound' and t.contact_id is not null and t.at >= $1 and t.at < $2
), firsts as (select distinct on (contact_id) * from met order by contact_id, at, id),
leads as (
    select f.*, coalesce(k.source_kind, '') as source_kind, coalesce(k.source_name, '') as source_name
    from firsts f join contact k on k.id = f.contact_id
    where not exists (select from call e where e.contact_id = f.contact_id and e.kind = 'client'
            and e.merged_into is null and e.started_at < f.at)
        and not exists (select from touch e where e.contact_id = f.contact_id and e.direction = 'inbound'
            and e.at < f.at)
)"""
"""Clients whose first contact with us lies in a span and was theirs: a call in, a form, a visit."""


async def leads(source: Source, by: ChannelBy, begin: datetime, end: datetime) -> dict[Channel, int]:
    """New clients by the channel of their first contact."""
    key = "'' as kind, did as name" if by is ChannelBy.DID else "source_kind as kind, source_name as name"
    rows = await source.fetch(
        f"{LEADS} select {key}, count(*) as n from leads where $3::text <> 'did' or by_call group by 1, 2",
        begin,
        end,
        by.value,
    )
    return {Channel(kind=r["kind"], name=r["name"]): r["n"] for r in rows}


async def spends(source: Source, by: ChannelBy, period: Period) -> list[Spend]:
    """What was entered for channels of a kind and touches a period."""
    rows = await source.fetch(
        "select kind, name, since, until, amount, currency from spend"
        " where channel_by = $1 and removed_at is null and since <= $3 and until >= $2 order by id",
        by.value,
        period.first,
        period.last,
    )
    return [
        Spend(
            channel=Channel(kind=r["kind"], name=r["name"]),
            days=Period(first=r["since"], last=r["until"]),
            amount=r["amount"],
            currency=r["currency"],
        )
        for r in rows
    ]


async def by_hour(
    source: Source, begin: datetime, end: datetime, zone: ZoneInfo, direction: str | None
) -> dict[tuple[int, int], Sums]:
    """Calls by day of the week (1: Monday) and hour of the company's clock."""
    rows = await source.fetch(
        "select extract(isodow from c.started_at at time zone $3)::int as weekday,"
        f" extract(hour from c.started_at at time zone $3)::int as hour, {_COUNTED}, {_SECONDS} from call c"
        f" where {COUNTS} and c.started_at >= $1 and c.started_at < $2 and ($4::text is null or c.direction = $4)"
        " group by 1, 2",
        begin,
        end,
        zone.key,
        direction,
    )
    return {(r["weekday"], r["hour"]): _sums(r, "weekday", "hour") for r in rows}


def _first(step: Step, column: str) -> str:
    """The first day of the unit in which a day lies, cut at the span's begin."""
    return f"greatest($1::date, date_trunc('{step.value}', {column}::timestamp)::date)"


async def company_over_time(source: Source, period: Period, step: Step, direction: str | None) -> dict[date, Sums]:
    """The company's figures by day, week or month."""
    rows = await source.fetch(
        f"select {_first(step, 'day')} as first, sum(calls) as calls, sum(answered) as answered,"
        " sum(missed) as missed, sum(lost) as lost, sum(calls) filter (where direction = 'inbound') as calls_in,"
        " sum(calls) filter (where direction = 'outbound') as calls_out, sum(talk_us) / 1e6 as talk_seconds,"
        " sum(wait_us) / 1e6 as wait_seconds"
        " from company_day where day between $1 and $2 and ($3::text is null or direction = $3) group by 1",
        period.first,
        period.last,
        direction,
    )
    return {r["first"]: {n: float(v or 0) for n, v in r.items() if n != "first"} for r in rows}


async def person_over_time(
    source: Source, period: Period, step: Step, user: int, direction: str | None
) -> dict[date, Sums]:
    """A person's figures by day, week or month; distinct numbers counted anew for each."""
    first = _first(step, "day")
    rows = await source.fetch(
        f"select {first} as first, sum(calls) as calls, sum(answered) as answered, sum(missed) as missed,"
        " sum(calls) filter (where direction = 'inbound') as calls_in,"
        " sum(calls) filter (where direction = 'outbound') as calls_out,"
        " sum(not_taken) as not_taken, sum(lost) as lost, sum(talk_us) / 1e6 as talk_seconds,"
        " sum(wait_us) / 1e6 as wait_seconds from manager_day"
        " where day between $1 and $2 and user_id = $3 and ($4::text is null or direction = $4) group by 1",
        period.first,
        period.last,
        user,
        direction,
    )
    found = {r["first"]: {n: float(v or 0) for n, v in r.items() if n != "first"} for r in rows}
    numbers = await source.fetch(
        f"select {first} as first, sum(width_bucket(day_number({first} - 1), before))::int as numbers,"
        f" sum(width_bucket(day_number({first} - 1), before_long))::int as numbers_long from distinct_day"
        " where day between $1 and $2 and user_id = $3 and direction = $4 group by 1",
        period.first,
        period.last,
        user,
        direction or "any",
    )
    for row in numbers:
        sums = found.setdefault(row["first"], {})
        sums["numbers"], sums["numbers_long"] = float(row["numbers"]), float(row["numbers_long"])
    return found


TEAM_JOIN = (
    "join unnest($1::bigint[], $2::date[], $3::date[]) as t(user_id, since, until)"
    " on t.user_id = m.user_id and m.day between t.since and t.until"
)
"""Parts of a team's members on the days of their membership."""


def team_arrays(members: Sequence[Member]) -> tuple[list[int], list[date], list[date]]:
    """Memberships as `TEAM_JOIN` takes them."""
    return [m.user_id for m in members], [m.since for m in members], [m.until for m in members]


async def team_over_time(
    source: Source,
    period: Period,
    step: Step,
    members: Sequence[Member],
    direction: str | None,
    *,
    long_seconds: int,
) -> dict[date, Sums]:
    """A team's figures by day, week or month: a call and a number that several members had count once."""
    first = f"greatest($4::date, date_trunc('{step.value}', m.day::timestamp)::date)"
    rows = await source.fetch(
        f"select {first} as first, count(distinct m.call_id) as calls,"
        " count(distinct m.call_id) filter (where m.direction = 'inbound') as calls_in,"
        " count(distinct m.call_id) filter (where m.direction = 'outbound') as calls_out,"
        " count(distinct m.call_id) filter (where m.answered) as answered,"
        " count(distinct m.call_id) filter (where m.missed) as missed,"
        " count(distinct m.call_id) filter (where m.not_taken) as not_taken,"
        " count(distinct m.call_id) filter (where m.lost) as lost,"
        " sum(m.talk_us) / 1e6 as talk_seconds, sum(m.wait_us) / 1e6 as wait_seconds,"
        ' count(distinct m.number collate "C") as numbers,'
        ' count(distinct m.number collate "C") filter (where m.talk_us > $7) as numbers_long'
        f" from call_manager m {TEAM_JOIN} where m.counted and m.day between $4 and $5"
        " and ($6::text is null or m.direction = $6) group by 1",
        *team_arrays(members),
        period.first,
        period.last,
        direction,
        long_seconds * 1_000_000,
    )
    return {r["first"]: _sums(r, "first") for r in rows}


async def team_by_hour(
    source: Source, period: Period, members: Sequence[Member], zone: ZoneInfo, direction: str | None
) -> dict[tuple[int, int], Sums]:
    """A team's calls by day of the week and hour of the company's clock: one that several members had counts once."""
    rows = await source.fetch(
        "select extract(isodow from m.started_at at time zone $7)::int as weekday,"
        " extract(hour from m.started_at at time zone $7)::int as hour, count(distinct m.call_id) as calls,"
        " count(distinct m.call_id) filter (where m.answered) as answered,"
        " count(distinct m.call_id) filter (where m.missed) as missed,"
        " count(distinct m.call_id) filter (where m.lost) as lost, sum(m.talk_us) / 1e6 as talk_seconds,"
        " sum(m.wait_us) / 1e6 as wait_seconds,"
        " coalesce(sum(m.wait_us) filter (where m.answered), 0) / 1e6 as wait_answered_seconds"
        f" from call_manager m {TEAM_JOIN} where m.counted and m.day between $4 and $5"
        " and ($6::text is null or m.direction = $6) group by 1, 2",
        *team_arrays(members),
        period.first,
        period.last,
        direction,
        zone.key,
    )
    return {(r["weekday"], r["hour"]): _sums(r, "weekday", "hour") for r in rows}
