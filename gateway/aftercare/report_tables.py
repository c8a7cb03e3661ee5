"""The reports: ratings, channels, tasks, communication, the company, figures over time, hours, problem spots.

Each is a `Table` of the same shape, counted by the same statements that `/statistics` reads; every figure that is
counted carries the address of its rows. The period before is counted the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from gateway.aftercare.goal_history import Past, past
from gateway.aftercare.goal_progress import Office, Source, members_of
from gateway.domain.periods import Period, Step, day_of, units_of
from gateway.domain.report_table import Line, Table, cells, derived, medians, ranked
from gateway.domain.spend import Channel, ChannelBy, cost_per, spent
from gateway.domain.trends import GOOD_WHEN, Spot, problem_spots
from gateway.store import report_sums

RATING = (
    "calls", "calls_in", "calls_out", "answered", "missed", "missed_share", "not_taken", "lost", "talk_seconds",
    "average_talk_seconds", "average_wait_seconds", "talk_share", "numbers", "numbers_long", "long_share",
    "goals_reached", "touches", "tasks_done", "tasks_in_time", "tasks_failed", "tasks_due", "tasks_overdue",
    "overdue_share",
)  # fmt: skip
CHANNEL = ("calls", "answered", "missed", "missed_share", "lost", "talk_seconds", "leads")
COMPANY = ("calls", "answered", "missed", "missed_share", "lost", "talk_seconds", "average_talk_seconds")
HOUR = ("calls", "answered", "missed", "missed_share", "lost", "talk_seconds", "average_wait_seconds")
TASK = ("tasks_done", "tasks_in_time", "tasks_failed", "tasks_due", "tasks_overdue", "overdue_share")
SPOTS = (
    "calls_out", "missed_share", "lost", "talk_seconds", "average_wait_seconds", "talk_share", "numbers_long",
    "long_share", "goals_reached", "tasks_overdue", "overdue_share",
)  # fmt: skip
OF_PERSON = frozenset(
    {"calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds", "numbers", "numbers_long"}
)
_DIRECTED = {"calls_in": ("calls", "inbound"), "calls_out": ("calls", "outbound")}


def address(figure: str, period: Period, **query: str | int | None) -> str:
    """Where a figure opens, below the prefix of the API."""
    given = {"figure": figure, "since": period.first, "until": period.last, **query}
    return f"/reports/rows?{urlencode({name: value for name, value in given.items() if value is not None})}"


def _opens(figures: Iterable[str], period: Period, direction: str | None, **whose: str | int | None) -> dict[str, str]:
    """The addresses of counted figures."""
    found = {}
    for name in figures:
        figure, way = _DIRECTED.get(name, (name, direction))
        kind = None
        if "." in figure:
            figure, _, kind = figure.partition(".")
        if figure not in GOOD_WHEN or figure.endswith(("_share", "_long_share")) or figure.startswith("average_"):
            continue
        way = way if figure in OF_PERSON else None
        found[name] = address(figure, period, **{"direction": way, "kind": kind, **whose})
    return found


async def person_figures(
    source: Source, office: Office, period: Period, users: Sequence[int], direction: str | None, now: datetime
) -> dict[int, dict[str, float | None]]:
    """Every figure of some people in a period.

    Args:
        source: where to read.
        office: from `read_office`.
        period: their local days.
        users: whose; each gets an entry.
        direction: of calls; None: both.
        now: the present moment, by which tasks are overdue and working time has passed.
    """
    zones = {user: office.zone_of(user) for user in users}
    people = report_sums.windows(period, zones)
    sums = await report_sums.by_person(source, period, users, direction)
    found: dict[int, dict[str, float]] = {user: dict(sums.get(user, {})) for user in users}
    for user, (begin, end) in people.items():
        found[user] = dict.fromkeys(_PERSON_ZEROS, 0.0) | found[user]
        found[user]["working_seconds"] = office.working(user)(begin, min(end, now)) if now > begin else 0.0
    for (user, kind), counted in (await report_sums.tasks(source, people, now)).items():
        for name, value in counted.items():
            found[user][name] = found[user].get(name, 0.0) + value
            if value:
                found[user][f"{name}.{kind}"] = value
    for (user, kind, _), number in (await report_sums.touches(source, people)).items():
        for name in ("touches", f"touches.{kind}"):
            found[user][name] = found[user].get(name, 0.0) + number
    for entry in await goals_of(source, office, period, users, day_of(now, office.zone)):
        if entry.reached and entry.user_id is not None:
            found[entry.user_id]["goals_reached"] += 1
    return {user: derived(figures) for user, figures in found.items()}


_PERSON_ZEROS = (
    "calls", "calls_in", "calls_out", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds",
    "wait_answered_seconds", "numbers", "numbers_long", "goals_reached", "touches", *report_sums.TASK_FIGURES,
)  # fmt: skip


async def goals_of(
    source: Source, office: Office, period: Period, users: Sequence[int] | None, today: date
) -> list[Past]:
    """The periods of goals that end in a period of a report; one that still runs ends today."""
    found = []
    for goal in office.goals:
        found += await past(source, office, goal, period, today=today, users=users)
    return [entry for entry in found if period.first <= min(entry.period.last, today) <= period.last]


async def ratings(
    source: Source,
    office: Office,
    period: Period,
    before: Period | None,
    users: Sequence[int],
    *,
    by: str,
    direction: str | None,
    now: datetime,
) -> Table:
    """Managers by their figures, the best first: by calls, minutes, goals, kinds of communication, tasks.

    Args:
        source: where to read.
        office: from `read_office`.
        period: which days.
        before: what it is compared with; None: nothing.
        users: whose figures.
        by: the figure that orders them.
        direction: of calls; None: both.
        now: the present moment.
    """
    figures = await person_figures(source, office, period, users, direction, now)
    earlier = await person_figures(source, office, before, users, direction, now) if before else {}
    kinds = {name for own in (*figures.values(), *earlier.values()) for name in own if "." in name}
    columns = (*RATING, *sorted(kinds))
    lines, everybody = [], _opens(columns, period, direction)
    for user in users:
        opens = {name: f"{rows}&user={user}" for name, rows in everybody.items()}
        opens["goals_reached"] = f"/goals/reached?user={user}&since={period.first}&until={period.last}"
        lines.append(
            Line(
                key={"user": user},
                name=office.people[user].name,
                cells=cells(columns, figures[user], earlier.get(user), opens),
            )
        )
    by = by if by in columns else "calls"
    return Table(
        report="ratings",
        period=period,
        before=before,
        columns=columns,
        lines=ranked(lines, by, least_first=GOOD_WHEN.get(by.partition(".")[0], 1) < 0),
        medians=medians(lines, columns),
    )


async def channels(source: Source, office: Office, by: ChannelBy, period: Period, before: Period | None) -> Table:
    """Calls in, new clients and what they cost, by our number or by where clients come from."""
    now = await _channel_figures(source, office, by, period)
    earlier = await _channel_figures(source, office, by, before) if before else {}
    money = sorted({n for own in (*now.values(), *earlier.values()) for n in own if "." in n})
    columns = (*CHANNEL, *money)
    lines = []
    for channel in sorted({*now, *earlier}):
        named = {"by": by.value, "channel_kind": channel.kind or None, "channel": channel.name}
        opens = _opens(CHANNEL, period, "inbound", **named)
        opens |= {n: f"/spend?since={period.first}&until={period.last}&by={by.value}" for n in money if "spend." in n}
        before_it = earlier.get(channel, {}) if before else None
        line = cells(columns, now.get(channel, {}), before_it, opens)
        lines.append(Line(key={"kind": channel.kind, "name": channel.name}, name=channel.name, cells=line))
    lines = sorted(lines, key=lambda line: (-(line.cells["calls"].value or 0.0), line.name))
    total = Line(key={}, name="", cells=cells(columns, _added(now), _added(earlier) if before else None, {}))
    return Table(report="channels", period=period, before=before, columns=columns, lines=tuple(lines), total=total)


async def _channel_figures(
    source: Source, office: Office, by: ChannelBy, period: Period
) -> dict[Channel, dict[str, float | None]]:
    begin, end = period.bounds(office.zone)
    found: dict[Channel, dict[str, float]] = {
        channel: dict(sums) for channel, sums in (await report_sums.by_channel(source, by, begin, end)).items()
    }
    for channel, number in (await report_sums.leads(source, by, begin, end)).items():
        found.setdefault(channel, {})["leads"] = number
    costs = spent(await report_sums.spends(source, by, period), period)
    shown = {channel: derived(found.get(channel, {})) for channel in {*found, *costs}}
    for channel, sums in costs.items():
        _priced(shown[channel], sums)
    return shown


def _priced(figures: dict[str, float | None], sums: Mapping[str, Decimal]) -> None:
    """Add what was spent, in all and for each new client and answered call, by currency."""
    for currency, amount in sums.items():
        figures[f"spend.{currency}"] = float(amount)
        for name, count in (("cost_per_lead", "leads"), ("cost_per_answered", "answered")):
            cost = cost_per(amount, int(figures.get(count) or 0))
            figures[f"{name}.{currency}"] = None if cost is None else float(cost)


def _added(lines: Mapping[Channel, Mapping[str, float | None]]) -> dict[str, float | None]:
    """All channels together: a call, a client and a sum belong to one of them only."""
    sums: dict[str, float] = {}
    for line in lines.values():
        for name, value in line.items():
            if not name.endswith("_share") and not name.startswith(("average_", "cost_per")):
                sums[name] = sums.get(name, 0.0) + (value or 0.0)
    money = {n.partition(".")[2]: Decimal(str(round(v, 2))) for n, v in sums.items() if n.startswith("spend.")}
    found = derived(sums)
    _priced(found, money)
    return found


async def company(
    source: Source, office: Office, period: Period, before: Period | None, team: int | None = None
) -> Table:
    """The company's or a team's calls by direction; a call counts once, however many managers had a part."""
    lines = []
    for direction in ("inbound", "outbound", None):
        now, earlier = [
            derived(await _company_sums(source, office, days, direction, team)) if days else None
            for days in (period, before)
        ]
        opens = _opens(COMPANY, period, direction, team=team)
        lines.append(
            Line(key={"direction": direction}, name=direction or "", cells=cells(COMPANY, now or {}, earlier, opens))
        )
    return Table(
        report="company", period=period, before=before, columns=COMPANY, lines=tuple(lines[:2]), total=lines[2]
    )


async def _company_sums(
    source: Source, office: Office, period: Period, direction: str | None, team: int | None
) -> dict[str, float]:
    found: dict[str, float] = {}
    if team is None:
        units = await report_sums.company_over_time(source, period, Step.YEAR, direction)
    else:
        members, long = members_of(office.teams[team], period), office.long_seconds
        units = await report_sums.team_over_time(source, period, Step.YEAR, members, direction, long_seconds=long)
    for sums in units.values():
        for name, value in sums.items():
            found[name] = found.get(name, 0.0) + value
    return found


async def over_time(
    source: Source,
    office: Office,
    period: Period,
    step: Step,
    *,
    user: int | None = None,
    team: int | None = None,
    direction: str | None = None,
) -> Table:
    """Figures by day, week or month: of a person, a team, or the company. Points without a call are zero."""
    columns: tuple[str, ...] = ("calls", "calls_in", "calls_out", "answered", "missed", "missed_share", "lost")
    columns += ("talk_seconds", "average_talk_seconds")
    if user is None and team is None:
        found = await report_sums.company_over_time(source, period, step, direction)
    else:
        columns += ("not_taken", "numbers", "numbers_long")
        if user is not None:
            found = await report_sums.person_over_time(source, period, step, user, direction)
        else:
            found = await report_sums.team_over_time(
                source,
                period,
                step,
                members_of(office.teams[team or 0], period),
                direction,
                long_seconds=office.long_seconds,
            )
    lines, last = [], None
    for unit in units_of(step, period):
        now = derived({**dict.fromkeys(("answered", "missed", "wait_seconds"), 0.0), **found.get(unit.first, {})})
        opens = _opens(columns, unit, direction, user=user, team=team)
        key: dict[str, str | int | None] = {"since": unit.first.isoformat(), "until": unit.last.isoformat()}
        lines.append(Line(key=key, name=unit.first.isoformat(), cells=cells(columns, now, last, opens)))
        last = now
    return Table(report="series", period=period, before=None, columns=columns, lines=tuple(lines))


async def hours(
    source: Source, office: Office, period: Period, direction: str | None, team: int | None = None
) -> Table:
    """Calls by day of the week and hour of the company's clock: when the phones ring and nobody answers."""
    if team is None:
        found = await report_sums.by_hour(source, *period.bounds(office.zone), office.zone, direction)
    else:
        members = members_of(office.teams[team], period)
        found = await report_sums.team_by_hour(source, period, members, office.zone, direction)
    lines = []
    for weekday in range(1, 8):
        for hour in range(24):
            sums = derived({"calls": 0.0, "missed": 0.0, **found.get((weekday, hour), {})})
            opens = _opens(HOUR, period, direction, weekday=weekday, hour=hour, team=team)
            key = {"weekday": weekday, "hour": hour}
            lines.append(Line(key=key, name=f"{weekday} {hour:02}:00", cells=cells(HOUR, sums, None, opens)))
    return Table(report="hours", period=period, before=None, columns=HOUR, lines=tuple(lines))


