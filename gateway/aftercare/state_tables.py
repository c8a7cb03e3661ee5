"""The report of states: how managers spent their days, as a `Table` like every other report.

Each figure opens into the intervals that it adds up, `GET /states/{user}/history`. What is counted is written in
docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from gateway.aftercare.goal_progress import Office
from gateway.domain.manager_states import State
from gateway.domain.periods import Period, Step, units_of
from gateway.domain.report_table import Line, Table, cells, derived
from gateway.store.database import Connection, Pool
from gateway.store.state_figures import StateDay, state_days

STATES = (*(f"{state}_seconds" for state in State), "occupancy")


async def states(
    source: Pool | Connection, office: Office, period: Period, step: Step, users: Sequence[int], now: datetime
) -> Table:
    """The time in each state, by person and day, week or month.

    Args:
        source: where to read.
        office: from `read_office`.
        period: the people's local days.
        step: of one line.
        users: whose; days on which nothing is known of somebody have no line.
        now: the present moment.

    Returns:
        A line for each person and unit. The first moment of being available and the last one of going off stand in
        the keys of lines of one day, by the person's own clock.
    """
    units = {unit.first: unit for unit in units_of(step, period)}
    zones = {user: office.zone_of(user) for user in users}
    found = await state_days(source, period, zones, now, step)
    lines = [_line(office, day, units[day.first], zones[day.user_id], step) for day in found]
    lines.sort(key=lambda line: (line.name, str(line.key["user"]), str(line.key["since"])))
    return Table(report="states", period=period, before=None, columns=STATES, lines=tuple(lines), total=_total(found))


def _line(office: Office, day: StateDay, unit: Period, zone: tzinfo, step: Step) -> Line:
    one_day = step is Step.DAY
    key: dict[str, str | int | None] = {
        "user": day.user_id,
        "since": unit.first.isoformat(),
        "until": unit.last.isoformat(),
        "first_available": _clock(day.first_available, zone) if one_day else None,
        "last_off": _clock(day.last_off, zone) if one_day else None,
    }
    opens = {f"{state}_seconds": _address(day.user_id, unit, state) for state in State}
    return Line(key=key, name=office.people[day.user_id].name, cells=cells(STATES, derived(day.seconds), None, opens))


def _total(days: Sequence[StateDay]) -> Line:
    sums: dict[str, float] = {}
    for day in days:
        for name, seconds in day.seconds.items():
            sums[name] = sums.get(name, 0.0) + seconds
    nothing: Mapping[str, str] = {}
    zeros = dict.fromkeys((f"{state}_seconds" for state in State), 0.0)
    return Line(key={}, name="", cells=cells(STATES, derived(zeros | sums), None, nothing))


def _clock(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).strftime("%H:%M:%S")


def _address(user: int, unit: Period, state: State) -> str:
    return f"/states/{user}/history?{urlencode({'since': unit.first, 'until': unit.last, 'state': state.value})}"
