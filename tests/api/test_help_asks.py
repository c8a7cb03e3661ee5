"""A manager asks for help in a call, and a supervisor comes."""

from typing import Any

from aiohttp import ClientSession

from gateway.aftercare.follow import now
from gateway.aftercare.help_asks import close_asks
from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

ASK = {"text": "May I give 15 % off?"}


async def ask(client: ClientSession, key: str, **body: object) -> Any:
    """Ask for help."""
    response = await client.post("help", json={**ASK, **body}, headers={"Idempotency-Key": key})
    assert response.status == 201, await response.text()
    return await response.json()


async def post(client: ClientSession, path: str, key: str) -> Any:
    return await client.post(path, headers={"Idempotency-Key": key})


async def test_an_ask_names_the_call_in_which_one_talks_and_supervisors_hear_of_it(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered")[:8])
    call = await api.site.pool.fetchval("select id from call where state = 'talking'")
    anna, head, boris = (
        await api.caller(Role.MANAGER, "anna"),
        await api.signed_in("head"),
        await api.signed_in("boris"),
    )
    async with head.ws_connect("live") as socket:
        while (await socket.receive_json())["kind"] != "live":
            pass

        asked = await ask(anna, "a")

        told = await socket.receive_json()
    assert (told["kind"], told["body"]["text"], told["body"]["user_name"]) == ("help.asked", ASK["text"], "Anna")
    assert (asked["call"], asked["state"]) == (str(call), "open")
    assert [a["id"] for a in (await (await head.get("help")).json())["items"]] == [asked["id"]]
    assert (await (await boris.get("help")).json())["items"] == []


async def test_who_comes_first_has_it_and_the_others_know(api: Api) -> None:
    anna, head, root = (
        await api.caller(Role.MANAGER, "anna"),
        await api.caller(Role.SUPERVISOR, "head"),
        await api.caller(Role.ADMIN, "root"),
    )
    asked = await ask(anna, "a")

    taken = await (await post(head, f"help/{asked['id']}/take", "t")).json()

    assert (taken["state"], taken["taken_name"]) == ("taken", "Head")
    await problem(await post(root, f"help/{asked['id']}/take", "t"), 409, "conflict")
    await problem(await post(anna, f"help/{asked['id']}/take", "t"), 403, "not-allowed")
    closed = await (await post(anna, f"help/{asked['id']}/close", "c")).json()
    assert (closed["state"], closed["closed_by"][:4]) == ("closed", "key:")
    await problem(await post(head, f"help/{asked['id']}/close", "c"), 409, "conflict")
    assert (await (await head.get("help")).json())["items"] == []
    everything = (await (await head.get("help", params={"waiting": "false"})).json())["items"]
    assert [a["id"] for a in everything] == [asked["id"]]
    kinds = await api.site.pool.fetch("select kind from fact where kind like 'help.%' order by id")
    assert [r["kind"] for r in kinds] == ["help.asked", "help.taken", "help.closed"]


async def test_who_asks_again_says_it_in_other_words(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    first = await ask(anna, "a")

    again = await ask(anna, "b", text="He wants 20")

    assert (again["id"], again["text"], again["version"]) == (first["id"], "He wants 20", 2)


async def test_an_ask_of_a_colleague_is_not_there(api: Api) -> None:
    asked = await ask(await api.caller(Role.MANAGER, "anna"), "a")
    boris = await api.caller(Role.MANAGER, "boris")

    await problem(await post(boris, f"help/{asked['id']}/close", "c"), 404, "not-found")


async def test_an_ask_ends_with_its_call(api: Api) -> None:
    rows = rows_of("in_answered")
    await api.site.take_all(rows[:8])
    anna = await api.caller(Role.MANAGER, "anna")
    asked = await ask(anna, "a")
    async with api.site.pool.acquire() as connection:
        assert await close_asks(connection, now()) == []
        await api.site.take_all(rows[8:])

        (fact,) = await close_asks(connection, now())

    assert (fact.kind, fact.body["why"], fact.body["id"]) == ("help.closed", "call_ended", asked["id"])
    ended = await anna.post("help", json={"call": asked["call"]}, headers={"Idempotency-Key": "e"})
    await problem(ended, 409, "conflict")
