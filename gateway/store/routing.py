"""Routes, groups and the policy of inbound calls as they are entered, with every version they ever had."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from gateway.domain.routing import EVERY_NUMBER, Group, OwnManager, Route, RouteStepKind, Step, Strategy
from gateway.domain.routing_rules import Known
from gateway.domain.staff import zone_of
from gateway.domain.working_time import WorkingTime, read_working_time
from gateway.store.database import Connection, Pool, Row

Source = Pool | Connection
ROUTES_MAX = 500
GROUPS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRoute:
    """A route with what its table keeps beside it."""

    route: Route
    entered_hours: Row | None
    """The hours as they were entered."""
    changed_by: str
    changed_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGroup:
    """A group with what its table keeps beside it."""

    group: Group
    version: int
    changed_by: str
    changed_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for all routes."""

    sounds: tuple[str, ...]
    """Sounds that a route may play."""
    notice: str
    """The one that tells of the recording."""
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that a route or a group had."""

    version: int
    body: Row
    by: str
    at: datetime


def step_row(step: Step) -> Row:
    """A step as it is stored: its kind and what that kind knows."""
    fields: dict[RouteStepKind, tuple[str, ...]] = {
        RouteStepKind.OWNER: ("seconds", "whose"),
        RouteStepKind.GROUP: ("seconds", "group", "wait_seconds"),
        RouteStepKind.MANAGER: ("seconds", "user"),
        RouteStepKind.ANNOUNCEMENT: ("sound",),
        RouteStepKind.ROUTE: ("route",),
    }
    return {"kind": step.kind, **{name: getattr(step, name) for name in fields.get(step.kind, ())}}


def step_of(row: Mapping[str, object]) -> Step:
    """A stored step."""
    values = dict(row) | {"kind": RouteStepKind(str(row["kind"]))}
    if "whose" in values:
        values["whose"] = OwnManager(str(values["whose"]))
    return Step(**values)  # type: ignore[arg-type]


def hours_of(entered: Mapping[str, object] | None, otherwise: ZoneInfo) -> WorkingTime | None:
    """A route's own hours; None: it has none."""
    if entered is None:
        return None
    exceptions = cast(Sequence[Mapping[str, object]], entered["exceptions"])
    return read_working_time(
        zone_of(str(entered["timezone"]), otherwise),
        cast(Sequence[Sequence[str]], entered["week"]),
        {date.fromisoformat(str(e["day"])): cast(Sequence[str], e["hours"]) for e in exceptions},
    )


ROUTE_COLUMNS = "id, name, did, record, notice, hours, steps, closed_steps, version"
_ROUTE = f"{ROUTE_COLUMNS}, changed_by, changed_at, archived_at"


def route_of_row(row: Mapping[str, object]) -> Route:
    """A route as its columns say it."""
    lists = {name: tuple(step_of(s) for s in cast(Sequence[Row], row[name])) for name in ("steps", "closed_steps")}
    plain = {name: row[name] for name in ("id", "name", "did", "record", "notice", "version")}
    hours = hours_of(cast("Row | None", row["hours"]), ZoneInfo("UTC"))
    return Route(**plain, **lists, hours=hours)  # type: ignore[arg-type]


def _route(row: Row) -> StoredRoute:
    return StoredRoute(
        route=route_of_row(row),
        entered_hours=cast("Row | None", row["hours"]),
        changed_by=str(row["changed_by"]),
        changed_at=cast(datetime, row["changed_at"]),
        archived_at=cast("datetime | None", row["archived_at"]),
    )


async def read_routes(source: Source, *, archived: bool = False) -> list[StoredRoute]:
    """The routes by name; archived ones, behind the others, where they are asked for."""
    rows = await source.fetch(
        f"select {_ROUTE} from inbound_route where $1 or archived_at is null"
        f" order by archived_at is not null, lower(name), id limit {2 * ROUTES_MAX}",
        archived,
    )
    return [_route(dict(r)) for r in rows]


async def routes_exist(source: Source) -> bool:
    """Whether any route holds."""
    return bool(await source.fetchval("select exists (select from inbound_route where archived_at is null)"))


async def read_route(source: Source, id: int) -> StoredRoute | None:
    """One route, archived or not; None: there is none with this id."""
    row = await source.fetchrow(f"select {_ROUTE} from inbound_route where id = $1", id)
    return _route(dict(row)) if row else None


