"""Site forms, visits and messages as touches: placed at the right card, once, never guessed, and bounded.

Requirements 30, 31, 32, 130, 132, 139; complaints C6 and C8: one number is never
two cards, several matches are a choice.
"""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from gateway.domain.access import Right, Role
from gateway.domain.touches import KEY_BOUNDS, VISITOR_BOUNDS
from gateway.store.facts import facts_after
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
_keys = iter(range(10**6))


@pytest_asyncio.fixture
async def site(api: Api) -> ClientSession:
    """A site's backend with the narrow right."""
    return await api.caller(Role.ADMIN, rights=[Right.TOUCHES_WRITE])


@pytest_asyncio.fixture
async def admin(api: Api) -> ClientSession:
    return await api.caller(Role.ADMIN)


def key() -> dict[str, str]:
    return {"Idempotency-Key": f"t{next(_keys)}"}


async def touch(client: ClientSession, kind: str = "form", **body: Any) -> dict[str, Any]:
    response = await client.post("touches", json={"kind": kind, **body}, headers=key())
    assert response.status == 201, await response.text()
    made: dict[str, Any] = await response.json()
    return made


async def card(admin: ClientSession, *numbers: str, **more: Any) -> int:
    body = {"name": "Card", "numbers": numbers, **more}
    response = await admin.post("contacts", json=body, headers=key())
    assert response.status == 201, await response.text()
    id_: int = (await response.json())["id"]
    return id_


async def test_a_form_of_an_unknown_number_makes_an_unsorted_card_with_its_source(
    api: Api, site: ClientSession, admin: ClientSession
) -> None:
    made = await touch(
        site,
        text="How much is a roof?",
        contact={"number": "8 (916) 123-45-67", "email": "Ivan@Example.com", "name": "Ivan"},
        source={"kind": "site", "name": "roofs.example.com"},
        fields={"page": "/roofs"},
    )

    contact = await (await admin.get(f"contacts/{made['contact']}")).json()
    assert made["card_made"]
    assert (contact["name"], contact["numbers"], contact["stage"]) == ("Ivan", ["+79161234567"], "unsorted")
    assert (contact["source_kind"], contact["source_name"]) == ("site", "roofs.example.com")
    assert [a["value"] for a in contact["addresses"]] == ["Ivan@Example.com"]
    facts = await facts_after(api.site.pool, None, 100)
    assert [f.kind for f in facts] == ["contact.created", "touch.made"]
    assert facts[1].body["contact_id"] == facts[1].contact_id == made["contact"]


async def test_a_client_who_has_called_is_known_by_his_number_however_it_is_written(
    api: Api, site: ClientSession, admin: ClientSession
) -> None:
    await api.site.take_all(rows_of("in_answered"))
    ways = ["+79161234567", "8 916 123 45 67", "7-916-123-45-67"]

    cards = {(await touch(site, text=str(n), contact={"number": way}))["contact"] for n, way in enumerate(ways)}

    assert cards == {await api.site.pool.fetchval("select contact_id from contact_number")}


async def test_the_same_unknown_number_twice_at_once_makes_one_card(api: Api, site: ClientSession) -> None:
    made = await asyncio.gather(
        *(touch(site, text=f"message {n}", contact={"number": "+79161110000"}) for n in range(8))
    )

    assert len({m["contact"] for m in made}) == 1
    assert [m["card_made"] for m in made].count(True) == 1


async def test_a_touch_that_may_be_of_several_cards_is_of_none_until_a_person_chooses(
    site: ClientSession, admin: ClientSession
) -> None:
    by_number = await card(admin, "+79161110001")
    by_email = await card(admin, addresses=[{"kind": "email", "value": "a@example.com"}])

    made = await touch(site, contact={"number": "+79161110001", "email": "a@example.com"})
    unplaced = await (await admin.get("touches?unplaced=true")).json()
    chosen = await admin.put(f"touches/{made['id']}/contact", json={"contact": by_email})
    again = await admin.put(f"touches/{made['id']}/contact", json={"contact": by_number})

    assert (made["contact"], made["choices"], made["card_made"]) == (None, [by_number, by_email], False)
    assert [t["id"] for t in unplaced["items"]] == [made["id"]]
    assert ((await chosen.json())["contact"], (await chosen.json())["choices"]) == (by_email, [])
    await problem(again, 409, "conflict")


async def test_a_shared_number_and_an_address_of_one_of_them_are_certain(
    site: ClientSession, admin: ClientSession
) -> None:
    shared = {"number": "+79161110002", "shared": True}
    await card(admin, phones=[shared])
    wife = await card(admin, phones=[shared], addresses=[{"kind": "email", "value": "w@example.com"}])

    alone = await touch(site, contact={"number": "+79161110002"})
    together = await touch(site, contact={"number": "+79161110002", "email": "W@example.com"})

    assert (alone["contact"], len(alone["choices"])) == (None, 2)
    assert together["contact"] == wife


