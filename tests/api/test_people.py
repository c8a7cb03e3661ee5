"""People, keys and the endpoint tables as an administrator changes them."""

from typing import Any

import pytest

from gateway.domain.access import Right, Role
from gateway.domain.ports import SeenEndpoint
from tests.api.site import PASSWORD, Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
OLGA = {"login": "Olga", "name": "Olga", "role": "manager", "password": "a password of hers"}


async def ok(response: Any, status: int = 200) -> Any:
    """The JSON of an answer that must be good."""
    assert response.status == status, await response.text()
    return await response.json() if status != 204 else None


async def test_a_new_person_can_sign_in_and_has_no_right_he_was_not_given(api: Api) -> None:
    root = await api.caller(Role.ADMIN)

    user = await ok(await root.post("users", json=OLGA, headers={"Idempotency-Key": "p1"}), 201)

    olga = await api.signed_in("OLGA", OLGA["password"])
    assert (user["login"], user["extensions"], user["has_password"]) == ("olga", [], True)
    await problem(await olga.get("users"), 403, "not-allowed")
    await problem(await olga.get("keys"), 403, "not-allowed")
    await problem(await olga.post("users", json=OLGA, headers={"Idempotency-Key": "p2"}), 403, "not-allowed")


async def test_two_people_never_share_a_login(api: Api) -> None:
    root = await api.caller(Role.ADMIN)

    await problem(
        await root.post("users", json=OLGA | {"login": "ANNA"}, headers={"Idempotency-Key": "p3"}), 409, "conflict"
    )


async def test_an_easy_password_is_refused_with_the_reasons(api: Api) -> None:
    root = await api.caller(Role.ADMIN)

    document = await problem(
        await root.post("users", json=OLGA | {"password": "olga"}, headers={"Idempotency-Key": "p4"}),
        422,
        "invalid-request",
    )

    assert len(document["errors"]) >= 2  # type: ignore[arg-type]
    assert await api.site.pool.fetchval("select count(*) from users where login = 'olga'") == 0


@pytest.mark.parametrize("change", [{"timezone": "Mars/Base"}, {"name": " "}, {"role": "king"}, {"language": "xx"}])
async def test_a_wrong_value_changes_nothing(api: Api, change: dict[str, str]) -> None:
    root = await api.caller(Role.ADMIN)

    await problem(await root.patch(f"users/{api.site.users['anna']}", json=change), 422, "invalid-request")


