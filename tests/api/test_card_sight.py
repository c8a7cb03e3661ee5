"""Under the rule `own`: a colleague's client behind every route that names one, on the live socket, and in files."""

import itertools
import re
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.access import Right, Role
from tests.api.site import Api, problem
from tests.api.test_live_socket import live, told
from tests.api.test_merges import ok, post
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
CALLER = "+79161234567"
SECRET = "Тайный Клиент"
NUMBER = "+79165550077"
_keys = itertools.count(1)
BODIES: dict[tuple[str, str], dict[str, object]] = {
    ("post", "/contacts/{contact_id}/merge"): {"gone": [1]},
    ("post", "/contacts/{contact_id}/notes"): {"text": "x"},
    ("patch", "/contacts/{contact_id}"): {"version": 1, "city": "x"},
    ("patch", "/contacts/{contact_id}/notes/{note_id}"): {"version": 1, "text": "x"},
}


async def hidden_card(api: Api) -> tuple[ClientSession, int]:
    """Boris, and a card of Anna's with all that a card can have; the rule is `own`."""
    root, boris = await api.caller(Role.ADMIN), await api.caller(Role.MANAGER, "boris")
    anna = await api.caller(Role.MANAGER, "anna")
    firm = (
        await ok(await post(root, "organisations", {"name": "Тайная фирма", "owner": api.site.users["anna"]}), 201)
    )["id"]
    card = (
        await ok(
            await post(
                root,
                "contacts",
                {
                    "name": SECRET,
                    "owner": api.site.users["anna"],
                    "organisation": firm,
                    "numbers": [NUMBER],
                    "addresses": [{"kind": "email", "value": "taina@example.com"}],
                },
            ),
            201,
        )
    )["id"]
    twin = (await ok(await post(root, "contacts", {"name": SECRET, "owner": api.site.users["anna"]}), 201))["id"]
    await ok(await post(root, f"contacts/{card}/merge", {"gone": [twin]}), 201)
    await ok(await post(anna, f"contacts/{card}/notes", {"text": SECRET}), 201)
    await ok(await post(anna, "tasks", {"kind": "call", "title": SECRET, "contact": card,
                                        "owner": api.site.users["anna"]}), 201)  # fmt: skip
    await ok(await post(root, "touches", {"kind": "form", "contact": {"number": NUMBER}, "text": SECRET}), 201)
    answer = await root.put("external-ids/crm/contact/x7", json={"local": str(card)})
    assert answer.status == 200, await answer.text()
    await ok(await root.patch("card-rule", json={"version": 1, "sees": "own"}))
    return boris, card


async def document(api: Api, client: ClientSession) -> dict[str, Any]:
    return await ok(await client.get("openapi.json"))  # type: ignore[no-any-return]


async def test_no_route_of_a_card_answers_for_a_colleagues_client(api: Api) -> None:
    """Requirements 123 and 124, over every route of the document that has a card in its address."""
    boris, card = await hidden_card(api)
    paths = (await document(api, boris))["paths"]
    asked = []
    for path, methods in paths.items():
        if "{contact_id}" not in path:
            continue
        address = re.sub(r"{\w+}", "1", path.replace("{contact_id}", str(card))).removeprefix("/api/v1").strip("/")
        for method in {"get", "post", "put", "patch", "delete"} & methods.keys():
            short = path.removeprefix("/api/v1")
            answer = await boris.request(
                method,
                address,
                json=BODIES.get((method, short)),
                headers={"Idempotency-Key": f"w{next(_keys)}"} if method == "post" else {},
            )
            assert answer.status == 404, (method, path, await answer.text())
            asked.append((method, path))
    assert len(asked) >= 9


async def test_no_list_shows_a_colleagues_client(api: Api) -> None:
    """Every list that can be asked without a parameter, and those that can be narrowed to one card."""
    boris, card = await hidden_card(api)
    seen = 0
    for path, methods in (await document(api, boris))["paths"].items():
        if "get" not in methods or "{" in path:
            continue
        names = {p.get("name") for p in methods["get"].get("parameters", ())}
        queries: list[dict[str, str]] = [{}]
        queries += [{name: str(card)} for name in ("contact", "local") if name in names]
        queries += [{name: text} for name in ("q",) if name in names for text in (SECRET, NUMBER, "taina@", "Тайная")]
        queries += [{"external": "crm:x7"}] if "external" in names else []
        for query in queries:
            async with boris.get(path.removeprefix("/api/v1").strip("/"), params=query) as answer:
                if answer.status != 200 or not answer.content_type.endswith("json"):
                    continue
                text = await answer.text()
            seen += 1
            for word in (SECRET, NUMBER, "taina@", "Тайная"):
                assert word not in text, (path, query, text)
    assert seen > 30