async def test_a_visit_of_nobody_known_stays_without_a_card(site: ClientSession, admin: ClientSession) -> None:
    made = await touch(site, "visit", fields={"page": "/prices"})

    assert (made["contact"], made["choices"], made["card_made"]) == (None, [], False)
    assert (await (await admin.get("touches?unplaced=true")).json())["items"] == []


async def test_a_touch_is_once_by_its_id_in_the_other_system(api: Api, site: ClientSession) -> None:
    external = {"system": "tilda", "id": "lead-77"}

    first, *others = await asyncio.gather(
        *(touch(site, text="x", external=external, contact={"number": "+79161110003"}) for _ in range(5))
    )

    assert len({first["id"], *(o["id"] for o in others)}) == 1
    assert [t["repeated"] for t in (first, *others)].count(False) == 1
    assert await api.site.pool.fetchval("select count(*) from touch") == 1


async def test_a_button_pressed_twice_is_one_touch_and_other_words_are_another(site: ClientSession) -> None:
    contact = {"number": "+79161110004"}

    first = await touch(site, text="Call me", contact=contact)
    twice = await touch(site, text="Call me", contact=contact)
    other = await touch(site, text="Call me now", contact=contact)

    assert (twice["id"], twice["repeated"], twice["joined"]) == (first["id"], True, 1)
    assert other["id"] != first["id"]


async def test_two_strangers_who_say_the_same_are_two_touches(site: ClientSession) -> None:
    assert (await touch(site, text="Hello"))["id"] != (await touch(site, text="Hello"))["id"]


async def test_a_client_is_known_by_his_id_in_another_system(site: ClientSession, admin: ClientSession) -> None:
    known = await card(admin, "+79161110005")
    await admin.put("external-ids/1c/contact/A-5", json={"local": str(known)})

    made = await touch(site, contact={"external": {"system": "1c", "id": "A-5"}})

    assert made["contact"] == known


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"contact": {"number": "112"}}, "#/contact/number"),
        ({"contact": {"number": "call me"}}, "#/contact/number"),
        ({"contact": {"email": "not an address"}}, "#/contact/email"),
        ({"contact": {"id": 999}}, "#/contact/id"),
        ({"user": 999}, "#/user"),
        ({"kind": "Form!"}, "#/kind"),
        ({"text": "x" * 10_001}, "#/text"),
        ({"fields": {str(n): "x" for n in range(51)}}, "#/fields"),
        ({"fields": {"a": "x" * 2001}}, "#/fields/a"),
        ({"source": {"kind": "site", "name": "two\nlines"}}, "#/source/name"),
    ],
)
async def test_a_touch_that_cannot_be_is_refused_at_its_field(
    site: ClientSession, body: dict[str, Any], pointer: str
) -> None:
    response = await site.post("touches", json={"kind": "form", **body}, headers=key())

    document: Any = await problem(response, 422, "invalid-request")
    assert [e["pointer"] for e in document["errors"]] == [pointer]


async def test_who_sends_too_many_is_held_back_and_told_for_how_long(api: Api, site: ClientSession) -> None:
    await api.site.pool.execute(
        "insert into touch_rate select 'key:' || key_id, 60, date_bin('1 min', now(), 'epoch'), $1 from api_key"
        " on conflict do nothing",
        KEY_BOUNDS[0].most,
    )

    response = await site.post("touches", json={"kind": "visit"}, headers=key())

    await problem(response, 429, "too-many-attempts")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


async def test_a_manager_sees_no_touches_of_cards_that_are_not_his_to_see(
    api: Api, site: ClientSession, admin: ClientSession
) -> None:
    await api.site.pool.execute("update card_rule set sees = 'own'")
    theirs = await card(admin, "+79161110006", owner=api.site.users["boris"])
    made = await touch(site, contact={"id": None, "number": "+79161110006"}, text="secret")
    anna = await api.caller(Role.MANAGER, "anna")

    assert made["contact"] == theirs
    assert (await (await anna.get("touches")).json())["items"] == []
    await problem(await anna.get(f"touches/{made['id']}"), 404, "not-found")


async def form(admin: ClientSession, **body: Any) -> dict[str, Any]:
    response = await admin.post("forms", json={"name": "Landing", **body}, headers=key())
    assert response.status == 201, await response.text()
    made: dict[str, Any] = await response.json()
    return made


def path_of(made: dict[str, Any]) -> str:
    return "form/" + made["address"].rpartition("/")[2]


@pytest_asyncio.fixture
async def visitor(api: Api) -> ClientSession:
    """A visitor's browser on the page of another site."""
    browser = await api.browser()
    browser.headers.clear()
    browser.headers.update({"Origin": "https://roofs.example.com", "Sec-Fetch-Site": "cross-site"})
    return browser


