"""Cards as a sales office uses them: firms and their people, shared numbers, own fields, search, and who sees whom."""

import itertools
from typing import Any

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
CALLER = "+79161234567"
_keys = itertools.count(1)


async def post(client: Any, path: str, json: Any = None) -> Any:
    return await client.post(path, json=json, headers={"Idempotency-Key": f"k{next(_keys)}"})


async def ok(response: Any, status: int = 200) -> Any:
    assert response.status == status, await response.text()
    return await response.json()


async def card(client: Any, **values: object) -> Any:
    return await ok(await post(client, "contacts", values), 201)


async def field(client: Any, **values: object) -> Any:
    return await ok(await post(client, "fields", values), 201)


async def found(client: Any, **query: Any) -> list[str]:
    """Names of the cards of a list."""
    return [c["name"] for c in (await ok(await client.get("contacts", params=query)))["items"]]


async def test_several_persons_of_a_firm_have_a_card_each(api: Api) -> None:
    """Requirement 25: one organisation, several people calling for it."""
    anna = await api.caller(Role.MANAGER, "anna")
    firm = await ok(await post(anna, "organisations", {"name": "ООО Ромашка", "city": "Казань"}), 201)
    shared = [{"number": "8 (843) 200-00-01", "kind": "work", "shared": True}]
    await card(anna, name="Бухгалтер", organisation=firm["id"], phones=shared, job_title="бухгалтер")
    await card(anna, name="Кладовщик", organisation=firm["id"], phones=shared)

    people = await ok(await anna.get(f"organisations/{firm['id']}/contacts"))
    read = await ok(await anna.get(f"organisations/{firm['id']}"))

    assert [p["name"] for p in people["items"]] == ["Кладовщик", "Бухгалтер"]
    assert people["items"][0]["organisation_name"] == "ООО Ромашка"
    assert people["items"][0]["phones"] == [{"number": "+78432000001", "kind": "work", "label": "", "shared": True}]
    assert read["people"] == 2
    assert people["items"][0]["timezone_proposed"] == "Europe/Moscow"


async def test_who_calls_with_a_shared_number_is_asked_and_not_guessed(api: Api) -> None:
    """Complaint C8: several matches are a choice, never the first one."""
    anna = await api.caller(Role.MANAGER, "anna")
    phones = [{"number": CALLER, "shared": True}]
    _, other = [await card(anna, name=n, phones=phones) for n in ("Пётр", "Ольга")]
    rows = rows_of("in_answered")
    await api.site.take_all(rows[:4], 1)

    id_ = await api.site.pool.fetchval("select id from call")
    ringing = await ok(await anna.get(f"calls/{id_}"))
    chosen = await ok(await anna.patch(f"calls/{id_}", json={"contact": other["id"]}))
    await api.site.take_all(rows[4:], 1)
    ended = await ok(await anna.get(f"calls/{id_}"))
    feed = await ok(await anna.get("events"))

    assert (ringing["contact_id"], [c["name"] for c in ringing["choices"]]) == (None, ["Пётр", "Ольга"])
    assert (chosen["contact_id"], chosen["contact_name"]) == (other["id"], "Ольга")
    assert (ended["state"], ended["contact_name"]) == ("ended", "Ольга")
    told = [f["body"] for f in feed["items"] if f["kind"] == "call.ended"][-1]
    assert (told["contact_id"], told["contact_name"], len(told["choices"])) == (other["id"], "Ольга", 2)
    assert "call.identified" in {f["kind"] for f in feed["items"]}
    await problem(await anna.patch(f"calls/{id_}", json={"contact": 999}), 422, "invalid-request")


