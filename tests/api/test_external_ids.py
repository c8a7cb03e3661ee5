"""Identities of other systems: put, asked for, contradicted, and followed through a merge.

Requirements 131, 132, 133, 139: a connector can come later without a change of what is stored.
"""

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def crm(api: Api) -> ClientSession:
    await api.site.take_all(rows_of("in_answered"))
    return await api.caller(Role.ADMIN)


async def ids(api: Api) -> dict[str, str]:
    pool = api.site.pool
    return {
        "contact": str(await pool.fetchval("select id from contact limit 1")),
        "call": str(await pool.fetchval("select id from call limit 1")),
        "user": str(api.site.users["anna"]),
        "organisation": str(
            await pool.fetchval("insert into organisation (name, made_by) values ('O', 'test') returning id")
        ),
        "touch": str(
            await pool.fetchval("insert into touch (kind, at, made_by) values ('visit', now(), 'test') returning id")
        ),
    }


@pytest.mark.parametrize("kind", ["contact", "call", "user", "organisation", "touch"])
async def test_an_id_of_another_system_stands_for_a_thing_of_ours(api: Api, crm: ClientSession, kind: str) -> None:
    local = (await ids(api))[kind]
    address = f"external-ids/bitrix24/{kind}/LEAD%2F7%20%D0%96"

    put = await crm.put(address, json={"local": local})
    again = await crm.put(address, json={"local": local})
    got = await (await crm.get(address)).json()

    assert (put.status, again.status) == (200, 200)
    assert (got["external"], got["local"]) == ("LEAD/7 Ж", local)
    assert (await crm.delete(address)).status == 204
    await problem(await crm.get(address), 404, "not-found")
    await problem(await crm.delete(address), 404, "not-found")


async def test_an_id_stands_for_one_thing_and_a_thing_has_one_id_in_a_system(api: Api, crm: ClientSession) -> None:
    users = api.site.users
    await crm.put("external-ids/amo/user/1", json={"local": str(users["anna"])})

    for_another = await crm.put("external-ids/amo/user/1", json={"local": str(users["boris"])})
    second = await crm.put("external-ids/amo/user/2", json={"local": str(users["anna"])})
    elsewhere = await crm.put("external-ids/odoo/user/1", json={"local": str(users["boris"])})

    named = await problem(for_another, 409, "conflict")
    assert f"stands for the user {users['anna']} already" in str(named["detail"])
    assert "1 of amo stands for" in str((await problem(second, 409, "conflict"))["detail"])
    assert elsewhere.status == 200


@pytest.mark.parametrize(
    ("kind", "local"),
    [
        ("contact", "999999"),
        ("contact", "9999999999999999999"),
        ("contact", "0d9c3c1e-0000-4000-8000-000000000000"),
        ("call", "1"),
        ("call", "0d9c3c1e-0000-4000-8000-000000000000"),
        ("task", "1"),
        ("organisation", "1"),
    ],
)
async def test_what_is_not_there_gets_no_identity(crm: ClientSession, kind: str, local: str) -> None:
    document = await problem(await crm.put(f"external-ids/x/{kind}/1", json={"local": local}), 422, "invalid-request")

    assert [e["pointer"] for e in document["errors"]] == ["#/local"]  # type: ignore[index, attr-defined]


async def test_identities_are_listed_by_system_kind_and_thing(api: Api, crm: ClientSession) -> None:
    known = await ids(api)
    for system in ("amo", "odoo"):
        for kind in ("contact", "user"):
            await crm.put(f"external-ids/{system}/{kind}/7", json={"local": known[kind]})

    async def listed(**query: str) -> list[tuple[str, str]]:
        found = (await (await crm.get("external-ids", params=query)).json())["items"]
        return [(e["system"], e["kind"]) for e in found]

    assert await listed(system="amo") == [("amo", "contact"), ("amo", "user")]
    assert await listed(kind="user", local=known["user"]) == [("amo", "user"), ("odoo", "user")]
    first = await (await crm.get("external-ids", params={"limit": 3})).json()
    rest = await (await crm.get("external-ids", params={"limit": 3, "cursor": first["next"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)


async def test_the_id_of_a_merged_card_answers_with_the_card_that_stands(api: Api, crm: ClientSession) -> None:
    known = await ids(api)
    await crm.put("external-ids/amo/contact/7", json={"local": known["contact"]})
    stands = await api.site.pool.fetchval("insert into contact (name) values ('Kept') returning id")
    await api.site.pool.execute("update contact set merged_into = $1 where id = $2", stands, int(known["contact"]))

    got = await (await crm.get("external-ids/amo/contact/7")).json()

    assert got["local"] == str(stands)
    assert (await crm.put("external-ids/amo/contact/7", json={"local": known["contact"]})).status == 200


async def test_a_manager_sees_no_ids_of_cards_that_are_not_his_to_see_and_names_no_people(api: Api) -> None:
    boss = await api.caller(Role.ADMIN)
    card = await api.site.pool.fetchval(
        "insert into contact (name, owner_id) values ('Theirs', $1) returning id", api.site.users["boris"]
    )
    await boss.put("external-ids/amo/contact/7", json={"local": str(card)})
    await api.site.pool.execute("update card_rule set sees = 'own'")
    anna = await api.caller(Role.MANAGER, "anna")

    await problem(await anna.get("external-ids/amo/contact/7"), 404, "not-found")
    await problem(await anna.delete("external-ids/amo/contact/7"), 404, "not-found")
    await problem(await anna.put("external-ids/b/contact/7", json={"local": str(card)}), 422, "invalid-request")
    assert (await (await anna.get("external-ids")).json())["items"] == []
    hers = await api.site.pool.fetchval(
        "insert into contact (name, owner_id) values ('Hers', $1) returning id", api.site.users["anna"]
    )
    taken = await problem(await anna.put("external-ids/amo/contact/7", json={"local": str(hers)}), 409, "conflict")
    assert "a card that you may not see" in str(taken["detail"])
    mine = {"local": str(api.site.users["anna"])}
    await problem(await anna.put("external-ids/b/user/7", json=mine), 403, "not-allowed")


async def test_a_card_is_found_by_its_id_elsewhere_and_shows_its_ids(api: Api, crm: ClientSession) -> None:
    card = (await ids(api))["contact"]
    for system in ("amo", "1c"):
        await crm.put(f"external-ids/{system}/contact/A:7", json={"local": card})

    found = (await (await crm.get("contacts", params={"external": "amo:A:7", "fields": "id"})).json())["items"]
    missing = (await (await crm.get("contacts", params={"external": "amo:8"})).json())["items"]

    assert (found, missing) == ([{"id": int(card)}], [])
    assert (await (await crm.get(f"contacts/{card}")).json())["external"] == {"1c": "A:7", "amo": "A:7"}
