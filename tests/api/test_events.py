"""The feed: nothing missed, nothing twice, nothing that the reader may not see; and the addresses for machines."""

import asyncio
import time
from typing import Any

import pytest

from gateway.api.parts import PartState
from gateway.domain.access import Right, Role
from gateway.store.facts import NewFact, save_facts
from tests.api.site import Api, open_api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio


async def get(client: Any, path: str, **query: Any) -> Any:
    """The JSON of an answer that must be good."""
    response = await client.get(path, params=query)
    assert response.status == 200, await response.text()
    return await response.json()


async def tell(api: Api, kind: str = "card.created") -> None:
    """A fact of its own transaction."""
    async with api.site.pool.acquire() as connection, connection.transaction():
        await save_facts(connection, [NewFact(kind=kind, body={"id": 1})])


async def test_the_feed_is_read_to_its_end_in_pieces(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"), 1)
    head = await api.caller(Role.SUPERVISOR)

    kinds, place = [], "0-0"
    for _ in range(10):
        feed = await get(head, "events", after=place, limit=2)
        kinds += [f["kind"] for f in feed["items"]]
        place = feed["next"]

    assert kinds == ["card.created", "call.ringing", "call.talking", "call.ended"]


async def test_a_fact_of_a_call_holds_the_call(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    head = await api.caller(Role.SUPERVISOR)

    last = (await get(head, "events"))["items"][-1]

    call = await get(head, f"calls/{last['call_id']}")
    call.pop("recording")
    assert last["body"] == call


async def test_a_manager_gets_the_facts_of_his_calls_and_moves_past_the_others(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    boris = await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR)

    his, whole = await get(boris, "events"), await get(head, "events")

    assert [f["kind"] for f in his["items"]] == ["card.created"]
    assert his["next"] == whole["next"]


async def test_a_fact_of_a_late_commit_is_not_missed(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    async with api.site.pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await save_facts(slow, [NewFact(kind="card.created", body={"id": "slow"})])
        await tell(api)
        early = await get(head, "events")
        await transaction.commit()
    rest = await get(head, "events", after=early["next"])

    assert early["items"] == []
    assert [f["body"]["id"] for f in rest["items"]] == ["slow", 1]


async def test_who_waits_is_answered_when_something_happens(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    await asyncio.sleep(0.1)

    began = time.monotonic()
    waiting = asyncio.create_task(get(head, "events", wait=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await tell(api)
    feed = await waiting

    assert [f["kind"] for f in feed["items"]] == ["card.created"]
    assert time.monotonic() - began < 10
    assert (await get(head, "events", after=feed["next"], wait=1))["items"] == []


async def test_facts_that_no_rule_names_are_for_administrators(api: Api) -> None:
    await tell(api, "secret.leaked")
    head, root = await api.caller(Role.SUPERVISOR), await api.caller(Role.ADMIN)
    narrow = await api.caller(Role.ADMIN, rights=[Right.CALLS_READ_ALL])

    assert (await get(head, "events"))["items"] == (await get(narrow, "events"))["items"] == []
    assert len((await get(root, "events"))["items"]) == 1


@pytest.mark.parametrize("place", ["99999999999999999999-1", "1-9999999999999999999"])
async def test_a_place_that_no_feed_can_have_is_refused(api: Api, place: str) -> None:
    head = await api.caller(Role.SUPERVISOR)

    await problem(await head.get("events", params={"after": place}), 404, "unknown-cursor")


async def test_health_and_readiness_are_told_to_anybody(database: str, tmp_path: Any) -> None:
    states = [PartState(name="journal of pbx1", ready=True)]
    async with open_api(database, tmp_path, states=lambda: states) as api:
        client = await api.browser()
        assert await get(client, f"{api.origin}/healthz") == {"status": "ok"}
        assert (await get(client, f"{api.origin}/readyz"))["ready"] is True

        states.append(PartState(name="AMI of pbx1", ready=False, detail="Asterisk refused the password."))
        response = await client.get(f"{api.origin}/readyz")

        assert response.status == 503
        assert [p["name"] for p in (await response.json())["parts"] if not p["ready"]] == ["AMI of pbx1"]


async def test_metrics_need_a_right_unless_they_are_asked_for_on_this_machine(api: Api) -> None:
    client, root, head = await api.browser(), await api.caller(Role.ADMIN), await api.caller(Role.SUPERVISOR)
    through_a_proxy = {"X-Forwarded-For": "127.0.0.1"}
    await get(client, f"{api.origin}/healthz")

    text = await (await client.get(f"{api.origin}/metrics")).text()

    assert 'trunkline_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text
    await problem(await client.get(f"{api.origin}/metrics", headers=through_a_proxy), 401, "not-signed-in")
    await problem(await head.get(f"{api.origin}/metrics", headers=through_a_proxy), 403, "not-allowed")
    assert (await root.get(f"{api.origin}/metrics", headers=through_a_proxy)).status == 200


async def test_a_database_that_is_away_is_told_and_comes_back(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    await get(head, "calls")
    name = await api.site.pool.fetchval("select current_database()")

    await api.site.pool.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()", name
    )
    answers = [(await head.get("calls")).status for _ in range(12)]

    assert set(answers) <= {200, 503}
    assert answers[-1] == 200
