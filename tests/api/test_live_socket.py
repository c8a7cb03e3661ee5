"""The live socket: who may connect, what he is told, and when it is closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from gateway.api.live_socket import MESSAGE_MAX, RESYNC, SESSION_ENDED
from gateway.api.sockets import SOCKETS_PER_CALLER
from gateway.domain.access import Role
from gateway.live import Happening
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio


async def told(socket: ClientWebSocketResponse, until: str = "live", *, within: float = 5) -> list[dict[str, Any]]:
    """Messages up to the first of this kind."""
    messages = []
    async with asyncio.timeout(within):
        while not messages or messages[-1]["kind"] != until:
            messages.append(await socket.receive_json())
    return messages


async def close_of(socket: ClientWebSocketResponse, *, within: float = 8) -> int | None:
    """The code with which the server closed."""
    async with asyncio.timeout(within):
        async for _ in socket:
            pass
    return socket.close_code


@asynccontextmanager
async def live(client: ClientSession, **headers: str) -> AsyncIterator[ClientWebSocketResponse]:
    """An open socket."""
    async with client.ws_connect("live", headers=headers) as socket:
        yield socket


async def test_open_calls_are_replayed_on_connect_and_then_what_happens(api: Api) -> None:
    rows = rows_of("in_answered")
    await api.site.take_all(rows[:3])
    anna = await api.signed_in("anna")

    async with live(anna) as socket:
        replay = await told(socket)
        await api.site.take_all(rows[3:], 1)
        rest = await told(socket, "call.ended")

    assert [(m["kind"], m["replay"]) for m in replay] == [("call.ringing", True), ("live", False)]
    call = await (await anna.get(f"calls/{replay[0]['body']['id']}")).json()
    call.pop("recording")
    assert rest[-1]["body"] == call
    assert [m["kind"] for m in rest if m["kind"] != "call.changed"] == ["call.talking", "call.ended"]


async def test_each_happening_goes_to_those_only_who_may_see_it(api: Api) -> None:
    anna, boris, head = await api.signed_in("anna"), await api.signed_in("boris"), await api.signed_in("head")
    async with live(anna) as hers, live(boris) as his, live(head) as all_:
        for socket in (hers, his, all_):
            await told(socket)
        await api.site.take_all(rows_of("in_answered"))
        api.site.live.publish(Happening(kind="card.created", body={"id": 0}))

        kinds = [{m["kind"] for m in (await told(s, "card.created"))} for s in (hers, his, all_)]
        his_rest = await told(his, "card.created")

    assert kinds[1] == {"card.created"}
    assert [m["kind"] for m in his_rest] == ["card.created"]
    assert "card.created" in kinds[0]


async def test_kinds_that_no_rule_names_are_told_to_nobody_but_administrators(api: Api) -> None:
    head, root = await api.signed_in("head"), await api.signed_in("root")
    async with live(head) as theirs, live(root) as admins:
        await told(theirs)
        await told(admins)
        api.site.live.publish(Happening(kind="secret.leaked", body={}))
        api.site.live.publish(Happening(kind="card.created", body={}))

        assert [m["kind"] for m in await told(theirs, "card.created")] == ["card.created"]
        assert [m["kind"] for m in await told(admins, "card.created")] == ["secret.leaked", "card.created"]


async def test_nobody_and_foreign_pages_are_refused(api: Api) -> None:
    nobody, anna = await api.browser(), await api.signed_in("anna")

    for client, headers, status in (
        (nobody, {}, 401),
        (anna, {"Origin": "https://evil.example"}, 403),
        (anna, {"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("live", headers=headers)
        assert refused.value.status == status
    await problem(await anna.get("live"), 422, "rejected")


async def test_signing_out_closes_the_socket_at_once(api: Api) -> None:
    anna, elsewhere = await api.signed_in("anna"), await api.signed_in("anna")
    async with live(anna) as socket, live(elsewhere) as other:
        await told(socket)
        await told(other)

        await anna.delete("session")

        assert await close_of(socket, within=1) == SESSION_ENDED
        assert not other.closed


async def test_blocking_a_person_closes_his_sockets_at_once(api: Api) -> None:
    anna, root = await api.signed_in("anna"), await api.signed_in("root")
    async with live(anna) as socket:
        await told(socket)

        response = await root.patch(f"users/{api.site.users['anna']}", json={"active": False})

        assert response.status == 200
        assert await close_of(socket, within=1) == SESSION_ENDED


async def test_a_session_that_another_node_ended_closes_the_socket_within_seconds(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with live(anna) as socket:
        await told(socket)

        await api.site.pool.execute("delete from session")

        assert await close_of(socket) == SESSION_ENDED


async def test_a_person_whose_role_changed_has_to_connect_again(api: Api) -> None:
    head = await api.signed_in("head")
    async with live(head) as socket:
        await told(socket)

        await api.site.pool.execute("update users set role = 'manager' where login = 'head'")

        assert await close_of(socket) == SESSION_ENDED


async def test_who_is_too_slow_is_told_to_read_again(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with live(anna) as socket:
        await told(socket)

        for _ in range(1500):  # without a pause: no listener can keep up
            api.site.live.publish(Happening(kind="card.created", body={}))

        kinds = [json.loads(m.data)["kind"] async for m in socket if m.type is WSMsgType.TEXT]
    assert kinds[-1] == "resync"
    assert socket.close_code == RESYNC


async def test_a_key_connects_without_a_cookie_and_ends_when_it_is_revoked(api: Api) -> None:
    client = await api.caller(Role.SUPERVISOR)
    async with live(client) as socket:
        await told(socket)

        await api.site.pool.execute("update api_key set revoked_at = now()")

        assert await close_of(socket) == SESSION_ENDED


async def test_one_caller_has_a_bounded_number_of_sockets(api: Api) -> None:
    anna, boris = await api.signed_in("anna"), await api.signed_in("boris")
    sockets = [await anna.ws_connect("live") for _ in range(SOCKETS_PER_CALLER)]

    with pytest.raises(WSServerHandshakeError) as refused:
        await anna.ws_connect("live")
    async with live(boris) as his:
        await told(his)
    for socket in sockets:
        await socket.close()

    assert refused.value.status == 429
    async with live(anna) as again:
        await told(again)


async def test_a_message_over_the_limit_ends_the_socket(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with live(anna) as socket:
        await told(socket)

        await socket.send_str("x" * (MESSAGE_MAX + 1))

        assert await close_of(socket) == 1009
