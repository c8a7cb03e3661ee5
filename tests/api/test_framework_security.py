"""Who is calling: sessions, keys, foreign pages, passwords and idempotency keys."""

import ipaddress
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.security import (
    COOKIE,
    Passwords,
    Repetition,
    address_block,
    client_address,
    digest,
    drop_session_cookie,
    fingerprint,
    idempotency,
    new_api_key,
    new_session_token,
    set_session_cookie,
)
from gateway.domain.access import FirstRequest, Principal, Right, Role
from tests.api.framework_site import ORIGIN, Memory, make_site, serving

ANNA = Principal(id="user:1", role=Role.MANAGER, manager="anna")
NEW_CALL = {"number": "+79161234567"}
OWN_PAGE = {"X-CSRF": "1", "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Idempotency-Key": "a"}


@pytest.fixture
def memory():
    return Memory()


@pytest_asyncio.fixture
async def site(memory):
    app, _ = make_site(memory)
    async with serving(app) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


async def slug(response: web.Response) -> str:
    return (await response.json(content_type=None))["type"].rpartition("/")[2]


async def test_nobody_is_let_in_and_told_how_to_sign_in(site):
    response = await site.get("calls")

    assert (response.status, await slug(response)) == (401, "not-signed-in")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_public_route_needs_nobody(site):
    assert (await site.get("echo")).status == 200


async def test_a_session_and_a_key_are_let_in(site, memory):
    assert (await site.get("calls", headers=cookie(memory.sign_in("anna", Role.MANAGER)))).status == 200
    assert (await site.get("calls", headers=bearer(memory.issue("anna", Role.MANAGER)))).status == 200


async def test_a_session_that_ended_is_nobody(site, memory):
    token = memory.sign_in("anna", Role.MANAGER)
    memory.sessions.clear()

    assert (await site.get("calls", headers=cookie(token))).status == 401


@pytest.mark.parametrize("spoil", [str.upper, lambda key: key[:-1], lambda key: key + "A", lambda key: key[3:]])
async def test_a_key_that_is_not_quite_right_is_nobody(site, memory, spoil):
    key = memory.issue("anna", Role.MANAGER)

    assert (await site.get("calls", headers=bearer(spoil(key)))).status == 401


async def test_the_secret_of_another_key_is_nobody(site, memory):
    key, other = memory.issue("anna", Role.MANAGER), memory.issue("boris", Role.MANAGER)

    mixed = key[: len("tl_123456789012_")] + other[len("tl_123456789012_") :]
    assert (await site.get("calls", headers=bearer(mixed))).status == 401


async def test_who_shows_a_key_and_a_session_at_once_is_nobody(site, memory):
    headers = bearer(memory.issue("anna", Role.MANAGER)) | cookie(memory.sign_in("anna", Role.MANAGER))

    assert (await site.get("calls", headers=headers)).status == 401


async def test_a_route_without_the_right_is_closed_and_the_right_is_named(site, memory):
    response = await site.delete("calls/1", headers=bearer(memory.issue("anna", Role.MANAGER)))

    assert response.status == 403
    assert "recordings.delete" in (await response.json(content_type=None))["detail"]


async def test_a_key_narrowed_to_another_right_is_closed_out(site, memory):
    key = memory.issue("anna", Role.ADMIN, frozenset({Right.METRICS_READ}))

    assert (await site.get("calls", headers=bearer(key))).status == 403


async def test_a_call_of_a_colleague_is_closed_and_ones_own_is_open(site, memory):
    headers = bearer(memory.issue("anna", Role.MANAGER))

    assert (await site.get("calls/1", headers=headers)).status == 200
    assert (await site.get("calls/2", headers=headers)).status == 403


async def test_our_own_page_may_change_things(site, memory):
    headers = OWN_PAGE | cookie(memory.sign_in("anna", Role.MANAGER))

    assert (await site.post("calls", json=NEW_CALL, headers=headers)).status == 201


