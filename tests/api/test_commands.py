"""Orders to the PBX: stored before they are sent, sent once, and told in plain words."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.access import Role
from gateway.domain.ports import OrderOutcome, OrderState
from gateway.store.idempotency import SILENCE
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
NUMBER = {"number": "8 (916) 123-45-67"}


def key(text: str = "a") -> dict[str, str]:
    return {"Idempotency-Key": text}


def accept(api: Api) -> None:
    api.board.outcome = OrderOutcome(state=OrderState.ACCEPTED, reason="", at=datetime.now(UTC))


async def test_an_order_rings_the_managers_phone_and_then_dials_the_number(api: Api) -> None:
    accept(api)
    anna = await api.caller(Role.MANAGER, "anna")

    response = await anna.post("calls", json=NUMBER, headers=key())

    command = await response.json()
    assert response.status == 202
    assert (command["state"], command["number"], command["extension"]) == ("accepted", "+79161234567", "101")
    assert api.board.orders == [{"id": command["id"], "endpoint": "101", "extension": "101", "number": "79161234567"}]
    assert response.headers["Location"] == f"/api/v1/commands/{command['id']}"


async def test_a_phone_that_rings_long_is_told_by_the_commands_address(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    ringing = await (await anna.get(f"commands/{command['id']}")).json()
    accept(api)
    api.board.answered.set()
    await asyncio.sleep(0.2)

    assert command["state"] == ringing["state"] == "sent"
    assert (await (await anna.get(f"commands/{command['id']}")).json())["state"] == "accepted"


async def test_the_same_key_gets_the_same_answer_and_never_dials_twice(api: Api) -> None:
    accept(api)
    anna = await api.caller(Role.MANAGER, "anna")

    first = await anna.post("calls", json=NUMBER, headers=key())
    again = await anna.post("calls", json=NUMBER, headers=key())

    assert (again.status, await again.json()) == (202, await first.json())
    assert len(api.board.orders) == 1


async def test_many_requests_at_once_with_one_key_dial_once(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    answers = await asyncio.gather(*(anna.post("calls", json=NUMBER, headers=key()) for _ in range(10)))

    assert len(api.board.orders) == 1
    assert sorted(r.status for r in answers) == [202] + [409] * 9


async def test_a_key_for_another_body_is_refused_and_another_callers_key_is_his_own(api: Api) -> None:
    accept(api)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    await anna.post("calls", json=NUMBER, headers=key())

    other = await anna.post("calls", json={"number": "+79160000001"}, headers=key())
    his = await boris.post("calls", json=NUMBER | {"anyway": True}, headers=key())

    await problem(other, 422, "key-reused")
    assert his.status == 202
    assert [order["extension"] for order in api.board.orders] == ["101", "102"]


async def test_an_order_cut_off_by_a_crash_becomes_unknown_and_is_never_sent_again(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()
    await api.site.pool.execute(
        "update idempotency set status = null, created_at = created_at - $1::interval", SILENCE + timedelta(seconds=1)
    )
    await api.site.pool.execute(
        "update command set ordered_at = ordered_at - $1::interval", SILENCE + timedelta(seconds=1)
    )

    again = await (await anna.post("calls", json=NUMBER, headers=key())).json()

    assert (again["id"], again["state"], again["reason"]) == (command["id"], "unknown", "interrupted")
    assert "decide" in again["detail"]
    assert len(api.board.orders) == 1


async def test_a_refused_order_is_told_in_words_and_becomes_a_call_without_a_leg(api: Api) -> None:
    api.board.refuse("no_phone")
    anna = await api.caller(Role.MANAGER, "anna")

    command = await (await anna.post("calls", json=NUMBER, headers=key())).json()

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
    assert (await head.post("calls", json=order, headers=key())).status == 202
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


async def talking(api: Api) -> Any:
    """A call in which Anna talks, up to the row before its end."""
    rows = rows_of("in_answered")
    for row in rows:
        await api.site.pipeline.take([row])
        if await api.site.pool.fetchval("select count(*) from call where state = 'talking'"):
            break
    return await api.site.pool.fetchval("select id from call")


async def test_a_manager_hangs_up_his_own_leg_and_a_supervisor_the_clients(api: Api) -> None:
    call = await talking(api)
    legs = dict(await api.site.pool.fetch("select role, id from leg"))
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR)

    assert (await anna.delete(f"calls/{call}")).status == 204
    assert (await head.delete(f"calls/{call}")).status == 204
    assert api.board.hung_up == [legs["manager"], legs["client"]]


async def test_a_leg_the_pbx_knows_no_more_leaves_the_next_one(api: Api) -> None:
    call = await talking(api)
    legs = dict(await api.site.pool.fetch("select role, id from leg"))
    api.board.gone_legs = {legs["client"]}
    head = await api.caller(Role.SUPERVISOR)

    assert (await head.delete(f"calls/{call}")).status == 204
    assert api.board.hung_up == [legs["client"], legs["manager"]]


async def test_a_call_that_is_over_cannot_be_hung_up(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    call = await api.site.pool.fetchval("select id from call")
    head = await api.caller(Role.SUPERVISOR)

    await problem(await head.delete(f"calls/{call}"), 409, "conflict")
    assert api.board.hung_up == []


async def test_a_colleagues_call_cannot_be_hung_up(api: Api) -> None:
    call = await talking(api)
    boris = await api.caller(Role.MANAGER, "boris")

    await problem(await boris.delete(f"calls/{call}"), 404, "not-found")
