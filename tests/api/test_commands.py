"""Orders to the PBX: stored before they are sent, sent once, and told in plain words."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.access import Role
from gateway.store.commands import SILENCE
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
NUMBER = {"number": "8 (916) 123-45-67"}


def key(text: str = "a") -> dict[str, str]:
    return {"Idempotency-Key": text}


def accept(api: Api) -> None:
    api.board.accept()


async def becomes(client: ClientSession, command: dict[str, Any], *states: str) -> dict[str, Any]:
    """A command, once it is in one of these states."""
    async with asyncio.timeout(60):
        while True:
            present = await (await client.get(f"commands/{command['id']}")).json()
            if present["state"] in states:
                return dict(present)
            await asyncio.sleep(0.02)


async def test_an_order_rings_the_managers_phone_and_then_dials_the_number(api: Api) -> None:
    accept(api)
    anna = await api.caller(Role.MANAGER, "anna")

    response = await anna.post("calls", json=NUMBER, headers=key())

    command = await response.json()
    assert response.status == 202
    assert (command["state"], command["number"], command["extension"]) == ("sent", "+79161234567", "101")
    assert (await becomes(anna, command, "accepted"))["detail"].startswith("The PBX took the order")
    assert api.board.orders == [{"id": command["id"], "endpoint": "101", "extension": "101", "number": "79161234567"}]
    assert response.headers["Location"] == f"/api/v1/commands/{command['id']}"


async def test_a_phone_that_rings_long_is_told_by_the_commands_address(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    ringing = await (await anna.get(f"commands/{command['id']}")).json()
    accept(api)
    api.board.answered.set()

    assert (command["state"], ringing["state"] in ("stored", "sent")) == ("sent", True)
    await becomes(anna, command, "accepted")


async def test_the_same_key_gets_the_same_answer_and_never_dials_twice(api: Api) -> None:
    accept(api)
    anna = await api.caller(Role.MANAGER, "anna")

    first = await anna.post("calls", json=NUMBER, headers=key())
    await becomes(anna, await first.json(), "accepted")
    again = await anna.post("calls", json=NUMBER, headers=key())

    assert (again.status, await again.json()) == (202, await first.json())
    assert len(api.board.orders) == 1


async def test_many_requests_at_once_with_one_key_dial_once(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    answers = await asyncio.gather(*(anna.post("calls", json=NUMBER, headers=key()) for _ in range(10)))

    assert {r.status for r in answers} == {202}
    assert len({(await r.json())["id"] for r in answers}) == 1
    await asyncio.sleep(0.1)
    assert len(api.board.orders) == 1


async def test_a_key_for_another_body_is_refused_and_another_callers_key_is_his_own(api: Api) -> None:
    accept(api)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    hers = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    await becomes(anna, hers, "accepted")

    other = await anna.post("calls", json={"number": "+79160000001"}, headers=key())
    his = await boris.post("calls", json=NUMBER | {"anyway": True}, headers=key())

    await problem(other, 422, "key-reused")
    assert his.status == 202
    await becomes(boris, await his.json(), "accepted")
    assert [order["extension"] for order in api.board.orders] == ["101", "102"]


@pytest.mark.parametrize(
    ("left", "state", "reason"), [("sent", "unknown", "interrupted"), ("stored", "refused", "not_sent")]
)
async def test_an_order_cut_off_by_a_crash_is_never_sent_again(api: Api, left: str, state: str, reason: str) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    await becomes(anna, command, "sent")
    await api.site.pool.execute(
        "update command set state = $2, ordered_at = ordered_at - $1::interval", SILENCE + timedelta(seconds=1), left
    )

    await api.parts.desk.watch.look()  # as a gateway that was just started
    again = await anna.post("calls", json=NUMBER, headers=key())
    present = await becomes(anna, command, state)

    assert (again.status, (await again.json())["id"]) == (202, command["id"])
    assert (present["state"], present["reason"]) == (state, reason)
    assert "decide" in present["detail"] or "Order it anew" in present["detail"]
    assert len(api.board.orders) == 1


async def test_a_refused_order_is_told_in_words_and_becomes_a_call_without_a_leg(api: Api) -> None:
    api.board.refuse("no_phone")
    anna = await api.caller(Role.MANAGER, "anna")

    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    command = await becomes(anna, command, "refused")
    async with asyncio.timeout(60):
        while (await anna.get(f"calls/{command['call_id']}")).status != 200:
            await asyncio.sleep(0.02)

    assert (command["state"], command["reason"]) == ("refused", "no_phone")
    assert "not registered" in command["detail"]
    call = await (await anna.get(f"calls/{command['call_id']}")).json()
    assert (call["direction"], call["client"]["number"]) == ("outbound", "+79161234567")
    assert call["command_id"] == command["id"]


async def test_the_call_of_an_order_is_found_under_the_id_that_was_told(api: Api) -> None:
    accept(api)
    anna = await api.caller(Role.MANAGER, "anna")
    command = await (await anna.post("calls", json={"number": "+79169998877"}, headers=key())).json()
    rows = [r.replace(b"crm-1795301661050", command["id"].encode()) for r in rows_of("c2c_ami")]
    await api.site.take_all(rows)

    call = await (await anna.get(f"calls/{command['call_id']}")).json()

    assert (call["direction"], call["result"], call["command_id"]) == ("outbound", "answered", command["id"])


@pytest.mark.parametrize("number", ["anonymous", "101", "+", "00000", "sip:x@y", "\r\nAction: Hangup", "7"])
async def test_what_is_no_clients_number_is_refused_before_anything_is_stored(api: Api, number: str) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    document = await problem(await anna.post("calls", json={"number": number}, headers=key()), 422, "invalid-request")

    assert document["errors"][0]["pointer"] == "#/number"  # type: ignore[index]
    assert await api.site.pool.fetchval("select count(*) from command") == 0
    assert await api.site.pool.fetchval("select count(*) from idempotency") == 0
    assert api.board.orders == []


async def test_a_person_without_a_phone_is_told_how_to_get_one(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    user = api.site.users["root"]

    document = await problem(await root.post("calls", json=NUMBER, headers=key()), 422, "rejected")

    assert f"PUT /api/v1/users/{user}/extensions/" in str(document["detail"])


async def test_an_extension_that_only_a_mobile_answers_has_no_phone_to_ring(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    anna = api.site.users["anna"]
    await root.put(f"users/{anna}/extensions/pbx1/101", json={"endpoints": ["+79990001122"]})
    caller = await api.caller(Role.MANAGER, "anna")

    document = await problem(await caller.post("calls", json=NUMBER, headers=key()), 422, "rejected")

    assert "PJSIP/101" in str(document["detail"])


async def test_only_a_supervisor_lets_anothers_phone_ring(api: Api) -> None:
    accept(api)
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")
    order = NUMBER | {"from": api.site.users["boris"]}

    await problem(await anna.post("calls", json=order, headers=key()), 403, "not-allowed")
    command = await head.post("calls", json=order, headers=key())
    assert command.status == 202
    await becomes(head, await command.json(), "accepted")
    assert [order["extension"] for order in api.board.orders] == ["102"]


async def test_a_command_is_shown_to_its_manager_and_to_supervisors(api: Api) -> None:
    accept(api)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR)
    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()

    await problem(await boris.get(f"commands/{command['id']}"), 404, "not-found")
    assert (await head.get(f"commands/{command['id']}")).status == 200


async def test_an_unknown_pbx_is_told_with_those_there_are(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    document = await problem(
        await anna.post("calls", json=NUMBER | {"pbx": "elsewhere"}, headers=key()), 404, "not-found"
    )

    assert "pbx1" in str(document["detail"])
