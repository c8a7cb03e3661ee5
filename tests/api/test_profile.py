"""One's own things: the profile, preferences, sessions; and what a page needs to begin."""

import json

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem

pytestmark = pytest.mark.asyncio
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


async def test_a_page_begins_with_one_answer(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    team = {"name": "Sales", "head": api.site.users["head"], "members": [{"user": api.site.users["anna"]}]}
    made = await root.post("teams", json=team, headers={"Idempotency-Key": "t"})
    assert made.status == 201, await made.text()
    anna = await api.signed_in("anna")
    await anna.put("me/preferences/columns.calls", json={"value": {"shown": ["at", "who"]}})

    who = await (await anna.get("session")).json()

    assert [(t["name"], t["member"], t["head"]) for t in who["teams"]] == [("Sales", True, False)]
    assert [(p["extension"], p["engine"]) for p in who["phones"]] == [("101", "asterisk")]
    assert who["region"] == who["company_region"] == "RU"
    assert who["timezone"] == "Europe/Moscow"
    assert who["after_call"]["after_call_seconds"] > 0
    assert [giver["name"] for giver in who["ask"]] == ["Root"]
    assert who["preferences"] == [{"area": "columns.calls", "value": {"shown": ["at", "who"]}, "version": 1}]
    head = await (await (await api.signed_in("head")).get("session")).json()
    assert [(t["name"], t["member"], t["head"]) for t in head["teams"]] == [("Sales", False, True)]


async def test_a_key_of_nobody_has_rights_and_no_profile(api: Api) -> None:
    client = await api.caller(Role.SUPERVISOR)

    who = await (await client.get("session")).json()

    assert (who["user"], who["after_call"], who["phones"], who["language"]) == (None, None, [], "en")
    await problem(await client.get("me"), 403, "not-allowed")
    await problem(await client.put("me/preferences/keys", json={"value": {}}), 403, "not-allowed")
    await problem(await client.get("me/sessions"), 403, "not-allowed")


async def test_a_person_changes_how_he_sees_and_is_seen(api: Api) -> None:
    anna = await api.signed_in("anna")
    before = await (await anna.get("me")).json()

    change = {"version": before["version"], "name": "Anna B", "language": "pl", "theme": "dark", "region": "PL"}
    after = await (await anna.patch("me", json=change | {"timezone": "Europe/Warsaw"})).json()

    assert {**before, **change, "timezone": "Europe/Warsaw", "version": after["version"]} == after
    who = await (await anna.get("session")).json()
    assert (who["region"], who["timezone"], who["theme"], who["language"]) == ("PL", "Europe/Warsaw", "dark", "pl")
    assert api.changes == ["tables"]
    back = await (await anna.patch("me", json={"timezone": "", "region": ""})).json()
    assert (back["timezone"], back["region"]) == (None, None)
    rows = await api.site.pool.fetch("select action, object, detail from audit order by id")
    assert [(r["action"], r["detail"]["fields"]) for r in rows] == [
        ("user.changed", ["name", "timezone"]),
        ("user.changed", ["timezone"]),
    ]


async def test_a_profile_that_was_changed_elsewhere_is_read_again(api: Api) -> None:
    anna = await api.signed_in("anna")
    version = (await (await anna.get("me")).json())["version"]
    await anna.patch("me", json={"theme": "dark"})

    await problem(await anna.patch("me", json={"theme": "light", "version": version}), 409, "conflict")
    await problem(await anna.patch("me", json={"region": "XX"}), 422, "invalid-request")
    await problem(await anna.patch("me", json={"role": "admin"}), 422, "invalid-request")


async def test_preferences_are_kept_by_area_and_version(api: Api) -> None:
    anna, boris = await api.signed_in("anna"), await api.signed_in("boris")

    none = await (await anna.get("me/preferences/ring")).json()
    first = await (await anna.put("me/preferences/ring", json={"value": {"volume": 0.4}, "version": 0})).json()
    await problem(await anna.put("me/preferences/ring", json={"value": {}, "version": 0}), 409, "conflict")
    second = await (await anna.put("me/preferences/ring", json={"value": {"volume": 1}})).json()

    assert none == {"area": "ring", "value": {}, "version": 0}
    assert (first["version"], second["version"]) == (1, 2)
    assert (await (await anna.get("me/preferences")).json())["items"] == [second]
    assert (await (await boris.get("me/preferences")).json())["items"] == []
    assert (await anna.delete("me/preferences/ring")).status == 204
    assert (await (await anna.get("me/preferences")).json())["items"] == []


async def test_preferences_have_bounds(api: Api) -> None:
    anna = await api.signed_in("anna")

    await problem(await anna.put("me/preferences/big", json={"value": {"a": "ы" * 8192}}), 422, "invalid-request")
    await problem(await anna.put("me/preferences/Bad-Area", json={"value": {}}), 422, "invalid-request")
    await api.site.pool.execute(
        "insert into preference (user_id, area, value) select $1, 'a' || n, '{}' from generate_series(1, 100) n",
        api.site.users["anna"],
    )
    await problem(await anna.put("me/preferences/one_more", json={"value": {}}), 409, "conflict")
    assert (await anna.put("me/preferences/a7", json={"value": {"x": 1}})).status == 200


async def test_only_my_own_screens_hear_what_i_prefer(api: Api) -> None:
    anna, root = await api.signed_in("anna"), await api.signed_in("root")
    async with anna.ws_connect("live") as own, root.ws_connect("live") as other:
        for socket in (own, other):
            assert (await socket.receive_json())["kind"] == "live"

        await anna.put("me/preferences/keys", json={"value": {"answer": "F7"}})
        await root.put("me/preferences/keys", json={"value": {}})

        told = await own.receive_json()
        assert told["kind"] == "preferences.changed"
        assert told["body"] == {"user": api.site.users["anna"], "area": "keys", "version": 1}
        assert (await other.receive_json())["body"]["user"] == api.site.users["root"]


async def test_a_person_sees_where_he_is_signed_in_and_ends_it(api: Api) -> None:
    first = await api.signed_in("anna")
    browser = await api.browser()
    sign_in = {"login": "anna", "password": "correct horse battery"}
    await browser.post("session", json=sign_in, headers={"User-Agent": CHROME})
    boris = await api.signed_in("boris")

    listed = (await (await first.get("me/sessions")).json())["items"]

    assert [(s["current"], s["browser"], s["system"]) for s in listed] == [(True, "", ""), (False, "Chrome", "Windows")]
    assert {s["address"] for s in listed} == {"127.0.0.1"}
    assert b"token" not in json.dumps(listed).encode()
    await problem(await boris.delete(f"me/sessions/{listed[1]['id']}"), 404, "not-found")
    assert (await first.delete(f"me/sessions/{listed[1]['id']}")).status == 204
    assert (await browser.get("session")).status == 401
    assert (await first.get("session")).status == 200


async def test_everywhere_else_is_ended_with_its_sockets(api: Api) -> None:
    here, there = await api.signed_in("anna"), await api.signed_in("anna")
    async with there.ws_connect("live") as socket:
        await socket.receive_json()

        assert (await here.delete("me/sessions")).status == 204

        await socket.receive()
        assert socket.close_code == 4401
    assert (await there.get("session")).status == 401
    assert (await here.get("session")).status == 200


async def test_the_use_of_a_session_is_noted_with_its_device(api: Api) -> None:
    anna = await api.signed_in("anna")
    await api.site.pool.execute("update session set seen_at = now() - interval '1 day'")

    await anna.get("session", headers={"User-Agent": f"{CHROME}\u200b forged"})

    row = await api.site.pool.fetchrow("select seen_at > now() - interval '1 minute' as now, agent from session")
    assert row["now"]
    assert row["agent"] == f"{CHROME} forged"


async def test_other_sessions_stay_where_a_new_password_is_no_alarm(api: Api) -> None:
    here, there = await api.signed_in("anna"), await api.signed_in("anna")
    body = {"old": "correct horse battery", "new": "another long sentence", "end_others": False}

    assert (await here.put("session/password", json=body)).status == 204

    assert (await there.get("session")).status == 200
    body = {"old": body["new"], "new": "yet another sentence"}
    assert (await here.put("session/password", json=body)).status == 204
    assert (await there.get("session")).status == 401


async def test_a_manager_sees_whom_he_may_pass_a_call_to(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    listed = (await (await anna.get("colleagues")).json())["items"]

    assert [c["name"] for c in listed] == ["Anna", "Boris", "Head", "Root"]
    boris = listed[1]
    assert (boris["extensions"], boris["state"], boris["free"], boris["ringing"]) == (["102"], "available", True, False)
    assert (await anna.get("users")).status == 403
