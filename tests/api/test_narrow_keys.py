"""Keys that lie on a PBX's host: every address is tried with them, and all but their own are refused."""

import re

import pytest
from aiohttp import ClientSession

from gateway.api.events import NewFacts
from gateway.api.routing import Door, Route
from gateway.api.server import route_table
from gateway.api.sockets import OpenSockets
from gateway.domain.access import Right, Role
from tests.api.site import PASSWORD, Api

pytestmark = pytest.mark.asyncio
HARMLESS = {"GET /session", "PUT /session/password", "GET /events"}
"""For whoever is somebody: who he is, his own password with his session, and those events that he may see."""


async def host_key(api: Api, right: Right, pbx: str | None) -> ClientSession:
    """A client with a key of one right, bound to a PBX or to none."""
    client = await api.caller(Role.ADMIN, "anna", rights=[right])
    id_ = client.headers["Authorization"].split("_")[1]
    await api.site.pool.execute("update api_key set pbx = $2 where key_id = $1", id_, pbx)
    return client


def table(api: Api) -> list[Route]:
    return list(route_table(api.parts, OpenSockets(), NewFacts(api.parts)))


async def asked(client: ClientSession, route: Route) -> int:
    path = re.sub(r"\{\w+\}", "1", route.path).removeprefix("/")
    async with client.request(route.method, path, headers={"Idempotency-Key": "a"}, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("right", [Right.ROUTE_ASK, Right.JOURNAL_SHIP])
@pytest.mark.parametrize("pbx", ["pbx1", None])
async def test_a_key_of_one_right_opens_no_other_address(api: Api, right: Right, pbx: str | None) -> None:
    client = await host_key(api, right, pbx)
    opened = set()
    for route in table(api):
        if route.right in (right, Door.PUBLIC):
            continue
        if await asked(client, route) != 403:
            opened.add(f"{route.method} {route.path}")

    assert opened == (set() if pbx else HARMLESS)


@pytest.mark.parametrize("right", [Right.ROUTE_ASK, Right.JOURNAL_SHIP])
async def test_a_key_of_one_right_hears_nothing_live_and_no_events(api: Api, right: Right) -> None:
    await api.site.pool.execute(
        "insert into fact (kind, body, users) values ('call.ended', '{}', '{}'), ('pbx.clock', '{}', '{}')"
    )
    client = await host_key(api, right, None)

    async with client.get("live", headers={"Connection": "Upgrade", "Upgrade": "websocket"}) as response:
        assert response.status == 403
    async with client.get("events") as response:
        assert (response.status, (await response.json())["items"]) == (200, [])
    change = {"old": PASSWORD, "new": "another horse battery"}
    async with client.put("session/password", json=change) as response:
        assert response.status == 403
