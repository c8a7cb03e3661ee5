"""Whom a click-to-call rings, whom it does not, and what is on the screen before the phone rings.

Requirement 5.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.commands.desk import CommandDesk
from gateway.commands.placing import CallOrder, OrderSource
from gateway.domain.access import Role
from gateway.domain.identity import command_id
from gateway.domain.phone import NumberPlan
from gateway.domain.ports import Ability
from gateway.live import Live
from gateway.store.database import open_pool
from tests.api.site import Api, open_api, problem
from tests.api.test_commands import becomes, key
from tests.gateway.site import BASE, rows_of, rows_of_now

pytestmark = pytest.mark.asyncio
NUMBER = "+79161234567"
SECOND = "+79165550011"
OURS = "+74950001122"


async def click(client: ClientSession, name: str = "a", number: str = NUMBER, **more: object) -> tuple[int, Any]:
    """Order a call; status and document."""
    response = await client.post("calls", json={"number": number, **more}, headers=key(name))
    return response.status, await response.json()


def code(answer: tuple[int, Any]) -> str:
    """Why an order was refused."""
    status, document = answer
    assert status in (409, 422), document
    return str(document["errors"][0]["code"])


async def one_person_with_two_numbers(client: ClientSession) -> int:
    body = {"name": "Olga", "phones": [{"number": NUMBER}, {"number": SECOND}]}
    card = await (await client.post("contacts", json=body, headers=key("card"))).json()
    return int(card["id"])


async def test_a_number_in_flight_is_not_dialled_again_whoever_wants_it(api: Api) -> None:
    api.board.accept()
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    first = await click(anna)

    again, his = await click(anna, "b"), await click(boris, "c")
    insisting, overriding = await click(anna, "d", anyway=True), await click(boris, "e", anyway=True)

    assert [code(a) for a in (again, his, insisting)] == ["in_flight", "colleague_calls", "in_flight"]
    assert first[1]["id"] in again[1]["detail"]
    assert "Anna is calling this client" in his[1]["detail"]
    assert overriding[0] == 202
    await becomes(boris, overriding[1], "accepted")
    assert len(api.board.orders) == 2


async def test_another_number_of_the_same_person_is_the_same_client(api: Api) -> None:
    api.board.accept()
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    await one_person_with_two_numbers(anna)
    await click(anna)

    assert code(await click(boris, "b", SECOND)) == "colleague_calls"
    assert code(await click(anna, "c", SECOND)) == "in_flight"


async def test_whoever_talks_with_us_is_not_dialled_by_any_of_his_numbers(api: Api) -> None:
    api.board.accept()
    rows = rows_of_now("in_answered")
    for row in rows:
        await api.site.pipeline.take([row])
        if await api.site.pool.fetchval("select count(*) from call where state = 'talking'"):
            break
    number = await api.site.pool.fetchval("select client_number from call")
    card = await api.site.pool.fetchval("select contact_id from call")
    await api.site.pool.execute("insert into contact_phone (number, contact_id) values ($1, $2)", SECOND, card)
    await api.site.pool.execute("insert into contact_number (number, contact_id) values ($1, $2)", SECOND, card)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")

    refused = [await click(client, f"{n}{to}", to) for n, client in enumerate((anna, boris)) for to in (number, SECOND)]

    assert [code(a) for a in refused] == ["in_call", "in_call", "colleague_talks", "colleague_talks"]
    assert code(await click(anna, "x", number, anyway=True)) == "in_call"
    assert "Anna is in a call" in refused[2][1]["detail"]
    await api.site.take_all(rows)
    assert (await click(boris, "y", number))[0] == 202


async def test_a_client_who_is_just_calling_is_not_called(api: Api) -> None:
    rows = rows_of_now("in_answered")
    await api.site.take_all(rows[:1])
    number = await api.site.pool.fetchval("select client_number from call")
    boris = await api.caller(Role.MANAGER, "boris")

    answer = await click(boris, number=number)

    assert code(answer) == "client_calls"
    assert "take the call" in answer[1]["detail"]


async def test_many_orders_at_one_moment_on_two_nodes_dial_once(api: Api, database: str) -> None:
    """Different keys, different managers, one of them by another number of the same card."""
    api.board.accept()
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    await one_person_with_two_numbers(anna)
    async with open_pool(database) as pool, asyncio.TaskGroup() as group:
        other = CommandDesk(pool, Live(), {"pbx1": api.board}, {"pbx1": BASE}, call_refused=_nobody)
        other.begin(group)

        async def elsewhere(n: int) -> str:
            user = api.site.users["anna" if n % 2 else "boris"]
            number = SECOND if n % 3 == 0 else NUMBER
            order = CallOrder(id=command_id(), user_id=user, number=number, source=OrderSource.SCHEDULED)
            return (await other.placing.place(order, now=datetime.now(UTC))).state

        async def here(n: int) -> str:
            client = anna if n % 2 else boris
            status, _ = await click(client, f"k{n}", SECOND if n % 3 == 0 else NUMBER)
            return "sent" if status == 202 else "refused"

        told = await asyncio.gather(*(f(n) for n in range(10) for f in (elsewhere, here)))

    assert sorted(told) == ["refused"] * 19 + ["sent"]
    await asyncio.sleep(0.1)
    assert len(api.board.orders) == 1


async def _nobody(id: str, reason: str, at: datetime) -> None:
    """No journal."""


async def test_the_database_itself_keeps_a_manager_from_ringing_a_number_twice(api: Api) -> None:
    insert = (
        "insert into command (id, pbx, user_id, extension, number, state) values ($1, 'pbx1', $2, '101', $3, 'sent')"
    )
    anna = api.site.users["anna"]
    await api.site.pool.execute(insert, "tl-1", anna, NUMBER)

    with pytest.raises(Exception, match="command_in_flight"):
        await api.site.pool.execute(insert, "tl-2", anna, NUMBER)


async def test_a_number_is_free_again_when_its_call_has_ended(api: Api) -> None:
    api.board.accept()
    anna = await api.caller(Role.MANAGER, "anna")
    number = "+79169998877"
    _, command = await click(anna, "a", number)
    await becomes(anna, command, "accepted")
    rows = [r.replace(b"crm-1795301661050", command["id"].encode()) for r in rows_of("c2c_ami")]
    seen = []
    for row in rows:
        await api.site.pipeline.take([row])
        await api.parts.desk.watch.look([command["id"]])
        seen.append((await (await anna.get(f"commands/{command['id']}")).json())["state"])

    assert list(dict.fromkeys(seen)) == ["accepted", "dialled", "talking", "ended"]
    assert (await becomes(anna, command, "ended"))["reason"] == "answered"
    assert (await click(anna, "b", number))[0] == 202
    kinds = [
        r["kind"] for r in await api.site.pool.fetch("select kind from fact where kind like 'command.%' order by id")
    ]
    assert kinds[:5] == [f"command.{state}" for state in ("stored", "accepted", "dialled", "talking", "ended")]


async def test_the_card_is_made_and_opened_before_the_phone_rings_on_that_managers_screen_alone(api: Api) -> None:
    anna, boris = await api.signed_in("anna"), await api.signed_in("boris")
    async with anna.ws_connect("live") as hers, boris.ws_connect("live") as his:
        for socket in (hers, his):
            while (await socket.receive_json())["kind"] != "live":
                pass

        _, command = await click(anna)

        told = [await asyncio.wait_for(hers.receive_json(), 60) for _ in range(3)]
        assert [m["kind"] for m in told] == ["card.created", "card.opened", "command.stored"]
        body = told[1]["body"]
        assert (body["contact_id"], body["number"]) == (command["contact_id"], NUMBER)
        assert (body["call_id"], body["command_id"]) == (command["call_id"], command["id"])
        assert told[2]["body"]["contact_id"] == command["contact_id"]
        head = await api.signed_in("head")
        api.board.accept()
        api.board.answered.set()
        feed = await (await head.get("events?limit=200")).json()
        assert "card.opened" not in {i["kind"] for i in feed["items"]}
        assert "command.stored" in {i["kind"] for i in feed["items"]}
        others = []
        while not his.closed:
            try:
                others.append((await asyncio.wait_for(his.receive_json(), 0.5))["kind"])
            except TimeoutError:
                break
        assert "card.opened" not in others
        assert not [kind for kind in others if kind.startswith("command.")]
    assert await api.site.pool.fetchval("select number from contact_phone where contact_id = $1", command["contact_id"])


async def test_each_managers_own_number_is_shown_to_the_client(database: str, tmp_path: Path) -> None:
    base = replace(BASE, plan=NumberPlan(region="RU", own=frozenset({OURS})), _found={})
    async with open_api(database, tmp_path, base=base) as api:
        api.board.accept()
        root, anna = await api.caller(Role.ADMIN, "root"), await api.caller(Role.MANAGER, "anna")
        place = f"users/{api.site.users['anna']}/extensions/pbx1/101"

        shown = await (await root.put(f"{place}/caller-id", json={"number": "8 (495) 000-11-22"})).json()
        foreign = await root.put(f"{place}/caller-id", json={"number": "+79160000000"})
        await problem(await anna.put(f"{place}/caller-id", json={"number": OURS}), 403, "not-allowed")
        _, command = await click(anna)
        await becomes(anna, command, "accepted")
        await root.put(place, json={"endpoints": ["101", "spare"]})
        kept = await (await root.get(f"users/{api.site.users['anna']}")).json()
        none = await (await root.put(f"{place}/caller-id", json={"number": None})).json()

        assert shown["extensions"][0]["caller_id"] == kept["extensions"][0]["caller_id"] == OURS
        document = await problem(foreign, 422, "invalid-request")
        assert OURS in document["errors"][0]["detail"]  # type: ignore[index]
        assert (command["caller_id"], api.board.shown) == (OURS, ["74950001122"])
        assert none["extensions"][0]["caller_id"] is None


@pytest.mark.parametrize("number", ["+18095550100", "8 809 505 12 34", "+870773111632"])
async def test_a_forbidden_number_is_refused_with_the_reason_and_kept(api: Api, number: str) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    status, document = await click(anna, number=number)

    assert (status, document["errors"][0]["pointer"]) == (422, "#/number")
    assert len(document["errors"][0]["detail"]) > 20
    assert api.board.orders == []
    assert await api.site.pool.fetchval("select count(*) from command") == 0
    assert await api.site.pool.fetchval("select count(*) from contact") == 0
    assert await api.site.pool.fetchval("select reason from dial_refusal") == document["errors"][0]["code"]


async def test_a_pbx_that_may_not_originate_says_so(api: Api) -> None:
    api.board.lacking = {Ability.ORIGINATE: "The account lacks the class `originate`."}
    anna = await api.caller(Role.MANAGER, "anna")

    status, document = await click(anna)

    assert (status, document["detail"]) == (409, "The account lacks the class `originate`.")


async def test_a_call_is_cancelled_while_it_rings_and_says_so(api: Api) -> None:
    api.board.accept()
    anna = await api.caller(Role.MANAGER, "anna")
    _, command = await click(anna)
    await becomes(anna, command, "accepted")
    rows = [r.replace(b"crm-1795301666605", command["id"].encode()) for r in rows_of("c2c_ami_noanswer")]
    await api.site.take_all(rows[:1])

    cancelled = await anna.delete(f"commands/{command['id']}")
    async with asyncio.timeout(60):
        while api.board.hung_up != [command["id"]]:
            await asyncio.sleep(0.02)
    await api.site.take_all(rows[1:])

    assert cancelled.status == 204
    over = await becomes(anna, command, "cancelled")
    assert (over["reason"], over["detail"]) == ("cancelled", "It was cancelled before the client took the phone.")
    await problem(await anna.delete(f"commands/{command['id']}"), 409, "conflict")


async def test_a_call_is_cancelled_that_is_still_on_its_way_to_the_pbx(api: Api) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    _, command = await click(anna)
    await becomes(anna, command, "sent")
    api.board.gone_legs = {command["id"]}

    await problem(await boris.delete(f"commands/{command['id']}"), 404, "not-found")
    assert (await anna.delete(f"commands/{command['id']}")).status == 204
    await asyncio.sleep(1.3)  # longer than the leg is looked for
    early = len(api.board.hung_up)
    api.board.gone_legs = set()
    api.board.accept()
    api.board.answered.set()
    async with asyncio.timeout(60):
        while len(api.board.hung_up) == early:
            await asyncio.sleep(0.02)

    assert set(api.board.hung_up) == {command["id"]}


async def test_my_commands_are_listed_and_a_supervisor_sees_everybodys(api: Api) -> None:
    api.board.accept()
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR, "head")
    for n in range(3):
        await click(anna, f"a{n}", f"+7916123450{n}")
    await click(boris, "b", SECOND)
    await click(head, "h", "+79165550099", **{"from": api.site.users["boris"]})

    async def numbers(client: ClientSession, query: str) -> list[str]:
        page = await (await client.get(f"commands?{query}")).json()
        return [c["number"] for c in page["items"]]

    assert await numbers(anna, "limit=200") == [f"+7916123450{n}" for n in (2, 1, 0)]
    assert await numbers(boris, "limit=200") == ["+79165550099", SECOND]
    assert len(await numbers(head, "limit=200")) == 5
    assert await numbers(head, "mine=true") == ["+79165550099"]
    assert await numbers(head, "kind=hold") == []
    first = await (await anna.get("commands?limit=2")).json()
    assert await numbers(anna, f"limit=2&cursor={first['next']}") == ["+79161234500"]


async def test_nobody_gets_a_number_by_a_colleagues_phone_that_he_may_not_dial_himself(api: Api) -> None:
    """A supervisor may have Anna's phone ring; her exception for Poland is hers."""
    api.board.accept()
    root, head = await api.caller(Role.ADMIN, "root"), await api.caller(Role.SUPERVISOR, "head")
    anna = api.site.users["anna"]
    body: dict[str, object] = {"user": anna, "countries": ["PL"], "version": 0}
    assert (await root.put("dial-permissions/exceptions", json=body)).status == 200

    assert code(await click(head, "a", "+48221234567", **{"from": anna})) == "country"
    assert (await click(head, "b", NUMBER, **{"from": anna}))[0] == 202
    assert (await click(await api.caller(Role.MANAGER, "anna"), "c", "+48221234567"))[0] == 202
    refused = await api.site.pool.fetchrow("select user_id, reason from dial_refusal")
    assert tuple(refused) == (anna, "country")