def of_number(found: Iterable[Route], did: str) -> tuple[Route | None, dict[int, Route]]:
    """The route of a number among some, and all of them by id."""
    routes = {route.id: route for route in found}
    of_did = {route.did: route for route in routes.values()}
    return of_did.get(did) or of_did.get(EVERY_NUMBER), routes


async def with_jumps(source: Source, routes: Mapping[int, Route]) -> dict[int, Route]:
    """Routes with those that they lead on to."""
    found = dict(routes)
    missing = _jumps(found.values()) - found.keys()
    while missing:
        rows = await source.fetch(
            f"select {ROUTE_COLUMNS} from inbound_route where archived_at is null and id = any($1::bigint[])",
            list(missing),
        )
        found |= {r["id"]: route_of_row(dict(r)) for r in rows}
        missing = _jumps(found.values()) - found.keys() if rows else set()
    return found


def _jumps(routes: Iterable[Route]) -> set[int]:
    return {
        step.route
        for route in routes
        for step in (*route.steps, *route.closed_steps)
        if step.kind is RouteStepKind.ROUTE and step.route is not None
    }


def route_body(route: Route, hours: Row | None) -> Row:
    """A route as its history keeps it."""
    return {
        "name": route.name,
        "did": route.did,
        "record": route.record,
        "notice": route.notice,
        "hours": hours,
        "steps": [step_row(s) for s in route.steps],
        "closed_steps": [step_row(s) for s in route.closed_steps],
    }


_COLUMNS = ("name", "did", "record", "notice", "hours", "steps", "closed_steps")


async def lock_routing(connection: Connection) -> None:
    """Let others who change routes, groups or the policy wait until this transaction ends."""
    await connection.execute("select id from routing_policy for update")


async def add_route(connection: Connection, body: Mapping[str, object], *, by: str, now: datetime) -> int:
    """Enter a route; gives its id. Its body is as `route_body` makes it, and was looked at."""
    marks = ", ".join(f"${place}" for place in range(3, len(_COLUMNS) + 3))
    made: int = await connection.fetchval(
        f"insert into inbound_route (changed_by, changed_at, {', '.join(_COLUMNS)}) values ($1, $2, {marks})"
        " returning id",
        by,
        now,
        *(body[name] for name in _COLUMNS),
    )
    await _keep(connection, "route", made, 1, body, by, now)
    return made


async def change_route(
    connection: Connection,
    id: int,
    body: Mapping[str, object],
    *,
    version: int,
    archived: bool,
    by: str,
    now: datetime,
) -> bool:
    """Change a route that still is of this version; False: it was changed since."""
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COLUMNS, 6))
    changed = await connection.fetchval(
        "update inbound_route set version = version + 1, changed_by = $3, changed_at = $4,"
        f" archived_at = case when $5 then coalesce(archived_at, $4) end, {sets}"
        " where id = $1 and version = $2 returning version",
        id,
        version,
        by,
        now,
        archived,
        *(body[name] for name in _COLUMNS),
    )
    if changed is None:
        return False
    await _keep(connection, "route", id, changed, {**body, "archived": archived}, by, now)
    return True


async def _keep(
    connection: Connection, kind: str, id: int, version: int, body: Mapping[str, object], by: str, now: datetime
) -> None:
    await connection.execute(
        "insert into routing_history (kind, of_id, version, body, by, at) values ($1, $2, $3, $4, $5, $6)",
        kind,
        id,
        version,
        dict(body),
        by,
        now,
    )


async def history(source: Source, kind: str, id: int, *, before: int | None = None, limit: int = 200) -> list[Version]:
    """The versions of a route or a group, the newest first; those before a version where one is named."""
    rows = await source.fetch(
        "select version, body, by, at from routing_history where kind = $1 and of_id = $2"
        " and ($3::int is null or version < $3) order by version desc limit $4",
        kind,
        id,
        before,
        limit,
    )
    return [Version(**dict(r)) for r in rows]


async def read_version(source: Source, kind: str, id: int, version: int) -> Version | None:
    """One version; None: there was none."""
    row = await source.fetchrow(
        "select version, body, by, at from routing_history where kind = $1 and of_id = $2 and version = $3",
        kind,
        id,
        version,
    )
    return Version(**dict(row)) if row else None


