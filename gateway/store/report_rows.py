"""What stands behind a figure of a report: calls, parts of calls, tasks and touches, the newest first, in pages.

Each question has the condition of the figure that it opens (`reports.FIGURES`, `COMPANY_FIGURES`, `TASK_FIGURES`,
`LEADS`), so there are as many rows as the figure says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.periods import Period
from gateway.domain.spend import ChannelBy
from gateway.store.database import Connection, Pool
from gateway.store.goal_amounts import Member
from gateway.store.reading import COMPANY_FIGURES
from gateway.store.report_sums import COUNTS, LEADS, TASK_FIGURES, TEAM_JOIN, Windows, team_arrays
from gateway.store.reports import FIGURES, OF_NUMBERS

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ends."""

    at: datetime
    id: str
    extension: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task behind a figure."""

    id: int
    kind: str
    state: str
    title: str
    owner_id: int | None
    contact_id: int | None
    due_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchRow:
    """A touch behind a figure."""

    id: UUID
    kind: str
    direction: str
    at: datetime
    user_id: int | None
    contact_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that a figure counts."""

    place: Place
    call_id: UUID | None = None
    day: date | None = None
    extension: str | None = None
    talk_us: int | None = None
    wait_us: int | None = None
    task: TaskRow | None = None
    touch: TouchRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekHour:
    """An hour of the week by a clock; None: any day, any hour."""

    weekday: int | None
    hour: int | None
    zone: ZoneInfo


async def parts(
    source: Source,
    members: Sequence[Member],
    period: Period,
    *,
    figure: str,
    direction: str | None,
    long_us: int,
    team: bool,
    after: Place | None,
    limit: int,
    hour: WeekHour,
) -> list[Row]:
    """Parts of calls behind a figure of a person or a team.

    Args:
        source: where to read.
        members: whose parts, on which days.
        period: which days.
        figure: a name of `FIGURES`.
        direction: None: both.
        long_us: talk longer than this makes a call long, in microseconds.
        team: whether a call or number that several had counts once; seconds of talk are each one's.
        after: the last row seen; None: the first page.
        limit: how many at most.
        hour: only calls that began in this hour of the week.
    """
    once = 'm.number collate "C"' if figure in OF_NUMBERS else "m.call_id"
    alone = figure.endswith("_seconds") or not (team or figure in OF_NUMBERS)
    distinct, order = ("", "") if alone else (f"distinct on ({once})", f"order by {once}, m.talk_us desc, m.started_at")
    rows = await source.fetch(
        f"select * from (select {distinct} m.call_id, m.extension, m.started_at, m.day, m.talk_us, m.wait_us"
        f" from call_manager m {TEAM_JOIN} where m.counted and m.day between $4 and $5"
        f" and ($6::text is null or m.direction = $6) and {FIGURES[figure].format(long=int(long_us))}"
        " and ($10::int is null or extract(isodow from m.started_at at time zone $12) = $10)"
        f" and ($11::int is null or extract(hour from m.started_at at time zone $12) = $11) {order}) as part"
        " where $7::timestamptz is null or (started_at, call_id, extension) < ($7, $8::uuid, $9)"
        f" order by started_at desc, call_id desc, extension desc limit {int(limit)}",
        *team_arrays(members),
        period.first,
        period.last,
        direction,
        *_after(after),
        hour.weekday,
        hour.hour,
        hour.zone.key,
    )
    return [
        Row(
            place=Place(at=r["started_at"], id=str(r["call_id"]), extension=r["extension"]),
            call_id=r["call_id"],
            day=r["day"],
            extension=r["extension"],
            talk_us=r["talk_us"],
            wait_us=r["wait_us"],
        )
        for r in rows
    ]


def _after(place: Place | None) -> tuple[datetime | None, UUID | None, str | None]:
    return (place.at, UUID(place.id), place.extension) if place else (None, None, None)


async def outcomes(
    source: Source,
    members: Sequence[Member],
    period: Period,
    *,
    kind: str,
    direction: str | None,
    after: Place | None,
    limit: int,
) -> list[Row]:
    """Calls with an outcome of a kind."""
    rows = await source.fetch(
        "select * from (select distinct on (m.standing_id) m.standing_id as call_id, c.started_at, m.day from outcome m"
        f" join disposition d on d.id = m.disposition_id join call c on c.id = m.standing_id {TEAM_JOIN}"
        " where m.is_current and m.day between $4 and $5 and ($6::text is null or m.direction = $6)"
        " and (d.key = $7 or d.means = $7) order by m.standing_id) as found"
        " where $8::timestamptz is null or (started_at, call_id) < ($8, $9::uuid)"
        f" order by started_at desc, call_id desc limit {int(limit)}",
        *team_arrays(members),
        period.first,
        period.last,
        direction,
        kind,
        *_after(after)[:2],
    )
    return [_call(r["started_at"], r["call_id"], r["day"]) for r in rows]


def _call(at: datetime, call: UUID, day: date | None = None) -> Row:
    return Row(place=Place(at=at, id=str(call)), call_id=call, day=day)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyScope:
    """Which calls of the company."""

    begin: datetime
    end: datetime
    zone: ZoneInfo
    direction: str | None = None
    channel_by: ChannelBy | None = None
    channel_kind: str = ""
    channel: str = ""
    weekday: int | None = None
    hour: int | None = None


