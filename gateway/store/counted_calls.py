"""The calls that stand behind a figure, as a condition of a list of calls.

The conditions are those of `gateway.store.report_rows`, which opens the figures of reports: of people by their parts of
calls on the days of their membership, of the company by the calls themselves. So a list has as many calls as the
figure says; only seconds are each manager's own, and a call in which two of them talked stands in a list once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.domain.spend import Channel, ChannelBy
from gateway.store.goal_amounts import Member
from gateway.store.reading import COMPANY_FIGURES
from gateway.store.report_sums import team_arrays
from gateway.store.reports import FIGURES, OF_NUMBERS

Add = Callable[..., None]
"""Adds a condition upon the call `c`; each `$` in it stands for the next value."""

OUTCOMES = "outcomes"
PART_FIGURES: frozenset[str] = frozenset({*FIGURES, OUTCOMES})


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCalls:
    """Only calls that a figure counts."""

    figure: str
    members: tuple[Member, ...] | None = None
    """Whose figure, on which of their days; None: the company's."""
    direction: str | None = None
    long_us: int = 0
    """Talk longer than this makes a call long, in microseconds."""
    outcome: str | None = None
    """Key or meaning of the outcome that `outcomes` counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekHours:
    """Only calls that began in an hour of the week by a clock; None: any."""

    weekday: int | None
    hour: int | None
    zone: ZoneInfo


def add_counted(add: Add, counted: CountedCalls) -> None:
    """Narrow a list to the calls behind a figure."""
    if counted.members is None:
        add(COMPANY_FIGURES[counted.figure])
        return
    users, since, until = team_arrays(counted.members)
    whose = (
        "join unnest($::bigint[], $::date[], $::date[]) as w(user_id, since, until)"
        " on w.user_id = m.user_id and m.day between w.since and w.until"
    )
    way = "($::text is null or m.direction = $)"
    if counted.figure == OUTCOMES:
        add(
            f"c.id in (select m.standing_id from outcome m join disposition d on d.id = m.disposition_id {whose}"
            f" where m.is_current and {way} and (d.key = $ or d.means = $))",
            *(users, since, until, counted.direction, counted.direction, counted.outcome, counted.outcome),
        )
        return
    counts = f"m.counted and {way} and {FIGURES[counted.figure].format(long=int(counted.long_us))}"
    values = (users, since, until, counted.direction, counted.direction)
    if counted.figure in OF_NUMBERS:  # of a number's several calls the longest stands for it
        add(
            f'c.id in (select n.call_id from (select distinct on (m.number collate "C") m.call_id from call_manager m'
            f' {whose} where {counts} order by m.number collate "C", m.talk_us desc, m.started_at) n)',
            *values,
        )
    else:
        add(f"exists (select from call_manager m {whose} where m.call_id = c.id and {counts})", *values)


def add_hours(add: Add, hours: WeekHours) -> None:
    """Narrow a list to an hour of the week."""
    parts: Mapping[str, int | None] = {"isodow": hours.weekday, "hour": hours.hour}
    for part, value in parts.items():
        if value is not None:
            add(f"extract({part} from c.started_at at time zone $) = $::int", hours.zone.key, value)


def add_channel(add: Add, by: ChannelBy, channel: Channel) -> None:
    """Narrow a list to a channel of the report of channels."""
    if by is ChannelBy.DID:
        add("coalesce(c.did, '') = $", channel.name)
        return
    add(
        "coalesce((select (coalesce(k.source_kind, ''), coalesce(k.source_name, '')) = ($, $) from contact k"
        " where k.id = c.contact_id), $::bool)",
        *(channel.kind, channel.name, channel == Channel(kind="", name="")),
    )