_GROUP = (
    "select g.id, g.name, g.strategy, g.members, t.user_id as last, g.version, g.changed_by, g.changed_at,"
    " g.archived_at from routing_group g left join routing_turn t on t.group_id = g.id"
)


def group_of_row(row: Mapping[str, object]) -> Group:
    """A group as its columns say it."""
    return Group(
        id=cast(int, row["id"]),
        name=str(row["name"]),
        strategy=Strategy(str(row["strategy"])),
        members=tuple(cast(Sequence[int], row["members"])),
        last=cast("int | None", row["last"]),
    )


def _group(row: Row) -> StoredGroup:
    return StoredGroup(
        group=group_of_row(row),
        version=cast(int, row["version"]),
        changed_by=str(row["changed_by"]),
        changed_at=cast(datetime, row["changed_at"]),
        archived_at=cast("datetime | None", row["archived_at"]),
    )


async def read_groups(source: Source, *, archived: bool = False) -> list[StoredGroup]:
    """The groups by name; archived ones, behind the others, where they are asked for."""
    rows = await source.fetch(
        f"{_GROUP} where $1 or g.archived_at is null order by g.archived_at is not null, lower(g.name), g.id"
        f" limit {2 * GROUPS_MAX}",
        archived,
    )
    return [_group(dict(r)) for r in rows]


async def read_group(source: Source, id: int) -> StoredGroup | None:
    """One group, archived or not; None: there is none with this id."""
    row = await source.fetchrow(f"{_GROUP} where g.id = $1", id)
    return _group(dict(row)) if row else None


async def groups_named(source: Source, ids: Sequence[int]) -> dict[int, Group]:
    """The groups with these ids that hold."""
    rows = await source.fetch(f"{_GROUP} where g.archived_at is null and g.id = any($1::bigint[])", list(ids))
    return {g.group.id: g.group for g in (_group(dict(r)) for r in rows)}


def group_body(group: Group) -> Row:
    """A group as its history keeps it."""
    return {"name": group.name, "strategy": group.strategy, "members": list(group.members)}


async def add_group(connection: Connection, body: Mapping[str, object], *, by: str, now: datetime) -> int:
    """Make a group; gives its id."""
    made: int = await connection.fetchval(
        "insert into routing_group (name, strategy, members, changed_by, changed_at) values ($1, $2, $3, $4, $5)"
        " returning id",
        body["name"],
        body["strategy"],
        body["members"],
        by,
        now,
    )
    await _keep(connection, "group", made, 1, body, by, now)
    return made


async def change_group(
    connection: Connection,
    id: int,
    body: Mapping[str, object],
    *,
    version: int,
    archived: bool,
    by: str,
    now: datetime,
) -> bool:
    """Change a group that still is of this version; False: it was changed since."""
    changed = await connection.fetchval(
        "update routing_group set version = version + 1, name = $3, strategy = $4, members = $5, changed_by = $6,"
        " changed_at = $7, archived_at = case when $8 then coalesce(archived_at, $7) end"
        " where id = $1 and version = $2 returning version",
        id,
        version,
        body["name"],
        body["strategy"],
        body["members"],
        by,
        now,
        archived,
    )
    if changed is None:
        return False
    await _keep(connection, "group", id, changed, {**body, "archived": archived}, by, now)
    return True


async def read_policy(source: Source) -> Policy:
    """What holds for all routes."""
    row = await source.fetchrow("select sounds, notice, version from routing_policy")
    return Policy(sounds=tuple(row["sounds"]), notice=row["notice"], version=row["version"])


async def change_policy(connection: Connection, *, sounds: Sequence[str], notice: str, version: int) -> bool:
    """Change it, if it still is of this version; False: it was changed since."""
    changed = await connection.fetchval(
        "update routing_policy set sounds = $1, notice = $2, version = version + 1 where version = $3 returning true",
        list(sounds),
        notice,
        version,
    )
    return bool(changed)


async def known_to_routes(connection: Connection, *, but: int) -> Known:
    """What a route may name; `but` is the route itself."""
    active = {r["id"] for r in await connection.fetch("select id from users where active")}
    groups = {g.group.id: [m for m in g.group.members if m in active] for g in await read_groups(connection)}
    policy = await read_policy(connection)
    routes = {r.route.id: r.route for r in await read_routes(connection) if r.route.id != but}
    return Known(groups=groups, users=active, sounds=frozenset(policy.sounds), routes=routes)
