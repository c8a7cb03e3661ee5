"""Dial permissions over the API: read, changed by version, tried out, excepted from, and what was refused."""

from datetime import UTC, datetime

import pytest
from aiohttp import ClientResponse, ClientSession

from gateway.aftercare.dial_alarms import tell_dial_alarms
from gateway.api.dial_permissions import DialPermissions
from gateway.domain.access import GRANTS, Principal, Right, Role
from gateway.domain.dial_rules import DialException, DialLimits
from gateway.domain.dialling import DialPurpose
from gateway.domain.errors import NotAllowed
from gateway.domain.phone import NumberPlan
from gateway.store.dial_permissions import may_dial
from tests.api.site import Api, problem


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def shown(client: ClientSession) -> dict[str, object]:
    async with client.get("dial-permissions") as response:
        assert response.status == 200, await response.text()
        found: dict[str, object] = await response.json()
        return found


async def change(client: ClientSession, **body: object) -> ClientResponse:
    version = (await shown(client))["version"]
    return await client.patch("dial-permissions", json={"version": version, **body})


async def checked(client: ClientSession, key: str, number: str, **body: object) -> dict[str, object]:
    async with client.post("dial-permissions/check", json={"number": number, **body}, headers=once(key)) as response:
        assert response.status == 200, await response.text()
        found: dict[str, object] = await response.json()
        return found


async def refuse(api: Api, who: str, number: str, times: int = 1) -> None:
    for _ in range(times):
        async with api.site.pool.acquire() as connection, connection.transaction():
            await may_dial(
                connection, user_id=api.site.users[who], key_id=None, number=number, purpose=DialPurpose.CALL,
                now=datetime.now(UTC), plan=NumberPlan(region="RU"),
            )  # fmt: skip


