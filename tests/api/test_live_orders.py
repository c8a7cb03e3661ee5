"""Orders over the live socket: the same orders, rights, keys and words as over the API, at a bounded pace.

Requirement 5.
"""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, encode_basic_auth

from gateway.api.live_orders import BURST, ROUTES
from gateway.api.live_socket import MESSAGE_MAX, SESSION_ENDED
from gateway.domain.access import Role
from tests.api.site import Api
from tests.api.test_call_control import legs, talking
from tests.api.test_commands import becomes, key
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
NUMBER = "+79161234567"


async def answer_to(socket: ClientWebSocketResponse, message: object) -> dict[str, Any]:
    """The answer to one message; what is told meanwhile is passed over."""
    await socket.send_str(message if isinstance(message, str) else json.dumps(message))
    async with asyncio.timeout(60):
        while True:
            told = await socket.receive_json()
            if told["kind"] == "command.answer":
                return dict(told["body"])


async def test_a_call_is_ordered_and_followed_over_the_socket(api: Api) -> None:
    api.board.accept()
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        await socket.send_json({"do": "call", "id": "k1", "number": "8 (916) 123-45-67"})
        told: dict[str, Any] = {}
        while not {"command.answer", "command.accepted"} <= set(told):
            message = await asyncio.wait_for(socket.receive_json(), 60)
            told[message["kind"]] = message["body"]

    body = told["command.answer"]
    assert (body["id"], body["status"], body["problem"]) == ("k1", 202, None)
    assert (body["command"]["number"], body["command"]["source"], body["command"]["state"]) == (NUMBER, "live", "sent")
    assert told["command.accepted"]["id"] == body["command"]["id"]
    assert len(api.board.orders) == 1


async def test_one_key_is_one_order_whichever_door_it_comes_through(api: Api) -> None:
    api.board.accept()
    anna = await api.signed_in("anna")
    first = await (await anna.post("calls", json={"number": NUMBER}, headers=key("k"))).json()
    await becomes(anna, first, "accepted")

    async with anna.ws_connect("live") as socket:
        same = await answer_to(socket, {"do": "call", "id": "k", "number": NUMBER})
        other = await answer_to(socket, {"do": "call", "id": "k", "number": "+79160000001"})

    assert (same["status"], same["command"]) == (202, first)
    assert (other["status"], other["problem"]["type"]) == (422, "/api/v1/problems/key-reused")
    assert len(api.board.orders) == 1


async def test_a_running_call_is_commanded_over_the_socket(api: Api) -> None:
    api.board.accept()
    call = str(await talking(api))
    named = await legs(api)
    anna, head = await api.signed_in("anna"), await api.signed_in("head")
    async with anna.ws_connect("live") as hers, head.ws_connect("live") as his:
        done = [
            await answer_to(hers, {"id": f"{n}", "call": call, **order})
            for n, order in enumerate(
                [
                    {"do": "hold"},
                    {"do": "resume"},
                    {"do": "digits", "digits": "12#"},
                    {"do": "recording_pause"},
                    {"do": "transfer", "number": "102"},
                ]
            )
        ]
        forbidden = await answer_to(hers, {"do": "listen", "id": "x", "call": call})
        listening = await answer_to(his, {"do": "listen", "id": "y", "call": call})
        ended = await answer_to(hers, {"do": "hang_up", "id": "z", "call": call})

    assert [(a["status"], a["command"]["state"], a["command"]["source"]) for a in done] == [(202, "done", "live")] * 5
    assert (forbidden["status"], forbidden["command"]) == (403, None)
    assert (listening["status"], listening["command"]["state"]) == (202, "accepted")
    assert (ended["id"], ended["status"], ended["command"], ended["problem"]) == ("z", 204, None, None)
    assert [told[0] for told in api.board.told] == ["hold", "resume", "digits", "pause", "transfer", "listen"]
    assert api.board.hung_up == [named["manager"]]


