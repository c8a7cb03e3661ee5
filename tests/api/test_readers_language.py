"""What an answer says to people is in the language that the request asks for; what is kept stays English."""

import asyncio
import re

import pytest
from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api
from tests.api.test_commands import becomes, key
from tests.api.test_dial_permissions import checked, refuse
from tests.api.test_live_orders import answer_to

pytestmark = pytest.mark.asyncio
NUMBER = "+79161234567"


async def reader(api: Api, role: Role, name: str | None = None, language: str = "ru") -> ClientSession:
    """Somebody whose page asks for this language."""
    client = await api.caller(role, name)
    client.headers["Accept-Language"] = language
    return client


def is_russian(text: object) -> bool:
    return re.search("[а-я]", str(text)) is not None


async def test_why_a_number_may_not_be_dialled(api: Api) -> None:
    anna, head = await reader(api, Role.MANAGER, "anna"), await reader(api, Role.ADMIN)
    pole = await reader(api, Role.MANAGER, "anna", "pl")
    await refuse(api, "anna", "+48221234567")

    tried = await checked(anna, "a", "+48 22 123 45 67")
    kept = (await (await head.get("dial-permissions/refusals")).json())["items"][0]

    assert str(tried["sentence"]).startswith("Звонки в эту страну (PL) запрещены, можно только: RU. Изменить это может")
    assert kept["sentence"] == tried["sentence"]
    assert str((await checked(pole, "a", "112"))["sentence"]).startswith("Stąd nie dzwoni się na numery alarmowe")
    assert "Calls to PL" in await api.site.pool.fetchval("select sentence from dial_refusal")


async def test_how_far_an_order_is_and_why_another_one_is_not_taken(api: Api) -> None:
    api.board.accept()
    anna = await reader(api, Role.MANAGER, "anna")
    command = await (await anna.post("calls", json={"number": NUMBER}, headers=key())).json()
    done = await becomes(anna, command, "accepted")
    second = await (await anna.post("calls", json={"number": NUMBER}, headers=key("b"))).json()

    assert command["detail"] == "Передано АТС, ответа ещё нет."
    assert done["detail"].startswith("АТС приняла команду")
    assert second["errors"][0]["detail"].startswith("Вы уже звоните этому клиенту")
    fact = await api.site.pool.fetchval("select body->>'detail' from fact where kind = 'command.accepted'")
    assert fact.startswith("The PBX took the order")


async def test_an_order_over_a_browsers_socket(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with anna.ws_connect("live?language=ru") as socket:
        told = await answer_to(socket, {"do": "call", "id": "k", "number": "+48221234567"})

    assert is_russian(told["problem"]["title"])
    assert told["problem"]["errors"][0]["detail"].startswith("Звонки в эту страну")


async def test_who_would_ring_and_why_not_the_others(api: Api) -> None:
    admin = await reader(api, Role.ADMIN)
    route = {"name": "Main", "did": "74951234567", "steps": [{"kind": "owner"}]}
    await admin.post("inbound-routes", json=route, headers=key("r"))

    tried = {"did": "74951234567", "caller": NUMBER}
    async with admin.post("inbound-routes/try", json=tried, headers=key("t")) as response:
        told = await response.json()

    assert told["decisions"][0]["reasons"][0]["text"] == "Шаг 1: у клиента нет своего менеджера."


async def test_why_a_file_is_not_taken_and_why_an_import_broke_off(api: Api) -> None:
    client = await reader(api, Role.ADMIN)
    headers = {"Content-Type": "text/csv", **key("i")}
    refused = await client.post("imports", params={"name": "x"}, data=b"\n\n\n", headers=headers)
    assert (await refused.json())["detail"] == "В файле нет строк."

    headers = {"Content-Type": "text/csv", **key("j")}
    sent = await client.post("imports", params={"name": "x"}, data=b"name,phone\nA,+79030000001\n", headers=headers)
    found = await sent.json()
    (api.parts.imports.folder / str(found["id"])).unlink(missing_ok=True)
    for file in api.parts.imports.folder.iterdir():
        file.unlink()
    await client.post(f"imports/{found['id']}/run", json={}, headers=key("k"))
    async with asyncio.timeout(30):
        while not (found := await (await client.get(f"imports/{found['id']}")).json())["fault"]:
            await asyncio.sleep(0.05)

    assert found["fault"] == "Файла этого импорта на сервере больше нет; загрузите его снова."


async def test_why_there_is_no_phone_in_the_browser_and_no_exchange(api: Api) -> None:
    anna, root = await reader(api, Role.MANAGER, "anna"), await reader(api, Role.ADMIN)

    assert is_russian((await (await anna.get("softphone")).json())["detail"])
    assert is_russian((await (await root.get("exchange")).json())["trouble"])
    assert is_russian((await (await root.get("demo")).json())["hindered"]["text"])
