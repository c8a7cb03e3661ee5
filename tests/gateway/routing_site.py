"""A site whose calls are routed: routes and groups as an administrator enters them, and a router over them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.phone import NumberPlan
from gateway.domain.ports import SeenEndpoint
from gateway.domain.routing import Strategy
from gateway.routing.asking import Question, RoutedPbx, Router
from gateway.routing.phones import Phones
from gateway.store import routing as store
from gateway.store.database import Pool
from lab.server import AsteriskServer
from tests.gateway.site import ZONE, Site, open_site

DID = "74951234567"
CALLER = "+79161234567"
DAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def owner(seconds: int = 15, whose: str = "owner_or_last") -> dict[str, object]:
    """The step of the client's own manager."""
    return {"kind": "owner", "seconds": seconds, "whose": whose}


def group(id: int, seconds: int = 20, wait_seconds: int = 0) -> dict[str, object]:
    """The step of a group."""
    return {"kind": "group", "group": id, "seconds": seconds, "wait_seconds": wait_seconds}


@dataclass(slots=True, kw_only=True)
class Routing:
    """The site, and a router as a fresh gateway would have it."""

    pool: Pool
    users: dict[str, int]
    site: Site
    router: Router
    phones: Phones
    told: list[SeenEndpoint] = field(default_factory=list)
    """What the PBX says of its phones."""

    async def group(self, *logins: str, strategy: Strategy = Strategy.ALL) -> int:
        """Make a group of these people."""
        body = {
            "name": f"group {next(_numbers)}",
            "strategy": strategy,
            "members": [self.users[login] for login in logins],
        }
        async with self.pool.acquire() as connection, connection.transaction():
            return await store.add_group(connection, body, by="test", now=DAY)

    async def route(
        self,
        steps: Sequence[dict[str, object]],
        closed: Sequence[dict[str, object]] = (),
        *,
        did: str | None = DID,
        **further: Any,
    ) -> int:
        """Enter a route; further fields are those of its body."""
        body = {
            "name": f"route {next(_numbers)}",
            "did": did,
            "record": False,
            "notice": False,
            "hours": None,
            "steps": list(steps),
            "closed_steps": list(closed),
            **further,
        }
        async with self.pool.acquire() as connection, connection.transaction():
            return await store.add_route(connection, body, by="test", now=DAY)

    async def owned_by(self, login: str | None, number: str = CALLER) -> int:
        """A card with this number, and its owner."""
        card: int = await self.pool.fetchval(
            "with made as (insert into contact (name, owner_id) values ('Client', $1) returning id)"
            " insert into contact_number (number, contact_id) select $2, id from made returning contact_id",
            None if login is None else self.users[login],
            number,
        )
        return card

    async def ask(
        self,
        call: str = "c1",
        n: int = 0,
        status: str = "",
        *,
        did: str = DID,
        caller: str = CALLER,
        pbx: str = "pbx1",
        left: timedelta = timedelta(seconds=20),
    ) -> list[str]:
        """Ask as the dialplan does; the answer's action, what is dialled, seconds, sound and whether it is recorded."""
        question = Question(pbx=pbx, uniqueid=call, did=did, caller=caller, n=n, status=status, left=left)
        line = await self.router.ask(question, datetime.now(UTC))
        fields = line.split(":")
        assert (fields[0], fields[6:], len(fields)) == ("TL1", [str(n), "END"], 8)
        return fields[1:6]

    async def answers(self, call: str = "c1", status: str = "NOANSWER", **further: str) -> list[list[str]]:
        """Every answer of a call that nobody takes."""
        found: list[list[str]] = []
        while not found or found[-1][0] not in ("hangup", "site"):
            found.append(await self.ask(call, len(found), status if found else "NEW", **further))
        return found

    def restart(self) -> None:
        """A new gateway on the same database, with nothing in memory."""
        self.router = make_router(self.site, self.phones)


def make_router(site: Site, phones: Phones) -> Router:
    """A router over a site."""
    pbx = RoutedPbx(plan=NumberPlan(region="RU"), template="PJSIP/{endpoint}")
    return Router(site.pool, site.live, phones, pbxs={"pbx1": pbx, "pbx2": pbx}, zone=ZONE)


def keep_key(asterisk: AsteriskServer, key: str) -> None:
    """Write the gateway's key where the dialplan reads it."""
    (asterisk.directory / "etc" / "trunkline_route_key.conf").write_text(f"[route]\nkey = {key}\n")


def be_patient(asterisk: AsteriskServer) -> None:
    """Let the dialplan wait longer than the 150 ms of the supplied file: a machine that tests may be slower.

    For tests of whom a call rings; that the limit holds is shown by others.
    """
    include = asterisk.directory / "etc" / "trunkline_route.conf"
    text = include.read_text()
    include.write_text(text.replace(" < 150]", " < 3000]").replace(":150)})", ":3000)})"))
    assert include.read_text().count("3000") == 2
    asterisk.command("dialplan reload")


@asynccontextmanager
async def open_routing(dsn: str) -> AsyncIterator[Routing]:
    """The site's people (tests/gateway/site.py), and no route yet."""
    async with open_site(dsn) as site, asyncio.TaskGroup() as tasks:
        told: list[SeenEndpoint] = []

        async def ask(pbx: str) -> Sequence[SeenEndpoint]:
            return told

        phones = Phones(ask, tasks)
        yield Routing(
            pool=site.pool,
            users=site.users,
            site=site,
            router=make_router(site, phones),
            phones=phones,
            told=told,
        )
