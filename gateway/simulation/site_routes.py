"""The site's own inbound routes and hours, read once for a synthetic day; the site's database is only read.

A day has managers of its own. Those whom the routes name are played by them: the first manager of the day is the one
with the lowest extension, and so on. Whoever is left over without a manager of the day has no phone.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from exchange.sounds import seconds_of
from gateway.domain.routing import EVERY_NUMBER, Group, Route, RouteStepKind
from gateway.domain.working_time import WorkingTime
from gateway.settings import Settings
from gateway.store.database import DATABASE_AWAY, Pool, open_pool
from gateway.store.embedded import borrow_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import Layout, choose_home
from gateway.store.routing import of_number, read_groups, read_policy, read_routes
from gateway.store.working_time import OfficeHours, office_hours

_DIALLED = re.compile(r"\+?[0-9]{2,20}")
_LONGEST_SHIFT = timedelta(hours=20)
_LOOK_BACK = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRoutes:
    """What was read.

    Attributes:
        routes: By id.
        groups: By id.
        hours: Of company, numbers and people.
        notice: The sound that tells of the recording.
        people: The users whom the routes may ring, by extension; each is played by the manager at his place.
        sounds: Folder of announcements.
    """

    routes: Mapping[int, Route]
    groups: Mapping[int, Group]
    hours: OfficeHours
    notice: str
    people: tuple[int, ...]
    sounds: Path

    @property
    def dids(self) -> tuple[str, ...]:
        """The numbers with a route of their own."""
        dids = (route.did for route in self.routes.values() if route.did not in (None, EVERY_NUMBER))
        return tuple(sorted(did for did in dids if did is not None and _DIALLED.fullmatch(did)))

    def route_of(self, did: str) -> Route | None:
        """The route of a number; None: none holds for it."""
        return of_number(self.routes.values(), did)[0]

    def hours_of(self, did: str) -> WorkingTime:
        """When a number's route is open."""
        route = self.route_of(did)
        return (route.hours if route is not None else None) or self.hours.of_did(did)

    def played(self, sound: str | None) -> tuple[Path | None, float]:
        """The file of an announcement and its seconds; None: it cannot be played."""
        file = self.sounds / f"{sound}.wav"
        return (file, seconds_of(file)) if sound and file.is_file() else (None, 0.0)


@asynccontextmanager
async def _site(settings: Settings) -> AsyncIterator[Pool | None]:
    """Connections to the site's database; None: there is none yet."""
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            dsn = settings.database.url.get_secret_value()
        else:
            home = choose_home(settings.home, server_account())
            if not Layout(directory=home).data.exists():
                yield None
                return
            dsn = (await stack.enter_async_context(borrow_embedded(home))).dsn
        yield await stack.enter_async_context(open_pool(dsn))


async def read_site(settings: Settings) -> SiteRoutes | None:
    """The routes of the site; None: it has none, or its database cannot be read.

    Args:
        settings: the site's.
    """
    try:
        async with _site(settings) as pool:
            return None if pool is None else await routes_in(pool, settings)
    except (*DATABASE_AWAY, asyncpg.UndefinedTableError):
        return None


async def routes_in(pool: Pool, settings: Settings) -> SiteRoutes | None:
    """The routes that a database holds; None: it holds none."""
    routes = {stored.route.id: stored.route for stored in await read_routes(pool)}
    if not any(route.did is not None for route in routes.values()):
        return None
    groups = {stored.group.id: stored.group for stored in await read_groups(pool)}
    named = _named(routes, groups)
    rows = await pool.fetch(
        "select u.id from users u left join extension e on e.user_id = u.id and e.until > now()"
        " where u.active and u.id = any($1::bigint[]) group by u.id order by min(e.extension) nulls last, u.id",
        list(named),
    )
    people = tuple(row["id"] for row in rows)
    return SiteRoutes(
        routes=routes,
        groups=groups,
        hours=await _hours(pool, settings, routes, people),
        notice=(await read_policy(pool)).notice,
        people=people,
        sounds=settings.home / "exchange" / "sounds",
    )


async def _hours(pool: Pool, settings: Settings, routes: Mapping[int, Route], people: tuple[int, ...]) -> OfficeHours:
    zone = settings.company.timezone
    of_people = await office_hours(pool, zone, users=people)
    dids = dict(of_people.dids)
    for did in {route.did for route in routes.values() if route.did not in (None, EVERY_NUMBER)}:
        dids |= (await office_hours(pool, zone, did=did)).dids
    return OfficeHours(company=of_people.company, dids=dids, users=of_people.users)


def _named(routes: Mapping[int, Route], groups: Mapping[int, Group]) -> set[int]:
    """Everybody whom a route may ring."""
    found: set[int] = set()
    for route in routes.values():
        for step in (*route.steps, *route.closed_steps):
            if step.kind is RouteStepKind.MANAGER and step.user is not None:
                found.add(step.user)
            group = groups.get(step.group or 0)
            if step.kind is RouteStepKind.GROUP and group is not None:
                found.update(group.members)
    return found


def told_of(site: SiteRoutes | None, managers: int) -> str:
    """How a day's calls find their managers, as a sentence's end.

    Args:
        site: the site's routes; None: it has none.
        managers: of the day.
    """
    if site is None:
        return "the site has no inbound routes, so every phone rings for every call, three at once"
    count = len(site.people)
    who = f"the {count} people whom they name" if count != 1 else "the one person whom they name"
    played = f"{who} are played by the day's managers in the order of their extensions"
    if count > managers:
        played += f", {count - managers} of them by nobody"
    elif count < managers:
        played += f", {managers - count} of whom no route rings"
    routes = f"{len(site.routes)} inbound routes" if len(site.routes) != 1 else "inbound route"
    return f"calls go by the site's own {routes} and hours; {played}"


def sentence(words: str) -> str:
    """Words as a sentence of their own."""
    return f"{words[:1].upper()}{words[1:]}."


def opening_before(hours: WorkingTime, now: datetime, length: timedelta) -> datetime | None:
    """When the last shift began that a day of this length fits behind; None: there is no shift, it is always open.

    Args:
        hours: of the number that is called.
        now: aware.
        length: of the day.
    """
    begins = [
        since
        for since, until in hours.stretches(now - _LOOK_BACK, now)
        if until - since <= _LONGEST_SHIFT and since + length <= now
    ]
    return begins[-1] if begins else None