async def test_a_sites_form_is_sent_from_the_visitors_browser_without_a_key(
    api: Api, admin: ClientSession, visitor: ClientSession
) -> None:
    made = await form(admin)

    answer = await visitor.post(
        path_of(made), data={"name": "Anna", "phone": "8 916 111-00-07", "text": "Hi", "utm": "spring", "website": ""}
    )

    (stored,) = (await (await admin.get("touches")).json())["items"]
    assert (answer.status, await answer.json()) == (202, {"accepted": True})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (stored["text"], stored["fields"], stored["source_name"]) == ("Hi", {"utm": "spring"}, "Landing")
    assert (await (await admin.get(f"contacts/{stored['contact']}")).json())["numbers"] == ["+79161110007"]


async def test_a_double_click_on_a_sites_form_is_one_touch_and_one_card(
    api: Api, admin: ClientSession, visitor: ClientSession
) -> None:
    """A visitor's browser has no key to tell repetitions by, so the same words of the same client are joined."""
    path, filled = path_of(await form(admin)), {"name": "Anna", "phone": "8 916 111-00-09", "text": "Hi"}

    answers = await asyncio.gather(*(visitor.post(path, data=filled) for _ in range(3)))

    assert [a.status for a in answers] == [202, 202, 202]
    assert len({await a.read() for a in answers}) == 1
    assert await api.site.pool.fetchval("select count(*) from touch") == 1
    assert await api.site.pool.fetchval("select count(*) from contact") == 1
    assert await api.site.pool.fetchval("select count(*) from fact where kind like 'touch.%'") == 1


async def test_a_repeated_request_is_answered_byte_for_byte_as_the_first(admin: ClientSession) -> None:
    """Requirement 139: whoever lost the first answer cannot tell the second from it."""
    spent = {"since": "2026-01-01", "until": "2026-01-02", "amount": "7.50", "currency": "EUR"}
    for path, order in (
        ("contacts", {"name": "Anna «А»", "numbers": ["+79161110010"]}),
        ("touches", {"kind": "visit", "text": "é \u2028", "contact": {"number": "+79161110010"}}),
        ("forms", {"name": "Landing"}),
        ("goals", {"measure": "talk_minutes", "target": 5, "since": "2026-01-01"}),
        ("spend", {"by": "did", "channel": "74950000000", **spent}),
    ):
        once = key()
        first, again = [await admin.post(path, json=order, headers=once) for _ in range(2)]
        assert (first.status, again.status) == (201, 201), (path, await first.text())
        assert await first.read() == await again.read(), path
        kept = {name: value for name, value in first.headers.items() if name != "Date"}
        assert kept == {name: value for name, value in again.headers.items() if name != "Date"}, path


async def test_a_number_that_cannot_be_read_loses_no_lead(admin: ClientSession, visitor: ClientSession) -> None:
    made = await form(admin)

    assert (await visitor.post(path_of(made), json={"phone": "after six", "text": "Call"})).status == 202

    (stored,) = (await (await admin.get("touches")).json())["items"]
    assert (stored["contact"], stored["fields"]) == (None, {"phone": "after six"})


async def test_a_program_that_fills_in_the_hidden_field_gets_the_same_answer_and_writes_nothing(
    api: Api, admin: ClientSession, visitor: ClientSession
) -> None:
    made = await form(admin, trap="homepage")

    answer = await visitor.post(path_of(made), data={"phone": "+79161110008", "homepage": "http://spam"})

    assert (answer.status, await answer.json()) == (202, {"accepted": True})
    assert await api.site.pool.fetchval("select count(*) from touch") == 0


async def test_one_address_sends_a_few_forms_a_minute(admin: ClientSession, visitor: ClientSession) -> None:
    path = path_of(await form(admin))

    statuses = [(await visitor.post(path, data={"text": str(n)})).status for n in range(VISITOR_BOUNDS[0].most + 1)]

    assert statuses == [202] * VISITOR_BOUNDS[0].most + [429]


async def test_a_closed_form_and_a_guessed_key_take_nothing(admin: ClientSession, visitor: ClientSession) -> None:
    made = await form(admin)
    closed = await admin.patch(f"forms/{made['id']}", json={"active": False}, headers={"If-Match": '"1"'})

    assert closed.status == 200
    await problem(await visitor.post(path_of(made), data={"text": "x"}), 404, "not-found")
    await problem(await visitor.post("form/" + "x" * 22, data={"text": "x"}), 404, "not-found")


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        ("a=1&" * 101, "application/x-www-form-urlencoded", 400),
        (b"text=%ff", "application/x-www-form-urlencoded", 400),
        (b"text=a%00b", "application/x-www-form-urlencoded", 422),
        (b"text=a&text=b", "application/x-www-form-urlencoded", 422),
        (b"text=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"text=" + b"x" * 5000, "application/x-www-form-urlencoded", 422),
        (b'{"text": 5}', "application/json", 422),
        (b'{"other": {"a": 1}}', "application/json", 422),
        (b"text", "text/plain", 415),
    ],
)
async def test_a_form_that_is_none_is_refused(
    admin: ClientSession, visitor: ClientSession, data: Any, content_type: str, status: int
) -> None:
    path = path_of(await form(admin))

    answer = await visitor.post(path, data=data, headers={"Content-Type": content_type})

    assert answer.status == status
