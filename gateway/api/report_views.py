"""Reports as the API shows them, and the questions that are asked of them."""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.api.calls import CallView
from gateway.api.fields import CursorText, Day, Incoming, Limit, Outgoing, RowId
from gateway.api.missed_views import MissedView
from gateway.api.routing import API_PREFIX
from gateway.domain.call import Direction
from gateway.domain.periods import PeriodName, Step
from gateway.domain.report_table import Cell, Line, Table
from gateway.domain.spend import ChannelBy
from gateway.domain.trends import Spot, Verdict, slope, verdict
from gateway.settings import Language


class Format(StrEnum):
    """How a report is given."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class PeriodQuery(Incoming):
    """Which days, compared with which, and how."""

    period: PeriodName = Field(default=PeriodName.TODAY, description="`dates` goes with since and until")
    since: Day | None = Field(default=None, description="of any dates")
    until: Day | None = Field(default=None, description="of any dates, itself included; left out: today")
    compare: bool = Field(default=True, description="whether the period before is counted too")
    format: Format = Format.JSON
    language: Language | None = Field(default=None, description="of a file's header; left out: the company's")


FigureName = Annotated[str, Field(pattern=r"^[a-z_]{1,40}(\.[^\x00-\x1f\x7f]{1,60})?$")]


class RatingQuery(PeriodQuery):
    """Whose ratings, by what."""

    by: FigureName = Field(default="calls", description="the figure that orders them")
    team: RowId | None = Field(default=None, description="left out: every manager")
    direction: Direction | None = Field(default=None, description="of calls")


class PeopleQuery(PeriodQuery):
    """Whose."""

    user: RowId | None = Field(default=None, description="left out: everybody whom I may see")
    team: RowId | None = None


class StatesQuery(PeopleQuery):
    """Whose states."""

    step: Step = Field(default=Step.DAY, description="of one line")


class ChannelQuery(PeriodQuery):
    """Which channels."""

    by: ChannelBy = ChannelBy.DID


class SeriesQuery(PeriodQuery):
    """Whose figures over time."""

    step: Step = Step.DAY
    user: RowId | None = None
    team: RowId | None = Field(default=None, description="with neither user nor team: the company's")
    direction: Direction | None = None


class CompanyQuery(PeriodQuery):
    """Whose calls."""

    team: RowId | None = Field(default=None, description="left out: the whole company's")


class HoursQuery(CompanyQuery):
    """Which calls by hour of the week."""

    direction: Direction | None = None


class SpotQuery(Incoming):
    """Whose problem spots."""

    user: RowId
    team: RowId | None = Field(default=None, description="with whom he is compared; left out: every manager")
    period: PeriodName = PeriodName.MONTH
    since: Day | None = None
    until: Day | None = None


class RowFigure(StrEnum):
    """Figures that open into rows."""

    CALLS = "calls"
    ANSWERED = "answered"
    MISSED = "missed"
    NOT_TAKEN = "not_taken"
    LOST = "lost"
    TALK_SECONDS = "talk_seconds"
    WAIT_SECONDS = "wait_seconds"
    NUMBERS = "numbers"
    NUMBERS_LONG = "numbers_long"
    CALLS_LONG = "calls_long"
    OUTCOMES = "outcomes"
    LEADS = "leads"
    TASKS_DONE = "tasks_done"
    TASKS_IN_TIME = "tasks_in_time"
    TASKS_FAILED = "tasks_failed"
    TASKS_DUE = "tasks_due"
    TASKS_OVERDUE = "tasks_overdue"
    TOUCHES = "touches"
    RETURNED = "returned"
    RETURNED_IN_TIME = "returned_in_time"
    RETURNED_LATER = "returned_later"
    RETURNED_NEVER = "returned_never"


class RowsQuery(Incoming):
    """What a figure counts."""

    figure: RowFigure
    since: Day = Field(description="the first day")
    until: Day = Field(description="the last day, itself included")
    user: RowId | None = None
    team: RowId | None = None
    direction: Direction | None = None
    seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="of long talks; left out: those of the settings"
    )
    kind: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        default=None, description="of outcomes, tasks or touches"
    )
    by: ChannelBy | None = None
    channel_kind: Annotated[str, Field(max_length=200)] = ""
    channel: Annotated[str, Field(max_length=200)] = ""
    weekday: Annotated[int, Field(ge=1, le=7)] | None = Field(default=None, description="1: Monday")
    hour: Annotated[int, Field(ge=0, le=23)] | None = Field(default=None, description="of the company's clock")
    limit: Limit = 50
    cursor: CursorText | None = None


class CellView(Outgoing):
    """A figure."""

    value: float | None = Field(description="null: there is nothing to divide by")
    before: float | None = Field(description="in the period before")
    percent: float | None = Field(description="how much it moved; null: from nothing, or not compared")
    verdict: Verdict | None = Field(description="which side it moved to: good, bad, neutral, same")
    rows: str | None = Field(description="address of what it counts; null: it is computed from others")


class LineView(Outgoing):
    """One line."""

    key: dict[str, str | int | None]
    name: str
    place: int | None
    cells: dict[str, CellView]


class TrendView(Outgoing):
    """Where a figure goes over the points of a series."""

    slope: float = Field(description="what it gains from point to point, by least squares")
    verdict: Verdict


class ReportView(Outgoing):
    """A report."""

    report: str
    since: date
    until: date
    before_since: date | None
    before_until: date | None
    at: datetime
    columns: tuple[str, ...]
    lines: tuple[LineView, ...]
    total: LineView | None
    medians: dict[str, float]
    trends: dict[str, TrendView]


class SpotView(Outgoing):
    """A figure in which somebody is clearly worse than the middle of his colleagues."""

    figure: str
    value: float
    median: float
    percent: float
    place: int
    of: int
    rows: str | None


class SpotList(Outgoing):
    """Problem spots, the worst first."""

    user: int
    since: date
    until: date
    items: tuple[SpotView, ...]


class TaskRowView(Outgoing):
    """A task behind a figure."""

    id: int
    kind: str
    state: str
    title: str
    owner: int | None
    contact: int | None
    due_at: datetime | None
    ended_at: datetime | None


class TouchRowView(Outgoing):
    """A touch behind a figure."""

    id: UUID
    kind: str
    direction: str
    at: datetime
    user: int | None
    contact: int | None


class MissedFate(StrEnum):
    """How a missed client came out."""

    IN_TIME = "returned_in_time"
    LATER = "returned_later"
    NEVER = "returned_never"


class ReportRowView(Outgoing):
    """One thing that a figure counts: a call (with a person's part), a task, a touch or a missed client."""

    at: datetime
    call: CallView | None
    day: date | None
    extension: str | None
    talk_seconds: float | None
    wait_seconds: float | None
    task: TaskRowView | None
    touch: TouchRowView | None
    missed: MissedView | None
    fate: MissedFate | None = Field(description="of a missed client")


class RowPlace(Incoming):
    """Where a page of rows ends."""

    at: datetime
    id: str
    extension: str


def _cell_view(cell: Cell) -> CellView:
    return CellView(
        value=_tidy(cell.value),
        before=_tidy(cell.before),
        percent=cell.percent,
        verdict=cell.verdict,
        rows=None if cell.rows is None else API_PREFIX + cell.rows,
    )


def _tidy(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _line_view(line: Line) -> LineView:
    cells = {name: _cell_view(cell) for name, cell in line.cells.items()}
    return LineView(key=dict(line.key), name=line.name, place=line.place, cells=cells)


def _trends(table: Table) -> Iterator[tuple[str, TrendView]]:
    for name in table.columns:
        values = [line.cells[name].value for line in table.lines]
        known = [value for value in values if value is not None]
        if len(known) == len(values) > 1:
            gain = round(slope(known), 6)
            yield name, TrendView(slope=gain, verdict=verdict(name, gain))


def report_view(table: Table, *, at: datetime, trends: bool = False) -> ReportView:
    """A report as it is shown."""
    return ReportView(
        report=table.report,
        since=table.period.first,
        until=table.period.last,
        before_since=table.before.first if table.before else None,
        before_until=table.before.last if table.before else None,
        at=at,
        columns=table.columns,
        lines=tuple(map(_line_view, table.lines)),
        total=_line_view(table.total) if table.total else None,
        medians=dict(table.medians),
        trends=dict(_trends(table)) if trends else {},
    )


def spot_view(spot: Spot, rows: str | None) -> SpotView:
    """A problem spot as it is shown."""
    return SpotView(
        figure=spot.figure,
        value=spot.value,
        median=spot.median,
        percent=spot.percent,
        place=spot.place,
        of=spot.of,
        rows=None if rows is None else API_PREFIX + rows,
    )
