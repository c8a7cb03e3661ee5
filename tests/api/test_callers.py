"""Who calls, at a glance: what comes up while the telephone rings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.access import Right, Role
from gateway.domain.identity import new_id
from gateway.store.recording_ways import talking_client_legs
from tests.api.site import Api, problem, store_sound
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
NUMBER = "+79161234567"
DID = "4950003"


async def ringing(api: Api) -> str:
    """A call that rings for Anna and Boris; the id of it."""
    await api.site.take_all(rows_of("queue_answered")[:5])
    return str(await api.site.pool.fetchval("select id from call where state = 'ringing'"))


async def caller(client: ClientSession, call: str) -> Any:
    """What comes up."""
    response = await client.get(f"calls/{call}/caller")
    assert response.status == 200, await response.text()
    return await response.json()


async def test_an_unknown_caller_shows_his_new_card_and_who_else_rings(api: Api) -> None:
    call = await ringing(api)
    anna = await api.caller(Role.MANAGER, "anna")

    shown = await caller(anna, call)

    assert (shown["state"], shown["direction"], shown["number"]) == ("ringing", "inbound", NUMBER)
    assert shown["ringing"] == [{"user": api.site.users["boris"], "name": "Boris"}]
    assert shown["line"] == {"did": DID, "name": "", "source_kind": None, "source_name": None}
    (person,) = shown["people"]
    assert (person["stage"], person["owner"], person["calls"]) == ("unsorted", None, 1)
    assert (shown["wants"], shown["tasks"], shown["last_words"], shown["touches"]) == (None, [], None, [])


async def test_a_known_caller_shows_all_that_is_open_with_him(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    before = await api.site.pool.fetchrow("select id, client_number from call")
    await store_sound(api, before["id"])
    call = await ringing(api)
    pool, anna = api.site.pool, api.site.users["anna"]
    client = await api.caller(Role.MANAGER, "anna")
    firm = await (await client.post("organisations", json={"name": "Firm"}, headers=_once("o"))).json()
    card = await pool.fetchval("select contact_id from call where state = 'ringing'")
    await pool.execute("update call set contact_chosen = $1, contact_id = $1 where id = $2", card, before["id"])
    version = (await (await client.get(f"contacts/{card}")).json())["version"]
    change = {"version": version, "name": "Иван", "heat": "hot", "organisation": firm["id"], "owner": anna}
    changed = await client.patch(f"contacts/{card}", json=change | {"timezone": "Asia/Yekaterinburg"})
    assert changed.status == 200, await changed.text()
    for days, title in ((2, "later"), (1, "quote with delivery")):
        due = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        task = {"kind": "letter", "title": title, "contact": card, "due_at": due}
        made = await client.post("tasks", json=task, headers=_once(f"due-{days}"))
        assert made.status == 201, await made.text()
    await pool.execute("insert into our_number (did, name, changed_by) values ($1, 'Price list', 'user:1')", DID)

    shown = await caller(client, call)

    (person,) = shown["people"]
    assert (person["name"], person["heat"], person["yours"]) == ("Иван", "hot", True)
    assert person["organisation"] == {"id": firm["id"], "name": "Firm", "people": 1}
    assert person["owner_since"] is not None
    assert (person["zone"], len(person["local_time"])) == ("Asia/Yekaterinburg", 5)
    assert (person["calls"], person["touches"]) == (2, 4)
    assert shown["wants"]["title"] == "quote with delivery"
    assert shown["tasks_open"] == 2
    assert shown["line"]["name"] == "Price list"
    assert shown["last_words"]["call"] == str(before["id"])
    assert shown["last_words"]["words"] == [{"second": 0.5, "text": "счёт & кровля"}]
    assert str(before["id"]) in [touch["id"] for touch in shown["touches"]]
    assert call not in [touch["id"] for touch in shown["touches"]]


async def test_several_who_share_the_number_are_offered_and_none_is_guessed(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    for name in ("Olga", "Pavel"):
        phone = {"number": NUMBER, "shared": True}
        made = await anna.post("contacts", json={"name": name, "phones": [phone]}, headers=_once(name))
        assert made.status == 201, await made.text()
    call = await ringing(api)

    shown = await caller(anna, call)

    assert [p["name"] for p in shown["people"]] == ["Olga", "Pavel"]
    assert (shown["wants"], shown["last_words"]) == (None, None)


async def test_words_of_a_colleagues_call_are_kept_from_a_manager(api: Api) -> None:
    call = await ringing(api)
    card = await api.site.pool.fetchval("select contact_id from call where state = 'ringing'")
    await _talk(api, card, "boris")

    anna = await caller(await api.caller(Role.MANAGER, "anna"), call)
    boris = await caller(await api.caller(Role.MANAGER, "boris"), call)
    head = await caller(await api.caller(Role.SUPERVISOR, "head"), call)

    assert anna["last_words"] is None
    assert boris["last_words"] == head["last_words"]
    assert [w["text"] for w in head["last_words"]["words"]] == ["two", "three"]
    assert head["last_words"]["managers"] == ["Boris"]


async def test_who_may_not_see_cards_sees_the_call_alone(api: Api) -> None:
    call = await ringing(api)

    narrow = await api.caller(Role.MANAGER, "anna", rights=[Right.CALLS_READ_OWN])

    shown = await caller(narrow, call)

    assert (shown["people"], shown["touches"], shown["number"]) == ([], [], NUMBER)


async def test_a_call_of_others_is_not_there(api: Api) -> None:
    call = await ringing(api)
    stranger = await api.site.pool.fetchval(
        "insert into users (login, name, role) values ('eva', 'Eva', 'manager') returning id"
    )
    api.site.users["eva"] = stranger

    await problem(await (await api.caller(Role.MANAGER, "eva")).get(f"calls/{call}/caller"), 404, "not-found")


async def _talk(api: Api, card: int, who: str) -> None:
    """A talk of this manager with the client, written down."""
    call, recording, pool = new_id(), new_id(), api.site.pool
    await pool.execute(
        "insert into call (id, pbx, key, family_id, kind, direction, state, result, talk_us, ring_us, outside_us,"
        " complete, started_at, contact_id) select $1, 'pbx1', 'earlier', family_id, 'client', 'inbound', 'ended',"
        " 'answered', 60000000, 0, 0, true, started_at - interval '1 day', $2 from call limit 1",
        call,
        card,
    )
    await pool.execute(
        "insert into call_manager (call_id, extension, user_id, day, direction, rang, answered, missed, not_taken,"
        " lost, rang_us, talk_us, wait_us, counted, started_at) select $1, '102', $2, current_date, 'inbound', true,"
        " true, false, false, false, 0, 60000000, 0, true, started_at from call where id = $1",
        call,
        api.site.users[who],
    )
    await pool.execute(
        "insert into recording (id, pbx, name, call_id, state, transcript_state)"
        " values ($1, 'pbx1', 'talk', $2, 'stored', 'ready')",
        recording,
        call,
    )
    said = [("client", "one"), ("manager", "yes"), ("client", "two"), ("client", "three")]
    await pool.execute(
        "insert into transcript (recording_id, language, model, segments, text, words)"
        " values ($1, 'en', 'base', $2, 'x', to_tsvector('simple', 'x'))",
        recording,
        [{"speaker": who, "start": n, "end": n + 0.5, "text": text} for n, (who, text) in enumerate(said)],
    )


def _once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def routed(api: Api, call: str, n: int, *, record: bool) -> None:
    """An answer to the dialplan's question what comes next."""
    await api.site.pool.execute(
        "insert into route_decision (pbx, uniqueid, call_id, n, at, action, place, resume, answer, body)"
        " values ('pbx1', 'q', $1, $2, now(), 'dial', 0, 1, '', jsonb_build_object('record', $3::bool))",
        call,
        n,
        record,
    )


async def test_whether_it_is_recorded_is_told_by_its_route_and_obeyed_by_who_records_by_order(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered")[:10])
    call = str(await api.site.pool.fetchval("select id from call where state = 'talking'"))
    head = await api.caller(Role.SUPERVISOR, "head")
    pool = api.site.pool
    (leg,) = await talking_client_legs(pool, "pbx1")

    assert (await caller(head, call))["recorded"] is None, "no folder of recordings is set, so only the PBX knows"
    await routed(api, call, 0, record=False)
    assert (await caller(head, call))["recorded"] is False
    assert await talking_client_legs(pool, "pbx1") == []
    await routed(api, call, 1, record=True)
    assert (await caller(head, call))["recorded"] is True
    assert await talking_client_legs(pool, "pbx1") == [leg]