async def test_the_last_administrator_cannot_be_blocked_or_demoted(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    admin = api.site.users["root"]

    for change in ({"active": False}, {"role": "manager"}):
        await problem(await root.patch(f"users/{admin}", json=change), 409, "conflict")
    await ok(await root.patch(f"users/{api.site.users['head']}", json={"role": "admin"}))
    assert (await ok(await root.patch(f"users/{admin}", json={"active": False})))["active"] is False


async def test_a_password_set_by_an_administrator_ends_the_persons_sessions(api: Api) -> None:
    root, anna = await api.caller(Role.ADMIN), await api.signed_in("anna")

    await ok(await root.patch(f"users/{api.site.users['anna']}", json={"password": "quite another one"}))

    await problem(await anna.get("session"), 401, "not-signed-in")


async def test_an_extension_given_to_another_person_counts_for_him_from_now_on(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    anna, boris = api.site.users["anna"], api.site.users["boris"]

    given = await ok(await root.put(f"users/{boris}/extensions/pbx1/101", json={"endpoints": ["PJSIP/101"]}))

    assert {e["extension"] for e in given["extensions"]} == {"101", "102"}
    assert (await ok(await root.get(f"users/{anna}")))["extensions"] == []
    assert api.changes == ["tables"]
    await api.site.take_all([r.replace(b'"1795', b'"4102') for r in rows_of("in_answered")])
    assert await api.site.pool.fetchval("select user_id from call_manager") == boris


async def test_endpoints_left_out_when_they_are_put_again_are_his_no_more(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    anna = api.site.users["anna"]

    user = await ok(await root.put(f"users/{anna}/extensions/pbx1/101", json={"endpoints": ["101", "SIP/101"]}))

    assert user["extensions"] == [
        {"pbx": "pbx1", "extension": "101", "endpoints": ["101", "SIP/101"], "caller_id": None}
    ]
    table = await ok(await root.get("endpoints"))
    assert "anna-desk" not in {row["pattern"] for row in table["items"]}


async def test_the_same_extension_put_twice_leaves_one_row(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    anna = api.site.users["anna"]

    for _ in range(2):
        await ok(await root.put(f"users/{anna}/extensions/pbx1/105", json={"endpoints": ["105", "105"]}))

    assert await api.site.pool.fetchval("select count(*) from extension where extension = '105'") == 1
    assert await api.site.pool.fetchval("select count(*) from endpoint where extension = '105'") == 1


async def test_an_extension_taken_away_is_nobodys(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    anna = api.site.users["anna"]

    assert (await root.delete(f"users/{anna}/extensions/pbx1/101")).status == 204

    await problem(await root.delete(f"users/{anna}/extensions/pbx1/101"), 404, "not-found")
    await problem(await root.delete(f"users/{anna}/extensions/pbx9/101"), 404, "not-found")
    assert (await ok(await root.get(f"users/{anna}")))["extensions"] == []


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(api: Api) -> None:
    root = await api.caller(Role.ADMIN)

    issued = await ok(
        await root.post("keys", json={"name": "CRM", "role": "supervisor"}, headers={"Idempotency-Key": "p5"}), 201
    )

    headers = {"Authorization": f"Bearer {issued['key']}"}
    program = await api.browser()
    assert (await program.get("calls", headers=headers)).status == 200
    listed = await ok(await root.get("keys"))
    assert issued["key"] not in str(listed)
    assert next(k for k in listed["items"] if k["id"] == issued["id"])["last_used_at"] is not None
    assert (await root.delete(f"keys/{issued['id']}")).status == 204
    await problem(await program.get("calls", headers=headers), 401, "not-signed-in")
    await problem(await root.delete("keys/000000000000"), 404, "not-found")


async def test_a_narrowed_key_does_nothing_beyond_its_rights(api: Api) -> None:
    key = await api.caller(Role.ADMIN, rights=[Right.CALLS_READ_ALL])

    assert (await key.get("calls")).status == 200
    await problem(await key.get("users"), 403, "not-allowed")
    await problem(await key.get("statistics/company"), 403, "not-allowed")


async def test_nobody_issues_a_key_with_more_rights_than_he_has(api: Api) -> None:
    narrow = await api.caller(Role.ADMIN, rights=[Right.USERS_MANAGE])

    await problem(
        await narrow.post("keys", json={"name": "x", "role": "admin"}, headers={"Idempotency-Key": "p6"}),
        403,
        "not-allowed",
    )
    await problem(
        await (await api.caller(Role.ADMIN)).post(
            "keys", json={"name": "x", "role": "manager", "rights": ["users.manage"]}
        ),
        422,
        "invalid-request",
    )


async def test_a_trunk_is_entered_seen_and_ended(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    trunk = {"pbx": "pbx1", "pattern": "PJSIP/operator-1", "kind": "trunk"}

    row = await ok(await root.post("endpoints", json=trunk, headers={"Idempotency-Key": "p7"}), 201)
    again = await ok(await root.post("endpoints", json=trunk, headers={"Idempotency-Key": "p8"}), 201)

    assert row == again
    assert (await root.delete(f"endpoints/{row['id']}")).status == 204
    await problem(await root.delete(f"endpoints/{row['id']}"), 404, "not-found")
    assert api.changes == ["tables", "tables", "tables"]
    await problem(
        await root.post("endpoints", json=trunk | {"pbx": "none"}, headers={"Idempotency-Key": "p9"}), 404, "not-found"
    )


async def test_what_is_not_mapped_is_proposed_with_a_fix_it_that_maps_it(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    await api.site.take_all(rows_of("made_unmapped_phone_rings"))
    unmapped = await api.site.pool.fetchval("select unmapped[1] from call where unmapped <> '{}'")
    api.board.known = [
        SeenEndpoint(pbx="pbx1", name="PJSIP/101", online=True, proposed_extension="101"),
        SeenEndpoint(pbx="pbx1", name="PJSIP/101-NEW", online=True, proposed_extension="101"),
        SeenEndpoint(pbx="pbx1", name="PJSIP/777", online=False, proposed_extension="777"),
    ]
    await api.site.pool.execute("update call set started_at = now() where unmapped <> '{}'")

    found = {p["name"]: p for p in (await ok(await root.get("endpoints/proposals")))["items"]}

    assert set(found) == {unmapped, "PJSIP/101-NEW", "PJSIP/777"}
    assert found[unmapped]["calls"] == 1
    assert found["PJSIP/777"]["fix_its"][0]["fill"] == ["user_id"]
    for name in (unmapped, "PJSIP/101-NEW"):
        fix = found[name]["fix_its"][0]
        assert fix["fill"] == []
        key = {"Idempotency-Key": f"fix {fix['path']}".replace(" ", "-")}
        response = await root.request(fix["method"], api.origin + fix["path"], json=fix["body"], headers=key)
        assert response.status in (200, 201)
    left = {p["name"] for p in (await ok(await root.get("endpoints/proposals")))["items"]}
    assert left == {"PJSIP/777"}
    anna = await ok(await root.get(f"users/{api.site.users['anna']}"))
    assert anna["extensions"][0]["endpoints"] == ["101", "anna-desk", "101-WS", "PJSIP/101-NEW"]


async def test_a_pbx_that_does_not_answer_is_named_and_hides_nothing_else(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    api.board.away = True

    proposals = await ok(await root.get("endpoints/proposals"))

    assert proposals == {"items": [], "silent": ["pbx1"]}


async def test_changes_of_people_leave_an_audit_row_without_secrets(api: Api) -> None:
    root = await api.caller(Role.ADMIN)

    await ok(await root.post("users", json=OLGA, headers={"Idempotency-Key": "p10"}), 201)
    await ok(await root.patch(f"users/{api.site.users['anna']}", json={"password": PASSWORD + "!"}))

    rows = await api.site.pool.fetch("select actor, action, detail::text as detail from audit order by id")
    assert [r["action"] for r in rows] == ["user.entered", "user.changed"]
    assert all(r["actor"].startswith("key:") for r in rows)
    assert PASSWORD not in str([dict(r) for r in rows])


async def test_a_full_telephone_number_is_no_extension(api: Api) -> None:
    """Through it a key that only enters extensions could have numbers abroad rung, past the dial permissions."""
    hr = await api.caller(Role.ADMIN, rights=[Right.EXTENSIONS_MANAGE])
    anna = api.site.users["anna"]

    for number in ("81048701234567", "0048701234567", "89161234567"):
        response = await hr.put(f"users/{anna}/extensions/pbx1/{number}", json={"endpoints": ["PJSIP/105"]})
        found = await problem(response, 422, "invalid-request")
        assert found["errors"][0]["code"] == "outside_number"  # type: ignore[index]
    await ok(await hr.put(f"users/{anna}/extensions/pbx1/10523", json={"endpoints": ["PJSIP/105"]}))


async def test_a_narrowed_key_makes_nobody_who_may_do_more_than_itself(api: Api) -> None:
    """A key for the staff list must not be a way to an administrator's password."""
    hr = await api.caller(Role.ADMIN, rights=[Right.USERS_MANAGE, Right.USERS_READ])
    root, anna = api.site.users["root"], api.site.users["anna"]

    new = {"login": "eve", "name": "Eve", "role": "admin", "password": PASSWORD}
    await problem(await hr.post("users", json=new, headers={"Idempotency-Key": "a"}), 403, "not-allowed")
    for user, change in ((root, {"password": PASSWORD}), (anna, {"role": "supervisor"})):
        version = (await ok(await hr.get(f"users/{user}")))["version"]
        response = await hr.patch(f"users/{user}", json={"version": version, **change})
        await problem(response, 403, "not-allowed")
    made = await hr.post("users", json={**new, "role": "manager"}, headers={"Idempotency-Key": "b"})
    assert made.status == 201, await made.text()