async def tasks(
    source: Source,
    office: Office,
    period: Period,
    before: Period | None,
    users: Sequence[int],
    now: datetime,
    team: int | None = None,
) -> Table:
    """Tasks by kind: done, in time, failed, due, overdue; of people, or of those of a team."""
    whose = {"team": team} if team is not None else {"user": users[0]} if len(users) == 1 else {}
    figures, earlier = [
        await _task_figures(source, office, days, users, now) if days else {} for days in (period, before)
    ]
    lines = [
        Line(
            key={"kind": kind},
            name=kind,
            cells=cells(
                TASK,
                derived(figures.get(kind, {"tasks_due": 0.0})),
                derived(earlier.get(kind, {"tasks_due": 0.0})) if before else None,
                _opens(TASK, period, None, kind=kind, **whose),
            ),
        )
        for kind in sorted({*figures, *earlier})
    ]
    return Table(report="tasks", period=period, before=before, columns=TASK, lines=tuple(lines))


async def _task_figures(
    source: Source, office: Office, period: Period, users: Sequence[int], now: datetime
) -> dict[str, dict[str, float]]:
    people = report_sums.windows(period, {user: office.zone_of(user) for user in users})
    found: dict[str, dict[str, float]] = {}
    for (_, kind), counted in (await report_sums.tasks(source, people, now)).items():
        sums = found.setdefault(kind, {})
        for name, value in counted.items():
            sums[name] = sums.get(name, 0.0) + value
    return found


