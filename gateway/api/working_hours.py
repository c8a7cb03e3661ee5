"""Working hours: of the company, of one of our numbers, of a person. Deadlines run within them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field

from gateway.api.fields import Day, Incoming, Nothing, Outgoing, RowId
from gateway.api.missed_views import Did
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.api.task_views import ZoneName
from gateway.domain.access import Right
from gateway.domain.cards import is_zone
from gateway.domain.working_time import HoursError, read_hours
from gateway.store import working_time as store
from gateway.store.access import write_audit
from gateway.store.people import read_user
from gateway.store.working_time import Exceptional, HoursTable

HoursText = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$")]
DayHours = Annotated[tuple[HoursText, ...], Field(max_length=10)]


class ExceptionBody(Incoming):
    """A day with other hours."""

    day: Day
    hours: DayHours = Field(default=(), description="none: a holiday")
    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class NewHours(Incoming):
    """Working hours to be entered or changed."""

    did: Did | None = Field(default=None, description="of one of our numbers")
    user: RowId | None = Field(default=None, description="of a person; neither: the company's")
    timezone: ZoneName
    week: Annotated[tuple[DayHours, ...], Field(min_length=7, max_length=7)] = Field(
        description='seven days, Monday first, like ["09:00-13:00", "14:00-18:00"]; an end not behind its beginning is'
        " on the next day"
    )
    exceptions: Annotated[tuple[ExceptionBody, ...], Field(max_length=500)] = ()
    company_holidays: bool = Field(default=True, description="whether the company's exceptions hold here too")
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="as it was read; 0: there are none yet. Another one is a conflict"
    )


class ExceptionView(Outgoing):
    """A day with other hours."""

    day: date
    hours: tuple[str, ...]
    name: str


class WorkingHoursView(Outgoing):
    """A table of working hours."""

    id: int
    did: str | None
    user: int | None
    timezone: str
    week: tuple[tuple[str, ...], ...]
    exceptions: tuple[ExceptionView, ...]
    company_holidays: bool
    version: int


class HoursList(Outgoing):
    """All tables."""

    open_now: bool = Field(description="whether the company works at the moment")
    items: tuple[WorkingHoursView, ...]


class HoursPath(Incoming):
    """Which table."""

    hours_id: RowId


class WorkingHours:
    """The handlers of `/working-hours`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/working-hours",
                handler=self.listing,
                summary="Working hours of the company, of numbers and of people",
                right=Right.TASKS_READ_OWN,
                tag="working hours",
            ),
            Route(
                method="PUT",
                path="/working-hours",
                handler=self.put,
                summary="Enter or change working hours",
                right=Right.DISTRIBUTION_MANAGE,
                tag="working hours",
                errors=(StaleVersionError, HoursError),
            ),
            Route(
                method="DELETE",
                path="/working-hours/{hours_id}",
                handler=self.drop,
                summary="Take a table away; what lies above it holds again",
                right=Right.DISTRIBUTION_MANAGE,
                tag="working hours",
                status=204,
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> HoursList:
        """All tables."""
        tables = await store.hours_tables(self._parts.pool)
        hours = await store.office_hours(self._parts.pool, self._parts.settings.company.timezone)
        return HoursList(open_now=hours.company.includes(datetime.now(UTC)), items=tuple(_view(t) for t in tables))

    async def put(self, asked: Asked[Nothing, Nothing, NewHours]) -> WorkingHoursView:
        """Enter or change a table."""
        body = asked.body
        if body.did is not None and body.user is not None:
            raise _fault("did", "Working hours are of a number or of a person, not of both.")
        if not is_zone(body.timezone):
            raise _fault("timezone", "No time zone of this name is known; write one like Europe/Warsaw.")
        days = {e.day: e.hours for e in body.exceptions}
        if len(days) < len(body.exceptions):
            raise _fault("exceptions", "A day is named twice.")
        _look_at(body)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if body.user is not None and await read_user(connection, body.user) is None:
                raise _fault("user", "Nobody has this id.")
            table = await store.save_hours(
                connection,
                did=body.did,
                user_id=body.user,
                timezone=body.timezone,
                week=body.week,
                exceptions=_sorted(body.exceptions),
                company_holidays=body.company_holidays,
                version=body.version or None,
            )
            if table is None:
                raise StaleVersionError
            await write_audit(
                connection, actor=asked.principal.id, action="working_hours.set", object=f"hours:{table.id}"
            )
        return _view(table)

    async def drop(self, asked: Asked[HoursPath, Nothing, Nothing]) -> None:
        """Take a table away."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.drop_hours(connection, asked.path.hours_id):
                raise NotFoundError
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="working_hours.drop",
                object=f"hours:{asked.path.hours_id}",
            )


def _sorted(days: Sequence[ExceptionBody]) -> list[Exceptional]:
    return sorted((Exceptional(day=e.day, hours=e.hours, name=e.name) for e in days), key=lambda e: e.day)


def _view(table: HoursTable) -> WorkingHoursView:
    return WorkingHoursView(
        id=table.id,
        did=table.did,
        user=table.user_id,
        timezone=table.timezone,
        week=table.week,
        exceptions=tuple(ExceptionView(day=e.day, hours=e.hours, name=e.name) for e in table.exceptions),
        company_holidays=table.company_holidays,
        version=table.version,
    )


def _look_at(body: NewHours) -> None:
    """Refuse hours that cannot be read, each at its place, and a week without any."""
    days = {f"week/{n}": hours for n, hours in enumerate(body.week)}
    days |= {f"exceptions/{n}/hours": exception.hours for n, exception in enumerate(body.exceptions)}
    faults = []
    for place, hours in days.items():
        try:
            read_hours(hours)
        except HoursError as fault:
            faults.append(_at(place, str(fault)))
    if not any(body.week):
        faults.append(_at("week", "A week needs at least one working hour, else no deadline would ever come."))
    if faults:
        raise InvalidRequestError(faults)


def _fault(name: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([_at(name, detail)])


def _at(name: str, detail: str) -> FieldFault:
    return FieldFault(place="body", pointer=f"#/{name}", code="value", detail=detail)