async def test_a_choice_can_be_remembered_and_taken_back(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    phones = [{"number": CALLER, "shared": True}]
    one, _ = [await card(anna, name=n, phones=phones) for n in ("Пётр", "Ольга")]
    await api.site.take_all(rows_of("in_answered"))
    id_ = await api.site.pool.fetchval("select id from call")

    await ok(await anna.patch(f"calls/{id_}", json={"contact": one["id"], "remember": True}))
    await api.site.take_all(rows_of("queue_answered"))
    cards = await api.site.pool.fetch("select contact_id from call order by started_at")
    back = await ok(await anna.patch(f"calls/{id_}", json={"contact": None}))

    assert [r["contact_id"] for r in cards] == [one["id"], one["id"]]
    assert (back["contact_id"], len(back["choices"])) == (one["id"], 2)


async def test_a_number_that_only_one_has_again_is_his(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    phones = [{"number": CALLER, "shared": True}]
    one, other = [await card(anna, name=n, phones=phones) for n in ("Пётр", "Ольга")]

    left = await ok(await anna.patch(f"contacts/{other['id']}", json={"version": 1, "phones": []}))
    await api.site.take_all(rows_of("in_answered"))

    assert left["numbers"] == []
    assert await api.site.pool.fetchval("select contact_id from call") == one["id"]
    taken = await anna.patch(f"contacts/{other['id']}", json={"version": 2, "phones": [{"number": CALLER}]})
    await problem(taken, 409, "conflict")


async def test_fields_are_filled_while_talking(api: Api) -> None:
    """Requirements 21 and 22: city, line of business, priority, and how hot the request is."""
    anna = await api.caller(Role.MANAGER, "anna")
    made = await card(anna, name="Иван")
    body = {
        "version": 1,
        "city": " Казань ",
        "line_of_business": "кровля",
        "priority": 4,
        "heat": "hot",
        "stage": "lead",
        "timezone": "Europe/Samara",
        "birthday": "1980-02-29",
        "addresses": [
            {"kind": "email", "value": "Ivan@Example.COM", "label": "рабочая"},
            {"kind": "email", "value": "ivan@example.com"},
            {"kind": "messenger", "value": "@ivan", "label": "Telegram"},
        ],
    }
    changed = await ok(await anna.patch(f"contacts/{made['id']}", json=body))

    assert (changed["city"], changed["priority"], changed["heat"], changed["birthday"]) == (
        "Казань",
        4,
        "hot",
        "1980-02-29",
    )
    assert [(a["kind"], a["value"], a["label"]) for a in changed["addresses"]] == [
        ("email", "Ivan@Example.COM", "рабочая"),
        ("messenger", "@ivan", "Telegram"),
    ]
    for wrong in ({"priority": 6}, {"heat": "boiling"}, {"timezone": "Moon/Base"}, {"organisation": 9},
                  {"addresses": [{"kind": "email", "value": "no"}]}):  # fmt: skip
        await problem(await anna.patch(f"contacts/{made['id']}", json={"version": 2, **wrong}), 422, "invalid-request")


async def test_lists_are_filtered_by_what_a_card_holds(api: Api) -> None:
    """Requirements 77 and 86: clients by heat and by priority."""
    anna = await api.caller(Role.MANAGER, "anna")
    await card(anna, name="A", heat="hot", priority=5, city="Казань", source_kind="site", source_name="кровля")
    await card(anna, name="B", heat="cold", priority=1, city="казань", owner=api.site.users["anna"])
    await card(anna, name="C", stage="client")

    assert await found(anna, heat="hot") == ["A"]
    assert await found(anna, priority=1) == ["B", "A"]
    assert await found(anna, city="КАЗАНЬ") == ["B", "A"]
    assert await found(anna, stage="client") == ["C"]
    assert await found(anna, source_kind="site", source_name="кровля") == ["A"]
    assert await found(anna, has_owner="true") == ["B"]
    assert await found(anna, created_since="2199-01-01T00:00:00Z") == []
    assert await found(anna, fields="name", sort="last_touch") == ["C", "B", "A"]


async def test_the_site_defines_fields_of_its_own(api: Api) -> None:
    """Requirement 120."""
    root, anna = await api.caller(Role.ADMIN), await api.caller(Role.MANAGER, "anna")
    await field(root, key="inn", label="ИНН", kind="text", searchable=True)
    await field(root, key="size", label="Размер", kind="choice", choices=["S", "M"])
    await field(root, key="vip", label="VIP", kind="yes_no")
    await field(root, key="area", label="Площадь", kind="number")
    since = await field(root, key="since", label="С", kind="date")

    made = await card(anna, name="Иван", fields={"inn": "7701234567", "size": "M", "vip": True, "area": 12.5})
    other = await card(anna, name="Пётр", fields={"since": "2020-02-29", "vip": False})

    assert made["fields"] == {"inn": "7701234567", "size": "M", "vip": True, "area": 12.5}
    assert await found(anna, field="size:m") == ["Иван"]
    assert await found(anna, field="vip:нет") == ["Пётр"]
    assert await found(anna, field="area:12,5") == ["Иван"]
    assert await found(anna, q="70123") == ["Иван"]
    for wrong in ({"size": "L"}, {"vip": "maybe"}, {"area": "x"}, {"since": "2021-02-29"}, {"colour": "red"}):
        answer = await anna.patch(f"contacts/{other['id']}", json={"version": 1, "fields": wrong})
        document = await problem(answer, 422, "invalid-request")
        assert document["errors"][0]["pointer"] == f"#/fields/{next(iter(wrong))}"  # type: ignore[index]
    await ok(await root.patch(f"fields/{since['id']}", json={"version": 1, "archived": True}))
    kept = await ok(await anna.patch(f"contacts/{other['id']}", json={"version": 1, "fields": {"vip": None}}))
    assert kept["fields"] == {"since": "2020-02-29"}
    assert [f["key"] for f in (await ok(await anna.get("fields")))["items"]] == ["inn", "size", "vip", "area"]
    await problem(await post(anna, "fields", {"key": "x", "label": "x", "kind": "text"}), 403, "not-allowed")
    await problem(await post(root, "fields", {"key": "inn", "label": "x", "kind": "text"}), 409, "conflict")


async def test_a_field_that_becomes_searchable_finds_the_cards_that_have_it(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    inn = await field(root, key="inn", label="ИНН", kind="text")
    await card(root, name="Иван", fields={"inn": "АБ-7701"})
    assert await found(root, q="аб-7701") == []

    await ok(await root.patch(f"fields/{inn['id']}", json={"version": 1, "searchable": True}))

    assert await found(root, q="аб-7701") == ["Иван"]
    stale = await root.patch(f"fields/{inn['id']}", json={"version": 1, "searchable": False})
    await problem(stale, 409, "conflict")


async def test_a_choice_that_a_card_has_is_not_taken_away(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    size = await field(root, key="size", label="Размер", kind="choice", choices=["S", "M"])
    await card(root, name="Иван", fields={"size": "M"})

    await problem(await root.patch(f"fields/{size['id']}", json={"version": 1, "choices": ["S"]}), 409, "conflict")
    changed = await ok(await root.patch(f"fields/{size['id']}", json={"version": 1, "choices": ["M", "L"]}))

    assert changed["choices"] == ["M", "L"]


async def test_everything_is_found_from_any_place(api: Api) -> None:
    """Requirement 121: search from any place of the application."""
    anna = await api.caller(Role.MANAGER, "anna")
    await ok(await post(anna, "organisations", {"name": "ООО Никифоров и К"}), 201)
    await card(anna, name="Ольга Никифорова", numbers=["+79165550011"],
               addresses=[{"kind": "email", "value": "olga@dom.example"}])  # fmt: skip

    async def names(q: str) -> list[str]:
        answer = await ok(await anna.get("search", params={"q": q}))
        return [c["name"] for c in answer["contacts"]] + [o["name"] for o in answer["organisations"]]

    assert await names("никифор") == ["Ольга Никифорова", "ООО Никифоров и К"]
    for text in ("Никифорова Ольга", "8 916 555-00-11", "0011", "555-00-11", "OLGA@dom", "Никофорова"):
        assert await names(text) == ["Ольга Никифорова"], text
    for text in ("011", "Сидоров", "   "):
        assert await names(text) == [], text


async def test_a_manager_sees_his_own_clients_where_the_rule_says_so(api: Api) -> None:
    """Requirements 123 and 124: a manager sees only certain clients."""
    root = await api.caller(Role.ADMIN)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR, "head")
    theirs = await card(root, name="Анны", owner=api.site.users["anna"], numbers=["+79165550011"])
    await card(root, name="Бориса", owner=api.site.users["boris"])
    await card(root, name="Ничья")
    await api.site.take_all(rows_of("in_answered"))
    caller = await api.site.pool.fetchval("select contact_id from call")
    await api.site.pool.execute("update contact set name = 'Звонил', owner_id = $1 where id = $2",
                                api.site.users["head"], caller)  # fmt: skip

    rule = await ok(await root.patch("card-rule", json={"version": 1, "sees": "own"}))

    assert rule["sees"] == "own"
    assert await found(anna) == ["Звонил", "Ничья", "Анны"]
    assert await found(boris) == ["Ничья", "Бориса"]
    assert await found(head) == ["Звонил", "Ничья", "Бориса", "Анны"]
    assert await found(boris, q="Анны") == []
    assert (await ok(await boris.get("search", params={"q": "0011"})))["contacts"] == []
    for path in (f"contacts/{theirs['id']}", f"contacts/{theirs['id']}/timeline", f"contacts/{theirs['id']}/notes"):
        await problem(await boris.get(path), 404, "not-found")
    await problem(await boris.patch(f"contacts/{theirs['id']}", json={"version": 1}), 404, "not-found")
    await problem(await post(boris, f"contacts/{theirs['id']}/notes", {"text": "x"}), 404, "not-found")
    told = {f["body"].get("id") for f in (await ok(await boris.get("events")))["items"] if f["kind"] != "call.ended"}
    assert theirs["id"] not in told
    await problem(await anna.patch("card-rule", json={"version": 2, "sees": "all"}), 403, "not-allowed")


async def test_a_card_is_shown_while_its_client_rings_and_no_longer(api: Api) -> None:
    root, boris = await api.caller(Role.ADMIN), await api.caller(Role.MANAGER, "boris")
    anna = await api.caller(Role.MANAGER, "anna")
    made = await card(root, name="Звонит", owner=api.site.users["head"], numbers=[CALLER])
    await ok(await root.patch("card-rule", json={"version": 1, "sees": "own"}))
    await api.site.take_all(rows_of("in_answered")[:4], 1)

    while_ringing = await ok(await anna.get("calls", params={"state": "open"}))

    assert while_ringing["items"][0]["contact_name"] == "Звонит"
    assert (await anna.get(f"contacts/{made['id']}")).status == 200
    await problem(await boris.get(f"contacts/{made['id']}"), 404, "not-found")


async def test_the_time_line_is_one_over_all_managers(api: Api) -> None:
    """Requirements 107, 108 and 111: the whole history, over different employees."""
    await api.site.take_all(rows_of("in_answered"))
    await api.site.take_all(rows_of("queue_answered"))
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    id_ = await api.site.pool.fetchval("select contact_id from call limit 1")
    for place in range(3):
        await ok(await post(anna, f"contacts/{id_}/notes", {"text": f"n{place}"}), 201)
    await ok(await anna.patch(f"contacts/{id_}", json={"version": 1, "owner": api.site.users["boris"]}))

    by_anna = f"user:{api.site.users['anna']}"
    await api.site.pool.execute("update contact_note set author = $1", by_anna)
    await api.site.pool.execute("update owner_change set by = $1", by_anna)

    first = await ok(await boris.get(f"contacts/{id_}/timeline", params={"limit": 3}))
    rest = await ok(await boris.get(f"contacts/{id_}/timeline", params={"limit": 9, "cursor": first["next"]}))
    notes = await ok(await boris.get(f"contacts/{id_}/timeline", params={"kind": "note"}))

    kinds = [e["kind"] for e in first["items"] + rest["items"]]
    assert sorted(kinds) == ["call", "call", "note", "note", "note", "owner"]
    assert [e["at"] for e in first["items"] + rest["items"]] == sorted(
        (e["at"] for e in first["items"] + rest["items"]), reverse=True
    )
    assert {e["open"] for e in first["items"] + rest["items"] if e["kind"] == "call"} == {True, False}
    assert [e["body"]["text"] for e in notes["items"]] == ["n2", "n1", "n0"]
    assert [e["by_name"] for e in notes["items"]] == ["Anna"] * 3
    (owner,) = [e for e in first["items"] + rest["items"] if e["kind"] == "owner"]
    assert (owner["body"]["from_name"], owner["body"]["to_name"], owner["by_name"]) == (None, "Boris", "Anna")
    parts = [m for e in first["items"] + rest["items"] if e["kind"] == "call" for m in e["body"]["managers"]]
    assert {m["name"] for m in parts if m["user_id"] == api.site.users["anna"]} == {"Anna"}
    assert all(m["talk_seconds"] >= 0 and m["extension"] for m in parts)


async def test_a_new_owner_is_told_and_remembered(api: Api) -> None:
    """Requirement 80: a client handed quickly to another employee."""
    anna = await api.caller(Role.MANAGER, "anna")
    a, b = api.site.users["anna"], api.site.users["boris"]
    made = await card(anna, name="Иван", owner=a)
    await ok(await anna.patch(f"contacts/{made['id']}", json={"version": 1, "owner": b}))

    line = await ok(await anna.get(f"contacts/{made['id']}/timeline"))
    feed = await ok(await anna.get("events"))

    assert [(e["body"]["from"], e["body"]["to"]) for e in line["items"]] == [(a, b), (None, a)]
    told = [f["body"] for f in feed["items"] if f["kind"] == "contact.owner_changed"]
    assert told == [{"id": made["id"], "from": a, "to": b, "reason": "by hand", "by": told[0]["by"]}]


async def test_a_repeated_request_makes_one_card(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    headers = {"Idempotency-Key": "once"}
    answers = [await ok(await anna.post("contacts", json={"name": "x"}, headers=headers), 201) for _ in range(2)]

    assert answers[0]["id"] == answers[1]["id"]
    assert await api.site.pool.fetchval("select count(*) from contact") == 1