_CHANNELS: Mapping[ChannelBy, str] = {
    ChannelBy.DID: "coalesce(c.did, '') = $6 and $5 = ''",
    ChannelBy.SOURCE: "(coalesce(k.source_kind, ''), coalesce(k.source_name, '')) = ($5, $6)",
}


async def calls(source: Source, scope: CompanyScope, *, figure: str, after: Place | None, limit: int) -> list[Row]:
    """Calls behind a figure of the company, a channel or an hour."""
    channel = _CHANNELS[scope.channel_by] if scope.channel_by else "$5 = '' and $6 = ''"
    joined = "left join contact k on k.id = c.contact_id" if scope.channel_by is ChannelBy.SOURCE else ""
    rows = await source.fetch(
        f"select c.id, c.started_at from call c {joined} where {COUNTS} and {COMPANY_FIGURES[figure]}"
        f" and c.started_at >= $1 and c.started_at < $2 and ($3::text is null or c.direction = $3) and {channel}"
        " and ($7::int is null or extract(isodow from c.started_at at time zone $4) = $7)"
        " and ($8::int is null or extract(hour from c.started_at at time zone $4) = $8)"
        " and ($9::timestamptz is null or (c.started_at, c.id) < ($9, $10::uuid))"
        f" order by c.started_at desc, c.id desc limit {int(limit)}",
        scope.begin,
        scope.end,
        scope.direction,
        scope.zone.key,
        scope.channel_kind,
        scope.channel,
        scope.weekday,
        scope.hour,
        *_after(after)[:2],
    )
    return [_call(r["started_at"], r["id"]) for r in rows]


_TOUCH = "t.id, t.kind, t.direction, t.at, t.user_id, t.contact_id"


async def leads(source: Source, scope: CompanyScope, *, after: Place | None, limit: int) -> list[Row]:
    """The first contacts of new clients of a channel: calls and touches."""
    if scope.channel_by is ChannelBy.DID:
        channel = "by_call and did = $4 and $3 = ''"
    elif scope.channel_by is ChannelBy.SOURCE:
        channel = "(source_kind, source_name) = ($3, $4)"
    else:
        channel = "$3 = '' and $4 = ''"
    rows = await source.fetch(
        f"{LEADS} select by_call, at, id from leads where {channel}"
        " and ($5::timestamptz is null or (at, id) < ($5, $6::text))"
        f" order by at desc, id desc limit {int(limit)}",
        scope.begin,
        scope.end,
        scope.channel_kind,
        scope.channel,
        after.at if after else None,
        after.id if after else None,
    )
    touched = await source.fetch(
        f"select {_TOUCH} from touch t where t.id = any($1::uuid[])", [UUID(r["id"]) for r in rows if not r["by_call"]]
    )
    known = {str(r["id"]): TouchRow(**dict(r)) for r in touched}
    return [
        _call(r["at"], UUID(r["id"]))
        if r["by_call"]
        else Row(place=Place(at=r["at"], id=r["id"]), touch=known[r["id"]])
        for r in rows
    ]


_OF_PEOPLE = "from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as w(user_id, begin, ends)"


async def tasks(
    source: Source,
    people: Windows,
    *,
    figure: str,
    kind: str | None,
    now: datetime,
    after: Place | None,
    limit: int,
) -> list[Row]:
    """Tasks behind a figure, the last due or ended first."""
    at = "t.due_at" if figure in ("tasks_due", "tasks_overdue") else "t.ended_at"
    rows = await source.fetch(
        f"select t.id, t.kind, t.state, t.title, t.owner_id, t.contact_id, t.due_at, t.ended_at, {at} as at"
        f" {_OF_PEOPLE} join task t on t.owner_id = w.user_id and {TASK_FIGURES[figure]}"
        " where ($5::text is null or t.kind = $5) and $4::timestamptz is not null"
        f" and ($6::timestamptz is null or ({at}, t.id) < ($6, $7::bigint))"
        f" order by {at} desc, t.id desc limit {int(limit)}",
        list(people),
        [begin for begin, _ in people.values()],
        [end for _, end in people.values()],
        now,
        kind,
        after.at if after else None,
        int(after.id) if after else None,
    )
    return [
        Row(
            place=Place(at=r["at"], id=str(r["id"])),
            task=TaskRow(**{name: r[name] for name in TaskRow.__slots__}),
        )
        for r in rows
    ]


async def touches(
    source: Source,
    people: Windows,
    *,
    kind: str | None,
    direction: str | None,
    after: Place | None,
    limit: int,
) -> list[Row]:
    """Touches behind a figure."""
    rows = await source.fetch(
        f"select {_TOUCH} {_OF_PEOPLE} join touch t on t.user_id = w.user_id and t.at >= w.begin and t.at < w.ends"
        " where ($4::text is null or t.kind = $4) and ($5::text is null or t.direction = $5)"
        " and ($6::timestamptz is null or (t.at, t.id) < ($6, $7::uuid))"
        f" order by t.at desc, t.id desc limit {int(limit)}",
        list(people),
        [begin for begin, _ in people.values()],
        [end for _, end in people.values()],
        kind,
        direction,
        *_after(after)[:2],
    )
    return [Row(place=Place(at=r["at"], id=str(r["id"])), touch=TouchRow(**dict(r))) for r in rows]