@pytest.mark.parametrize(
    "change",
    [
        {"X-CSRF": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "https://calls.example.com.evil.org"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_a_foreign_page_may_not_change_things_with_a_session(site, memory, change):
    headers = OWN_PAGE | cookie(memory.sign_in("anna", Role.MANAGER)) | change
    given_headers = {name: value for name, value in headers.items() if value is not None}

    response = await site.post("calls", json=NEW_CALL, headers=given_headers)

    assert (response.status, await slug(response)) == (403, "foreign-origin")


async def test_a_foreign_page_may_read_nothing_it_can_see_so_reading_needs_no_header(site, memory):
    headers = cookie(memory.sign_in("anna", Role.MANAGER)) | {"Sec-Fetch-Site": "cross-site"}

    assert (await site.get("calls", headers=headers)).status == 200


async def test_a_program_with_a_key_needs_no_header_against_foreign_pages(site, memory):
    headers = bearer(memory.issue("anna", Role.MANAGER)) | {"Idempotency-Key": "a"}

    assert (await site.post("calls", json=NEW_CALL, headers=headers)).status == 201


def test_the_cookie_is_out_of_reach_of_scripts_and_secure_where_the_site_is():
    response = web.Response()
    set_session_cookie(response, "t", lifetime=timedelta(hours=1), public_url=ORIGIN)
    written = response.cookies[COOKIE].OutputString().lower()

    assert {"httponly", "secure", "samesite=lax", "max-age=3600", "path=/"} <= set(written.split("; "))

    set_session_cookie(response, "t", lifetime=timedelta(hours=1), public_url="http://127.0.0.1:8080")
    assert "secure" not in response.cookies[COOKIE].OutputString().lower()

    drop_session_cookie(response)
    assert "max-age=0" in response.cookies[COOKIE].OutputString().lower()


def test_tokens_and_keys_are_never_the_same_twice_and_not_what_is_stored():
    key_id, key, stored = new_api_key()

    assert key.startswith(f"tl_{key_id}_")
    assert stored == digest(key.removeprefix(f"tl_{key_id}_"))
    assert new_api_key()[1] != key
    assert new_session_token() != new_session_token()


PROXIES = [ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "1.1.1.1", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        (None, "203.0.113.9", ""),
    ],
)
def test_a_forwarded_address_is_believed_only_from_a_trusted_proxy(remote, forwarded, address):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)

    assert client_address(request, PROXIES) == address


def test_the_throttle_counts_an_ipv6_customer_once():
    assert address_block("2001:db8::1") == address_block("2001:db8::ffff") == "2001:db8::/64"
    assert address_block("203.0.113.9") == "203.0.113.9"


async def test_a_password_fits_its_own_hash_only():
    passwords = Passwords()
    stored = await passwords.hash("correct horse")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")
    assert not await passwords.verify(stored, "correct horse" * 100)
    assert not await passwords.verify(stored, "\ud800")
    assert not await passwords.verify("no hash at all", "correct horse")
    assert not passwords.is_outdated(stored)
    assert passwords.is_outdated(stored.replace("t=2", "t=1"))


async def test_an_account_that_does_not_exist_has_no_right_password():
    assert not await Passwords().verify(None, "correct horse")


parts = st.tuples(st.text(max_size=5), st.text(max_size=5), st.binary(max_size=5))


@given(parts, parts)
def test_a_fingerprint_is_of_exactly_this_caller_route_path_and_body(one, other):
    prints = [fingerprint(ANNA, route, path, body) for route, path, body in (one, other)]

    assert (prints[0] == prints[1]) == (one == other)


def test_a_fingerprint_is_another_for_another_caller():
    boris = Principal(id="user:11", role=Role.MANAGER, manager="boris")

    assert fingerprint(ANNA, "POST /calls", "/x", b"{}") != fingerprint(boris, "POST /calls", "/x", b"{}")


@pytest.mark.parametrize(
    ("stored", "decision"),
    [
        (None, Repetition.NEW),
        (FirstRequest(fingerprint=b"a", finished=True), Repetition.REPLAY),
        (FirstRequest(fingerprint=b"a", finished=False), Repetition.RUNNING),
        (FirstRequest(fingerprint=b"b", finished=True), Repetition.OTHER),
        (FirstRequest(fingerprint=b"b", finished=False), Repetition.OTHER),
    ],
)
def test_a_repeated_request_is_replayed_or_waited_for_and_a_changed_one_refused(stored, decision):
    assert idempotency(stored, b"a") is decision