async def communication(
    source: Source,
    office: Office,
    period: Period,
    before: Period | None,
    users: Sequence[int],
    team: int | None = None,
) -> Table:
    """Touches by kind and direction, calls among them: on which ways clients are talked to."""
    figures, earlier = [await _touch_figures(source, office, days, users) if days else {} for days in (period, before)]
    one = users[0] if len(users) == 1 and team is None else None
    whose = {"team": team} if team is not None else {"user": one} if one is not None else {}
    lines = []
    for kind, direction in sorted({*figures, *earlier}):
        figure = "calls" if kind == "call" else "touches"
        opened = address(figure, period, direction=direction, kind=None if kind == "call" else kind, **whose)
        now = {"touches": figures.get((kind, direction), 0.0)}
        was = {"touches": earlier.get((kind, direction), 0.0)} if before else None
        rows = {} if kind == "call" and one is None else {"touches": opened}
        lines.append(
            Line(key={"kind": kind, "direction": direction}, name=kind, cells=cells(("touches",), now, was, rows))
        )
    return Table(report="communication", period=period, before=before, columns=("touches",), lines=tuple(lines))


async def _touch_figures(
    source: Source, office: Office, period: Period, users: Sequence[int]
) -> dict[tuple[str, str], float]:
    people = report_sums.windows(period, {user: office.zone_of(user) for user in users})
    found: dict[tuple[str, str], float] = {}
    for (_, kind, direction), number in (await report_sums.touches(source, people)).items():
        found[kind, direction] = found.get((kind, direction), 0.0) + number
    for sums in (await report_sums.by_person(source, period, users, None)).values():
        for direction, name in (("inbound", "calls_in"), ("outbound", "calls_out")):
            if sums.get(name):
                found["call", direction] = found.get(("call", direction), 0.0) + sums[name]
    return found


async def spots(
    source: Source, office: Office, period: Period, user: int, colleagues: Sequence[int], now: datetime
) -> tuple[list[Spot], Mapping[str, str]]:
    """Where somebody is clearly worse than the middle of his colleagues, with the addresses of the rows."""
    people = sorted({user, *colleagues})
    figures = await person_figures(source, office, period, people, None, now)
    compared = {who: {name: own.get(name) for name in SPOTS} for who, own in figures.items()}
    return problem_spots(user, compared), _opens(SPOTS, period, None, user=user)
