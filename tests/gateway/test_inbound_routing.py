"""Whom a call rings, question by question, over a real database. Requirement 4 of the issue: inbound routing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from gateway.domain.identity import call_id
from gateway.domain.ports import SeenEndpoint
from gateway.domain.routing import Strategy
from gateway.store.facts import Fact, facts_after
from gateway.store.staff import give_extension
from tests.gateway.routing_site import CALLER, DID, Routing, group, open_routing, owner

pytestmark = pytest.mark.asyncio
ANNAS = "PJSIP/101&PJSIP/anna-desk&PJSIP/101-WS"
BORIS, HEAD = "PJSIP/102", "PJSIP/100"
CLOSED = {"timezone": "UTC", "week": [["00:00-00:01"], [], [], [], [], [], []], "exceptions": []}


@pytest_asyncio.fixture
async def routing(database: str) -> AsyncIterator[Routing]:
    """A site with people and no route."""
    async with open_routing(database) as routing:
        yield routing


async def state(routing: Routing, login: str, state: str) -> None:
    """A manager as he is now."""
    await routing.pool.execute(
        "insert into manager_state (user_id, state, since, by) values ($1, $2, now(), 'user:1')",
        routing.users[login],
        state,
    )


async def talked(routing: Routing, login: str, minutes: int) -> None:
    """A manager whose last talk ended so long ago."""
    call = await routing.pool.fetchval("select gen_random_uuid()")
    await routing.pool.execute(
        "insert into manager_talk (pbx, leg, user_id, call_id, row_since, row_until, since, until, after_seconds)"
        " values ('pbx1', $1, $2, $3, $4, $5, $4, $5, 0)",
        str(call),
        routing.users[login],
        call,
        datetime.now(UTC) - timedelta(minutes=minutes + 1),
        datetime.now(UTC) - timedelta(minutes=minutes),
    )


async def reasons(routing: Routing, call: str = "c1") -> list[tuple[int, int | None, str]]:
    """What the last decision of a call said of steps and people."""
    body = await routing.pool.fetchval("select body from route_decision where uniqueid = $1 order by n desc", call)
    return [(seen["step"], seen["user"], seen["why"]) for seen in body["seen"]]


async def test_a_number_without_a_route_goes_the_sites_own_way(routing: Routing) -> None:
    assert await routing.ask() == ["site", "-", "0", "-", "0"]


async def test_the_clients_own_manager_rings_first_and_then_the_group_without_him(routing: Routing) -> None:
    await routing.owned_by("anna")
    await routing.route([owner(15), group(await routing.group("anna", "boris"), 20)], record=True)

    assert await routing.answers() == [
        ["dial", ANNAS, "15", "-", "1"],
        ["dial", BORIS, "20", "-", "1"],
        ["hangup", "-", "0", "-", "0"],
    ]


async def test_who_talked_last_is_the_clients_own_manager_where_the_card_has_no_owner(routing: Routing) -> None:
    card = await routing.owned_by(None)
    await routing.pool.execute(
        "insert into family (id, pbx, open, rows, first_at, last_at)"
        " values (gen_random_uuid(), 'pbx1', false, '', now(), now())"
    )
    await routing.pool.execute(
        "insert into call (id, pbx, key, family_id, kind, direction, state, contact_id, responsible_id, result,"
        " talk_us, ring_us, outside_us, complete, started_at)"
        " select gen_random_uuid(), 'pbx1', 'x', id, 'client', 'inbound',"
        " 'ended', $1, $2, 'answered', 1, 1, 0, true, now() - interval '1 day' from family",
        card,
        routing.users["boris"],
    )
    await routing.route([owner(15)])

    assert (await routing.ask())[:2] == ["dial", BORIS]


@pytest.mark.parametrize("how", ["break", "off", "after_call", "talking"])
async def test_a_manager_who_takes_no_calls_is_not_rung(routing: Routing, how: str) -> None:
    await routing.owned_by("anna")
    await routing.route([owner(15), {"kind": "manager", "user": routing.users["boris"], "seconds": 10}])
    await state(routing, "anna", how)

    assert (await routing.ask())[:2] == ["dial", BORIS]
    assert (0, routing.users["anna"], how) in await reasons(routing)


async def test_an_absent_manager_and_one_without_a_phone_are_not_rung(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", "head"))])
    await routing.pool.execute(
        "insert into absence (user_id, kind, since, until, state, made_by, made_at) values"
        " ($1, 'sick', now() - interval '1 hour', now() + interval '1 hour', 'begun', 'user:1', now())",
        routing.users["anna"],
    )
    await routing.pool.execute("delete from endpoint where extension = '100'")

    assert (await routing.ask())[:2] == ["dial", BORIS]
    assert await reasons(routing) == [
        (0, routing.users["anna"], "absent"),
        (0, routing.users["head"], "no_phone"),
        (0, routing.users["boris"], "chosen"),
    ]


async def test_a_manager_outside_of_his_own_hours_is_not_rung(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris"))])
    day = (datetime.now(UTC) + timedelta(days=3)).weekday()
    week = [["09:00-10:00"] if place == day else [] for place in range(7)]
    await routing.pool.execute(
        "insert into working_time (user_id, timezone, week) values ($1, 'UTC', $2)", routing.users["anna"], week
    )

    assert (await routing.ask())[:2] == ["dial", BORIS]
    assert (0, routing.users["anna"], "off_hours") in await reasons(routing)


async def test_a_phone_that_is_not_registered_is_not_dialled(routing: Routing) -> None:
    routing.told += [SeenEndpoint(pbx="pbx1", name=n, online=n != HEAD, proposed_extension=None) for n in (BORIS, HEAD)]
    await routing.route([group(await routing.group("head", "boris"))])
    await routing.ask("c0")
    await asyncio.sleep(0.05)  # the PBX is asked beside the call
    await routing.pool.execute("delete from route_decision")

    assert (await routing.ask("c2"))[:2] == ["dial", BORIS]
    assert (0, routing.users["head"], "offline") in await reasons(routing, "c2")


async def test_one_by_one_in_turn_and_the_next_call_begins_behind_the_last(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", "head", strategy=Strategy.TURN), 10)])

    assert [a[1] for a in await routing.answers("c1")] == [ANNAS, BORIS, HEAD, "-"]
    await routing.pool.execute("update route_decision set at = at - interval '1 minute'")
    assert (await routing.ask("c2"))[1] == ANNAS
    await routing.pool.execute("update route_decision set at = at - interval '1 minute'")
    assert (await routing.ask("c3"))[1] == BORIS


async def test_the_longest_idle_rings_first(routing: Routing) -> None:
    await talked(routing, "anna", 5)
    await talked(routing, "boris", 30)
    await talked(routing, "head", 1)
    await routing.route([group(await routing.group("anna", "boris", "head", strategy=Strategy.LONGEST_IDLE), 10)])

    assert [a[1] for a in await routing.answers()] == [BORIS, ANNAS, HEAD, "-"]


async def test_whoever_refused_is_not_rung_again_by_another_group(routing: Routing) -> None:
    first, second = await routing.group("anna"), await routing.group("anna", "boris")
    await routing.route([group(first), group(second)])

    await routing.ask("c1", 0, "NEW")
    assert (await routing.ask("c1", 1, "BUSY"))[1] == BORIS
    assert (1, routing.users["anna"], "rung_before") in await reasons(routing)


async def test_a_manager_whom_another_call_just_got_is_not_rung_by_this_one(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", strategy=Strategy.LONGEST_IDLE))])

    assert [(await routing.ask("c1"))[1], (await routing.ask("c2"))[1]] == [ANNAS, BORIS]
    assert (0, routing.users["anna"], "ringing") in await reasons(routing, "c2")


async def test_a_client_waits_for_somebody_who_is_busy_and_not_for_one_who_is_off(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna"), wait_seconds=5), {"kind": "site"}])
    await state(routing, "anna", "talking")

    assert [a[0] for a in await routing.answers("c1")] == ["wait", "wait", "site"]
    await routing.pool.execute("update manager_state set state = 'off'")
    assert [a[0] for a in await routing.answers("c2")] == ["site"]


async def test_whoever_gets_free_while_the_client_waits_is_rung(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna"), wait_seconds=30)])
    await state(routing, "anna", "talking")
    assert await routing.ask("c1", 0) == ["wait", "-", "3", "-", "0"]

    await routing.pool.execute("update manager_state set state = 'available'")

    assert (await routing.ask("c1", 1, "WAITED"))[:2] == ["dial", ANNAS]


async def test_in_closed_hours_an_announcement_and_a_missed_call(routing: Routing) -> None:
    await routing.route(
        [group(await routing.group("anna"))], [{"kind": "announcement", "sound": "custom/closed"}], hours=CLOSED
    )

    assert await routing.answers() == [["play", "-", "0", "custom/closed", "0"], ["hangup", "-", "0", "-", "0"]]
    assert await reasons(routing) == [(1, None, "end")]


async def test_the_hours_of_the_number_hold_where_the_route_has_none(routing: Routing) -> None:
    await routing.route([owner()], [{"kind": "site"}])
    await routing.pool.execute(
        "insert into working_time (did, timezone, week, exceptions) values ($1, 'UTC', $2, '[]')",
        DID,
        CLOSED["week"],
    )

    assert (await routing.ask())[0] == "site"


async def test_a_route_leads_on_to_another_one(routing: Routing) -> None:
    night = await routing.route([{"kind": "manager", "user": routing.users["head"], "seconds": 10}], did=None)
    await routing.route([{"kind": "route", "route": night}], did="*")

    assert [a[1] for a in await routing.answers(did="74950000000")] == [HEAD, "-"]


async def test_the_notice_comes_before_the_first_ring_and_is_a_fact_once_it_was_heard(routing: Routing) -> None:
    await routing.route([owner(15), group(await routing.group("anna", "boris"))], record=True, notice=True)
    sound = "this-call-may-be-monitored-or-recorded"

    assert await routing.ask("c1", 0, "NEW") == ["play", "-", "0", sound, "0"]
    assert await told(routing, "recording.notice_played") == []
    assert (await routing.ask("c1", 1, "SUCCESS"))[::4] == ["dial", "1"]
    assert (await routing.ask("c1", 2, "NOANSWER"))[0] == "hangup"

    (fact,) = await told(routing, "recording.notice_played")
    assert (fact.call_id, fact.body["sound"]) == (call_id("pbx1", "c1"), sound)


async def test_a_client_whom_the_notice_did_not_reach_is_not_recorded(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna"))], record=True, notice=True)

    answers = await routing.answers("c1", status="FAILED")
    assert [(a[0], a[4]) for a in answers] == [("play", "0"), ("dial", "0"), ("hangup", "0")]
    assert await told(routing, "recording.notice_played") == []
    assert (1, None, "end") in await reasons(routing)
    body = await routing.pool.fetchval("select body from route_decision where n = 1")
    assert body["seen"][0]["why"] == "untold"


async def told(routing: Routing, kind: str) -> list[Fact]:
    """The facts of a kind."""
    return [fact for fact in await facts_after(routing.pool, None, 1000) if fact.kind == kind]


async def test_each_decision_is_a_fact_of_the_call_without_the_callers_number(routing: Routing) -> None:
    card = await routing.owned_by("anna")
    route = await routing.route([owner(15)])
    await routing.answers()

    first, last = await told(routing, "call.routed")
    assert (first.call_id, first.contact_id, first.users) == (call_id("pbx1", "c1"), card, (routing.users["anna"],))
    assert (first.body["route"], first.body["action"], first.body["open"]) == (route, "dial", True)
    assert first.body["reasons"] == [
        {"step": 0, "user": routing.users["anna"], "why": "chosen", "text": "Step 1: Anna rings."}
    ]
    assert (last.body["action"], last.body["before"]) == ("hangup", "NOANSWER")
    assert CALLER not in str(first.body)


async def test_a_gateway_started_again_in_mid_route_goes_on_where_the_last_answer_left_off(routing: Routing) -> None:
    await routing.owned_by("anna")
    id_ = await routing.route([owner(15), group(await routing.group("anna", "boris"))])
    await routing.ask("c1", 0, "NEW")

    routing.restart()
    await routing.pool.execute("update inbound_route set archived_at = now() where id = $1", id_)

    assert (await routing.ask("c1", 1, "NOANSWER"))[:2] == ["dial", BORIS]


async def test_a_question_that_is_asked_twice_gets_the_same_answer(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", strategy=Strategy.TURN))])

    assert await routing.ask("c1", 0) == await routing.ask("c1", 0)
    assert len(await told(routing, "call.routed")) == 1


async def test_calls_of_two_pbxs_with_one_uniqueid_are_two_calls(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris"))])
    async with routing.pool.acquire() as connection:
        await give_extension(
            connection, pbx="pbx2", extension="7", user_id=routing.users["boris"], patterns=["SIP/boris"]
        )
    first = await routing.ask("same.1", 0)
    await routing.pool.execute("update route_decision set at = at - interval '1 minute'")
    second = await routing.ask("same.1", 0, pbx="pbx2")

    assert (first[1], second[1]) == (f"{ANNAS}&{BORIS}", "SIP/boris")
    assert (await routing.ask("same.1", 1, "NOANSWER"))[0] == "hangup"
    calls = await routing.pool.fetch("select distinct pbx, call_id from route_decision")
    assert {(r["pbx"], r["call_id"]) for r in calls} == {(p, call_id(p, "same.1")) for p in ("pbx1", "pbx2")}


async def test_an_answer_that_nobody_waits_for_any_more_says_that_it_rang_nobody(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna"))])
    async with routing.pool.acquire() as other, other.transaction():
        await other.execute("lock table users in access exclusive mode")
        asked = asyncio.create_task(routing.ask(left=timedelta(milliseconds=150)))
        await asyncio.sleep(0.3)

    assert (await asked)[0] == "site"
    assert await reasons(routing) == [(0, None, "late")]


@pytest.mark.parametrize(
    "caller", ["", "anonymous", "7\r\nAction: x", "${SHELL(id)}", "'; drop table x;--", "\x00", "🙂"]
)
async def test_whatever_a_caller_calls_himself_he_is_routed_and_is_nobodys_client(
    routing: Routing, caller: str
) -> None:
    await routing.owned_by("anna")
    await routing.route([owner(15), group(await routing.group("boris"))])

    assert (await routing.ask(caller=caller))[:2] == ["dial", BORIS]


async def test_of_twenty_calls_at_once_each_gets_its_answer_and_its_fact(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", "head", strategy=Strategy.TURN)), {"kind": "site"}])

    answers = await asyncio.gather(*(routing.ask(f"c{n}") for n in range(20)))

    assert {a[0] for a in answers} <= {"dial", "site"}
    facts = await told(routing, "call.routed")
    assert {f.call_id for f in facts} == {call_id("pbx1", f"c{n}") for n in range(20)}
    assert len(facts) == 20


async def test_the_same_question_asked_ten_times_at_once_is_answered_once(routing: Routing) -> None:
    await routing.route([group(await routing.group("anna", "boris", "head", strategy=Strategy.TURN))])

    answers = await asyncio.gather(*(routing.ask("c1") for _ in range(10)))

    assert len({tuple(a) for a in answers}) == 1
    assert len(await told(routing, "call.routed")) == 1


async def test_being_made_ready_leaves_nothing_behind(routing: Routing) -> None:
    await routing.route([owner(15), group(await routing.group("anna"))])

    await asyncio.gather(*(routing.router.warm_up(datetime.now(UTC)) for _ in range(3)))

    assert await routing.pool.fetchval("select count(*) from route_decision") == 0
    assert (await routing.ask())[1] == ANNAS