async def test_a_colleagues_client_is_neither_chosen_nor_merged_nor_given_a_task(api: Api) -> None:
    boris, card = await hidden_card(api)
    own = (await ok(await post(boris, "contacts", {"name": "B"}), 201))["id"]

    for path, body in (
        (f"contacts/{own}/merge", {"gone": [card]}),
        ("tasks", {"kind": "call", "contact": card}),
        ("tasks", {"kind": "call", "contacts": [card]}),
        ("outcomes", {"contact": card, "outcome": "talked"}),
        ("touches", {"kind": "form", "contact": {"id": card}, "text": "x"}),
    ):
        answer = await post(boris, path, body)
        assert answer.status in (403, 404, 422), (path, body, answer.status)
        assert SECRET not in await answer.text()
    assert (await boris.put("external-ids/erp/contact/1", json={"local": str(card)})).status in (403, 404, 422)
    assert (await boris.delete("external-ids/crm/contact/x7")).status == 404
    merge = await api.site.pool.fetchval("select min(id) from contact_merge")
    await problem(await post(boris, f"merges/{merge}/undo"), 404, "not-found")


async def test_a_file_of_cards_holds_what_its_reader_may_see(api: Api) -> None:
    """Complaint C30: whoever leaves must not take the base along."""
    boris, _ = await hidden_card(api)
    head = await api.caller(Role.SUPERVISOR, "head")
    narrow = await api.caller(Role.MANAGER, "boris", [Right.CONTACTS_READ])

    whole = await head.get("exports/contacts")
    text = await whole.text()

    assert SECRET in text
    for who in (boris, narrow):
        await problem(await who.get("exports/contacts"), 403, "not-allowed")


async def test_a_shared_number_that_rings_offers_its_choices_on_the_live_socket(api: Api) -> None:
    """Complaint C8: the screen asks who it is in the moment of ringing, and the answer is told to it."""
    anna = await api.caller(Role.MANAGER, "anna")
    phones = [{"number": CALLER, "shared": True}]
    one, other = [(await ok(await post(anna, "contacts", {"name": n, "phones": phones}), 201))["id"] for n in "AB"]
    rows = rows_of("in_answered")
    async with live(anna) as socket:
        await told(socket)
        await api.site.take_all(rows[:4], 1)
        ringing = (await told(socket, "call.changed"))[-1]["body"]  # the first that concerns her
        await ok(await anna.patch(f"calls/{ringing['id']}", json={"contact": other}))
        identified = (await told(socket, "call.identified"))[-1]["body"]
        await api.site.take_all(rows[4:], 1)
        ended = (await told(socket, "call.ended"))[-1]["body"]

    assert (ringing["state"], ringing["contact_id"], ringing["contact_name"]) == ("ringing", None, None)
    assert [(c["contact_id"], c["name"]) for c in ringing["choices"]] == [(one, "A"), (other, "B")]
    assert identified["contact_id"] == other
    assert (ended["contact_id"], ended["contact_name"]) == (other, "B")


async def test_choices_that_are_hidden_are_not_offered_by_name(api: Api) -> None:
    """Under `own` who rings is shown to whom he rings; to a colleague who only may read calls he is not."""
    root = await api.caller(Role.ADMIN)
    head_of = api.site.users["head"]
    phones = [{"number": CALLER, "shared": True}]
    for name in (SECRET, f"{SECRET} 2"):
        await ok(await post(root, "contacts", {"name": name, "phones": phones, "owner": head_of}), 201)
    await ok(await root.patch("card-rule", json={"version": 1, "sees": "own"}))
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")

    await api.site.take_all(rows_of("in_answered")[:4], 1)

    hers = await ok(await anna.get("calls", params={"state": "open"}))
    his = await (await boris.get("calls", params={"state": "open"})).text()
    assert [c["name"] for c in hers["items"][0]["choices"]] == [SECRET, f"{SECRET} 2"]
    assert SECRET not in his


@pytest.mark.parametrize("number", ["anonymous", "101", "+74951234567\n", "8 (495) 123-45-67 доб. 12"])
async def test_what_is_no_plain_clients_number_makes_no_wrong_card(api: Api, number: str) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    answer = await post(anna, "contacts", {"name": "x", "numbers": [number]})
    if answer.status == 201:
        assert re.fullmatch(r"\+\d{10,15}", (await answer.json())["numbers"][0])
    else:
        await problem(answer, 422, "invalid-request")
        assert await api.site.pool.fetchval("select count(*) from contact") == 0


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "a\x85b", "a\u2028b", "a\u202eb", "\x1b[31m"])
async def test_a_name_with_control_characters_is_refused(api: Api, name: str) -> None:
    """What a screen or a log would take for a new line or another direction is no part of a name."""
    anna = await api.caller(Role.MANAGER, "anna")
    for body in ({"name": name}, {"name": "x", "source_name": name}, {"name": "x", "city": name}):
        await problem(await post(anna, "contacts", body), 422, "invalid-request")
    await problem(await post(anna, "contacts", {"name": "x", "source_name": "ads\n"}), 422, "invalid-request")
