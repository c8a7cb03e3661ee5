"""Signing in, staying in, and being put out."""

import asyncio

import pytest

from gateway.domain.access import Role
from tests.api.site import OWN_PAGE, PASSWORD, Api, problem, token_of

pytestmark = pytest.mark.asyncio
ANNA = {"login": "anna", "password": PASSWORD}


async def test_who_signs_in_gets_a_cookie_that_scripts_cannot_read_and_knows_his_rights(api: Api) -> None:
    client = await api.browser()

    response = await client.post("session", json=ANNA)

    who = await response.json()
    assert response.status == 200
    assert who["user"]["login"] == "anna"
    assert who["user"]["extensions"][0]["extension"] == "101"
    assert "calls.read_own" in who["rights"]
    assert "users.manage" not in who["rights"]
    assert who["csrf_header"] == "X-CSRF"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert await (await client.get("session")).json() == who


async def test_the_database_never_holds_the_token(api: Api) -> None:
    client = await api.signed_in("anna")

    stored = await api.site.pool.fetchval("select token_hash from session")

    assert token_of(client).encode() not in stored
    assert len(stored) == 32


async def test_an_unknown_login_and_a_wrong_password_get_the_same_answer(api: Api) -> None:
    client = await api.browser()

    wrong = await client.post("session", json=ANNA | {"password": "not this one"})
    unknown = await client.post("session", json={"login": "nobody", "password": "not this one"})
    await api.site.pool.execute("update users set active = false where login = 'boris'")
    blocked = await client.post("session", json={"login": "boris", "password": PASSWORD})

    documents = [await problem(r, 401, "not-signed-in") for r in (wrong, unknown, blocked)]
    assert documents[0] == documents[1] == documents[2]


async def test_guessing_is_slowed_down_also_when_all_guesses_come_at_once(api: Api) -> None:
    client = await api.browser()
    guess = {"login": "anna", "password": "a guess of many"}

    answers = await asyncio.gather(*(client.post("session", json=guess) for _ in range(12)))

    assert sorted(r.status for r in answers) == [401] * 5 + [429] * 7
    refused = next(r for r in answers if r.status == 429)
    assert int(refused.headers["Retry-After"]) >= 1
    await problem(refused, 429, "too-many-attempts")


async def test_a_success_forgives_the_failures_before_it(api: Api) -> None:
    client = await api.browser()
    for _ in range(3):
        await client.post("session", json=ANNA | {"password": "wrong one"})

    response = await client.post("session", json=ANNA)

    assert response.status == 200
    assert await api.site.pool.fetchval("select count(*) from sign_in_failure") == 0


async def test_one_address_cannot_try_many_accounts(api: Api) -> None:
    client = await api.browser()
    for number in range(20):
        await client.post("session", json={"login": f"user{number}", "password": "guess guess"})

    await problem(await client.post("session", json=ANNA), 429, "too-many-attempts")


async def test_a_foreign_page_cannot_sign_anybody_in(api: Api) -> None:
    client = await api.browser()

    response = await client.post("session", json=ANNA, headers=OWN_PAGE | {"Sec-Fetch-Site": "cross-site"})

    await problem(response, 403, "foreign-origin")


async def test_after_signing_out_the_token_opens_nothing(api: Api) -> None:
    client = await api.signed_in("anna")
    token = token_of(client)

    left = await client.delete("session")
    assert (left.status, left.headers.get("Clear-Site-Data")) == (204, None)

    again = await api.browser()
    await problem(await again.get("session", headers={"Cookie": f"trunkline_session={token}"}), 401, "not-signed-in")


async def test_who_leaves_a_shared_computer_has_its_cache_emptied(api: Api) -> None:
    client = await api.signed_in("anna")

    left = await client.delete("session", params={"forget": "true"})

    assert (left.status, left.headers["Clear-Site-Data"]) == (204, '"cache"')


async def test_a_session_ends_with_its_lifetime_and_with_its_person(api: Api) -> None:
    anna, boris = await api.signed_in("anna"), await api.signed_in("boris")
    await api.site.pool.execute(
        "update session set expires_at = now() - interval '1 second' where user_id = $1", api.site.users["anna"]
    )
    await api.site.pool.execute("update users set active = false where login = 'boris'")

    await problem(await anna.get("session"), 401, "not-signed-in")
    await problem(await boris.get("session"), 401, "not-signed-in")


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(api: Api) -> None:
    here, elsewhere = await api.signed_in("anna"), await api.signed_in("anna")

    response = await here.put("session/password", json={"old": PASSWORD, "new": "staple of a new kind"})

    assert response.status == 204
    assert (await here.get("session")).status == 200
    await problem(await elsewhere.get("session"), 401, "not-signed-in")
    assert await api.signed_in("anna", "staple of a new kind")


async def test_a_password_is_changed_only_by_who_knows_it_and_only_for_a_good_one(api: Api) -> None:
    client = await api.signed_in("anna")

    wrong = await client.put("session/password", json={"old": "a guess", "new": "staple of a new kind"})
    easy = await client.put("session/password", json={"old": PASSWORD, "new": "anna123"})

    assert (await problem(wrong, 422, "invalid-request"))["errors"][0]["pointer"] == "#/old"
    assert {e["pointer"] for e in (await problem(easy, 422, "invalid-request"))["errors"]} == {"#/new"}


async def test_a_key_has_no_session_to_end(api: Api) -> None:
    client = await api.caller(Role.MANAGER, "anna")

    who = await (await client.get("session")).json()

    assert who["csrf_header"] is None
    assert who["user"]["login"] == "anna"
    await problem(await client.delete("session"), 403, "not-allowed")
