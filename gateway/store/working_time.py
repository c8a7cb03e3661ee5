"""Working hours as they are entered: of the company, of one of our numbers, of a person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from gateway.domain.staff import zone_of
from gateway.domain.working_time import WorkingTime, always, read_working_time
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """A day with other hours."""

    day: date
    hours: tuple[str, ...]
    """Empty: a holiday."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursTable:
    """One table of working hours; of the company where it names neither number nor person."""

    id: int
    did: str | None
    user_id: int | None
    timezone: str
    week: tuple[tuple[str, ...], ...]
    exceptions: tuple[Exceptional, ...]
    company_holidays: bool
    """Whether the company's exceptions hold here too, where this table says nothing of the day."""
    version: int

    def days(self) -> dict[date, tuple[str, ...]]:
        """The exceptions by day."""
        return {e.day: e.hours for e in self.exceptions}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """The working hours that hold for some numbers and people."""

    company: WorkingTime
    dids: Mapping[str, WorkingTime]
    users: Mapping[int, WorkingTime]

    def of_did(self, did: str | None) -> WorkingTime:
        """When calls to one of our numbers are answered."""
        return self.dids.get(did or "", self.company)

    def of_user(self, user: int) -> WorkingTime:
        """When a person works."""
        return self.users.get(user, self.company)


HOURS_COLUMNS = "id, did, user_id, timezone, week, exceptions, company_holidays, version"


def _table(row: Mapping[str, object]) -> HoursTable:
    week: Sequence[Sequence[str]] = row["week"]  # type: ignore[assignment]
    exceptions: Sequence[Mapping[str, object]] = row["exceptions"]  # type: ignore[assignment]
    values = dict(row) | {
        "week": tuple(tuple(day) for day in week),
        "exceptions": tuple(
            Exceptional(day=date.fromisoformat(str(e["day"])), hours=tuple(e["hours"]), name=str(e["name"]))  # type: ignore[arg-type]
            for e in exceptions
        ),
    }
    return HoursTable(**values)  # type: ignore[arg-type]


async def hours_tables(source: Source) -> list[HoursTable]:
    """All tables: the company's first, then those of numbers, then those of people."""
    rows = await source.fetch(
        f"select {HOURS_COLUMNS} from working_time order by did is not null, user_id is not null, did, user_id"
    )
    return [_table(r) for r in rows]


async def office_hours(
    source: Source, otherwise: ZoneInfo, *, did: str | None = None, users: Sequence[int] = ()
) -> OfficeHours:
    """The hours that matter for one of our numbers and some people.

    Args:
        source: where to read.
        otherwise: the company's zone, where nobody has entered hours: then there is always work.
        did: one of our numbers.
        users: people.
    """
    rows = await source.fetch(
        f"select {HOURS_COLUMNS} from working_time"
        " where (did is null and user_id is null) or did = $1 or user_id = any($2::bigint[])",
        did,
        list(users),
    )
    return hours_of_rows(rows, otherwise)


def hours_of_rows(rows: Iterable[Mapping[str, object]], otherwise: ZoneInfo) -> OfficeHours:
    """The hours of some rows with `HOURS_COLUMNS`, the company's among them if there are any.

    Args:
        rows: as they were read.
        otherwise: the company's zone, where nobody has entered hours.
    """
    tables = [_table(r) for r in rows]
    own = next((t for t in tables if t.did is None and t.user_id is None), None)
    holidays = own.days() if own else {}
    return OfficeHours(
        company=_read(own, {}, otherwise) if own else always(otherwise),
        dids={t.did: _read(t, holidays, otherwise) for t in tables if t.did is not None},
        users={t.user_id: _read(t, holidays, otherwise) for t in tables if t.user_id is not None},
    )


def _read(table: HoursTable, holidays: Mapping[date, tuple[str, ...]], otherwise: ZoneInfo) -> WorkingTime:
    days = {**holidays, **table.days()} if table.company_holidays else table.days()
    return read_working_time(zone_of(table.timezone, otherwise), table.week, days)


async def save_hours(
    connection: Connection,
    *,
    did: str | None,
    user_id: int | None,
    timezone: str,
    week: Sequence[Sequence[str]],
    exceptions: Sequence[Exceptional],
    company_holidays: bool,
    version: int | None,
) -> HoursTable | None:
    """Enter a table, or change the one that is there.

    Args:
        connection: within a transaction.
        did: whose number; with `user_id` None too: the company's table.
        user_id: whose hours.
        timezone: IANA name.
        week: seven days of hours like `09:00-18:00`, Monday first.
        exceptions: days with other hours.
        company_holidays: whether the company's exceptions hold here too.
        version: of the table as it was read; None: there was none.

    Returns:
        The table; None: it is not as the caller read it.
    """
    values = (
        did,
        user_id,
        timezone,
        [list(day) for day in week],
        [{"day": e.day.isoformat(), "hours": list(e.hours), "name": e.name} for e in exceptions],
        company_holidays,
    )
    if version is None:
        row = await connection.fetchrow(
            "insert into working_time (did, user_id, timezone, week, exceptions, company_holidays)"
            f" values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning {HOURS_COLUMNS}",
            *values,
        )
    else:
        row = await connection.fetchrow(
            "update working_time set timezone = $3, week = $4, exceptions = $5, company_holidays = $6,"
            " version = version + 1, updated_at = now()"
            " where did is not distinct from $1 and user_id is not distinct from $2 and version = $7"
            f" returning {HOURS_COLUMNS}",
            *values,
            version,
        )
    return _table(row) if row else None


async def drop_hours(connection: Connection, id: int) -> bool:
    """Take a table away; what lies above it holds again. False: there was none."""
    return bool(await connection.fetchval("delete from working_time where id = $1 returning true", id))