async def test_from_the_start_only_the_trunks_own_country_is_open(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    found = await shown(root)
    assert (found["home"], found["countries"], found["allowed_countries"]) == ("RU", [], ["RU"])

    anna = await api.caller(Role.MANAGER, "anna")
    assert (await checked(anna, "a", "8 916 123-45-67"))["number"] == "+79161234567"
    answer = await checked(anna, "b", "+48 22 123 45 67")
    assert (answer["allowed"], answer["reason"], answer["region"]) == (False, "country", "PL")
    assert "administrator" in str(answer["sentence"])
    assert await api.site.pool.fetchval("select count(*) from dial_refusal") == 0


async def test_a_change_is_audited_told_and_holds_at_once(api: Api) -> None:
    root, anna = await api.caller(Role.ADMIN, "root"), await api.caller(Role.MANAGER, "anna")
    response = await change(
        root,
        countries=["RU", "PL"],
        prefixes=[{"prefix": "+4870", "allowed": False}],
        user_limits={"hour": 50},
    )
    assert response.status == 200, await response.text()
    found = await response.json()
    assert found["user_limits"] == {"minute": 20, "hour": 50, "day": 600, "foreign_day": 10}

    assert (await checked(anna, "a", "+48221234567"))["allowed"] is True
    assert (await checked(anna, "b", "+48701234567"))["reason"] == "forbidden_prefix"
    fact = await api.site.pool.fetchrow("select body, users from fact where kind = 'dialling.changed'")
    assert fact["body"]["fields"] == ["countries", "prefixes", "user_limits"]
    assert set(fact["users"]) == {api.site.users["head"], api.site.users["root"]}
    assert await api.site.pool.fetchval("select count(*) from audit where action = 'dialling.change'") == 1


async def test_a_change_from_an_old_version_is_a_conflict(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    assert (await change(root, burst=6)).status == 200

    await problem(await root.patch("dial-permissions", json={"version": 1, "burst": 7}), 409, "conflict")


NONSENSE: list[dict[str, object]] = [
    {"countries": ["XX"]},
    {"countries": ["Poland"]},
    {"prefixes": [{"prefix": "4870", "allowed": True}]},
    {"prefixes": [{"prefix": "+48\n", "allowed": True}]},
    {"user_limits": {"minute": 301}},
    {"company_limits": {"minute": 10}},
    {"internal_targets": ["*72"]},
    {"kinds": ["everything"]},
    {"burst": 0},
]


async def test_what_makes_no_sense_is_refused_by_name(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    for body in NONSENSE:
        found = await problem(await change(root, **body), 422, "invalid-request")
        assert str(found["errors"][0]["pointer"]).startswith(f"#/{next(iter(body))}") or "company" in str(found)  # type: ignore[index]

    assert (await shown(root))["version"] == 1


async def test_managers_neither_read_nor_change_and_supervisors_read(api: Api) -> None:
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")
    await problem(await anna.get("dial-permissions"), 403, "not-allowed")
    assert (await shown(head))["version"] == 1

    await problem(await head.patch("dial-permissions", json={"version": 1, "burst": 9}), 403, "not-allowed")
    asked = {"number": "+79161234567", "user": api.site.users["boris"]}
    await problem(await anna.post("dial-permissions/check", json=asked, headers=once("a")), 403, "not-allowed")
    assert (await checked(head, "a", "+79161234567", user=api.site.users["boris"]))["allowed"] is True


async def test_an_exception_is_entered_changed_and_taken_away(api: Api) -> None:
    root, anna = await api.caller(Role.ADMIN, "root"), await api.caller(Role.MANAGER, "anna")
    body = {"user": api.site.users["anna"], "countries": ["US"], "limits": {"foreign_day": 50}, "version": 0}
    async with root.put("dial-permissions/exceptions", json=body) as response:
        assert response.status == 200, await response.text()
        made = await response.json()
    answer = await checked(anna, "a", "+1 212 555 2368")
    assert (answer["allowed"], answer["foreign"], answer["limits"]["foreign_day"]) == (True, True, 50)  # type: ignore[index]
    await problem(await root.put("dial-permissions/exceptions", json=body), 409, "conflict")

    above = {**body, "limits": {"foreign_day": 101}, "version": made["version"]}
    await problem(await root.put("dial-permissions/exceptions", json=above), 422, "invalid-request")
    async with root.delete(f"dial-permissions/exceptions/{made['id']}") as response:
        assert response.status == 204
    assert (await checked(anna, "b", "+1 212 555 2368"))["allowed"] is False
    await problem(await root.delete(f"dial-permissions/exceptions/{made['id']}"), 404, "not-found")


async def test_an_exception_is_for_one_who_exists(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    wrong = ({}, {"user": 10**9}, {"team": 10**9}, {"key": "none"}, {"role": "manager", "user": 1})
    for subject in wrong:
        response = await root.put("dial-permissions/exceptions", json={**subject, "version": 0})
        await problem(response, 422, "invalid-request")


async def test_who_is_no_administrator_gives_nothing_that_he_has_not(api: Api) -> None:
    """No role but the administrator's has the right now; the rule must hold for the day one gets it."""
    head = Principal(id="user:3", role=Role.SUPERVISOR, manager=str(api.site.users["head"]))
    assert Right.DIALLING_MANAGE not in GRANTS[Role.SUPERVISOR]
    handlers, now = DialPermissions(api.parts), datetime.now(UTC)
    async with api.site.pool.acquire() as connection:
        for wanted in (DialException(countries=frozenset({"US"})), DialException(limits=DialLimits(hour=201))):
            with pytest.raises(NotAllowed):
                await handlers.check_giver(connection, head, wanted, now=now)

        await handlers.check_giver(connection, head, DialException(limits=DialLimits(hour=200)), now=now)


async def test_refusals_are_listed_and_counted(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    await refuse(api, "anna", "+8816234567890")
    await refuse(api, "boris", "+48221234567\r\nX: y")
    await refuse(api, "boris", "+48221234567")

    async with head.get("dial-permissions/refusals", params={"limit": 2}) as response:
        first = await response.json()
    assert [r["reason"] for r in first["items"]] == ["country", "letters"]
    assert first["items"][1]["number"] == "+48221234567??X: y"
    async with head.get("dial-permissions/refusals", params={"limit": 2, "cursor": first["next"]}) as response:
        (last,) = (await response.json())["items"]
    assert (last["reason"], last["user_name"], last["number"]) == ("satellite", "Anna", "+8816234567890")
    async with head.get("dial-permissions/refusals", params={"reason": "country"}) as response:
        assert [r["user"] for r in (await response.json())["items"]] == [api.site.users["boris"]]
    async with head.get("dial-permissions/refusals/counts") as response:
        counts = await response.json()
    assert (counts["total"], counts["reasons"]) == (3, {"country": 1, "letters": 1, "satellite": 1})


async def test_bursts_of_refusals_and_first_calls_abroad_are_told_once(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    await change(root, countries=["RU", "PL"])
    await refuse(api, "anna", "+8816234567890", times=4)
    await refuse(api, "boris", "+48221234567", times=2)  # permitted: abroad is open now
    pool = api.site.pool

    async def told() -> list[tuple[str, dict[str, object]]]:
        async with pool.acquire() as connection, connection.transaction():
            facts = await tell_dial_alarms(connection, datetime.now(UTC))
        assert all(set(f.users) == {api.site.users["head"], api.site.users["root"]} for f in facts)
        return [(f.kind, f.body) for f in facts]

    ((kind, body),) = await told()
    assert (kind, body["user_id"], body["region"]) == ("dialling.first_foreign", api.site.users["boris"], "PL")
    await refuse(api, "anna", "+8816234567890")
    ((kind, body),) = await told()
    assert (kind, body["user_id"], body["refusals"]) == ("dialling.refused_often", api.site.users["anna"], 5)
    assert body["reasons"] == {"satellite": 5}
    await refuse(api, "anna", "+8816234567890", times=4)
    assert await told() == []