@pytest.mark.parametrize(
    ("message", "status", "pointer"),
    [
        ("no json", 400, None),
        ("[1]", 400, None),
        ("[" * 2000, 400, None),
        ({"do": "call", "number": NUMBER}, 422, "#/id"),
        ({"do": "call", "id": "", "number": NUMBER}, 422, "#/id"),
        ({"do": "call", "id": "a b", "number": NUMBER}, 422, "#/id"),
        ({"do": "fly", "id": "k"}, 422, "#/do"),
        ({"do": ["call"], "id": "k"}, 422, "#/do"),
        ({"do": "call", "id": "k"}, 422, "#/number"),
        ({"do": "call", "id": "k", "number": 7}, 422, "#/number"),
        ({"do": "call", "id": "k", "number": "7\r\nAction: Hangup"}, 422, "#/number"),
        ({"do": "call", "id": "k", "number": NUMBER, "to": "x"}, 422, "#/to"),
        ({"do": "hold", "id": "k"}, 422, "#/call_id"),
        ({"do": "hold", "id": "k", "call": "../users"}, 422, "#/call_id"),
        ({"do": "hold", "id": "k", "call": "0" * 32, "more": 1}, 422, "#/more"),
        ({"do": "hold", "id": "k", "call": "0" * 32}, 404, None),
        ({"do": "cancel", "id": "k", "command": "tl-none"}, 404, None),
    ],
)
async def test_what_is_no_order_gets_a_problem_and_the_socket_stays_open(
    api: Api, message: object, status: int, pointer: str | None
) -> None:
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        body = await answer_to(socket, message)
        again = await answer_to(socket, {"do": "hold", "id": "again", "call": "0" * 32})

    assert (body["status"], body["command"]) == (status, None)
    assert pointer is None or body["problem"]["errors"][0]["pointer"] == pointer
    assert again["id"] == "again"
    assert api.board.orders == []


async def test_every_order_names_a_route_that_asks_for_a_key_or_deletes(api: Api) -> None:
    document = await (await api.signed_in("anna")).get("openapi.json")
    paths = (await document.json())["paths"]

    for template in ROUTES.values():
        method, path = template.split(" ")
        operation = paths[f"/api/v1{path}"][method.lower()]
        keyed = any(p.get("name") == "Idempotency-Key" for p in operation.get("parameters", ()))
        assert keyed or method == "DELETE", template


async def test_orders_that_come_too_fast_are_told_so_and_in_the_end_the_socket_is_closed(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        first = await answer_to(socket, {"do": "hold", "id": "first", "call": "0" * 32})
        statuses = [first["status"]]
        for n in range(200):
            await socket.send_json({"do": "hold", "id": f"{n}", "call": "0" * 32})
        async with asyncio.timeout(60):
            async for message in socket:
                if message.type is WSMsgType.TEXT and message.json()["kind"] == "command.answer":
                    statuses.append(message.json()["body"]["status"])

    assert socket.close_code == WSCloseCode.POLICY_VIOLATION
    assert 1 <= statuses.count(404) <= BURST + 2
    assert statuses.count(429) >= 1


async def test_a_message_that_is_too_long_closes_the_socket(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        await socket.send_str(json.dumps({"do": "call", "id": "k", "number": "1" * MESSAGE_MAX}))
        async with asyncio.timeout(60):
            async for _ in socket:
                pass

    assert socket.close_code == WSCloseCode.MESSAGE_TOO_BIG


async def test_who_was_signed_out_meanwhile_orders_nothing(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        while (await socket.receive_json())["kind"] != "live":
            pass
        await api.site.pool.execute("delete from session")
        await socket.send_json({"do": "call", "id": "k", "number": NUMBER})
        async with asyncio.timeout(60):
            async for _ in socket:
                pass

    assert socket.close_code == SESSION_ENDED
    assert api.board.orders == []


async def test_an_order_is_done_although_its_socket_is_gone(api: Api) -> None:
    api.board.accept()
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live") as socket:
        await socket.send_json({"do": "call", "id": "k", "number": NUMBER})

    async with asyncio.timeout(60):
        while not api.board.orders:
            await asyncio.sleep(0.02)
    command = (await (await anna.get("commands")).json())["items"][0]
    assert (await becomes(anna, command, "accepted"))["source"] == "live"


async def test_a_supervisor_follows_the_orders_of_a_call_without_asking(api: Api) -> None:
    api.board.accept()
    call = str(await talking(api))
    anna, head, boris = [await api.signed_in(name) for name in ("anna", "head", "boris")]
    async with head.ws_connect("live") as theirs, boris.ws_connect("live") as his:
        for socket in (theirs, his):
            while (await socket.receive_json())["kind"] != "live":
                pass
        await anna.post(f"calls/{call}/hold", headers=key())
        kinds = [(await asyncio.wait_for(theirs.receive_json(), 60))["kind"] for _ in range(2)]
        await api.site.take_all(rows_of("in_answered"))
        others = []
        with contextlib.suppress(TimeoutError):
            while True:
                others.append((await asyncio.wait_for(his.receive_json(), 0.5))["kind"])

    assert not [kind for kind in others if kind.startswith("command.")]
    assert kinds == ["command.stored", "command.done"]


async def test_a_key_that_a_browser_sends_by_itself_orders_nothing(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    key = anna.headers["Authorization"].removeprefix("Bearer ")
    basic = encode_basic_auth("pbx", key)
    browser = await api.browser()
    async with browser.ws_connect("live", headers={"Authorization": basic}) as socket:
        body = await answer_to(socket, {"do": "call", "id": "k", "number": NUMBER})

    assert (body["status"], body["command"]) == (403, None)
    assert api.board.orders == []
