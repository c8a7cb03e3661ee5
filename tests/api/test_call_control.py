"""Orders to a call that goes on: written before they are sent, by whom they may be, and told in plain words.

Requirement 5.
"""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession

from gateway.domain.access import Right, Role
from gateway.domain.ports import Ability
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio

PLAIN = {
    "hold": "hold",
    "consult/complete": "complete",
    "recording/pause": "pause",
    "recording/resume": "sound",
}


def key(text: str = "a") -> dict[str, str]:
    return {"Idempotency-Key": text}


async def talking(api: Api) -> Any:
    """A call in which Anna talks, up to the row before its end."""
    for row in rows_of("in_answered"):
        await api.site.pipeline.take([row])
        if await api.site.pool.fetchval("select count(*) from call where state = 'talking'"):
            break
    return await api.site.pool.fetchval("select id from call")


async def legs(api: Api) -> dict[str, str]:
    return dict(await api.site.pool.fetch("select role, id from leg"))


async def end(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))


async def becomes(client: ClientSession, command: dict[str, Any], *states: str) -> dict[str, Any]:
    """A command, once it is in one of these states."""
    async with asyncio.timeout(60):
        while True:
            present = await (await client.get(f"commands/{command['id']}")).json()
            if present["state"] in states:
                return dict(present)
            await asyncio.sleep(0.02)


async def test_a_manager_holds_and_resumes_his_own_call_and_it_stays_one_row_each(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    named = await legs(api)
    anna = await api.caller(Role.MANAGER, "anna")

    held = await anna.post(f"calls/{call}/hold", headers=key())
    again = await anna.post(f"calls/{call}/hold", headers=key())
    resumed = await anna.post(f"calls/{call}/resume", headers=key())

    command = await held.json()
    assert (held.status, command["kind"], command["state"], command["call_id"]) == (202, "hold", "done", str(call))
    assert (again.status, await again.json()) == (202, command)
    assert (await resumed.json())["state"] == "done"
    assert api.board.told == [(do, named["client"], named["manager"]) for do in ("hold", "resume")]
    rows = await api.site.pool.fetch("select kind, leg, other_leg, state, actor from command order by ordered_at")
    assert [(r["kind"], r["leg"], r["other_leg"], r["state"]) for r in rows] == [
        (kind, named["client"], named["manager"], "done") for kind in ("hold", "resume")
    ]
    assert all(r["actor"].startswith("key:") for r in rows)
    assert held.headers["Location"] == f"/api/v1/commands/{command['id']}"
    facts = [r["kind"] for r in await api.site.pool.fetch("select kind from fact where call_id = $1 order by id", call)]
    assert facts.count("command.stored") == facts.count("command.done") == 2


async def test_digits_and_the_recording_are_ordered_of_the_clients_leg_and_no_digit_is_stored(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    client = (await legs(api))["client"]
    anna = await api.caller(Role.MANAGER, "anna")

    digits = await (await anna.post(f"calls/{call}/digits", json={"digits": "4711#"}, headers=key())).json()
    for order in ("recording/pause", "recording/resume"):
        assert (await (await anna.post(f"calls/{call}/{order}", headers=key())).json())["state"] == "done"

    assert api.board.told == [("digits", client, "4711#"), ("pause", client), ("sound", client)]
    assert digits["target"] == "5 digits"
    for table in ("command", "fact", "audit", "idempotency"):
        assert not [r for r in await api.site.pool.fetch(f"select t::text from {table} t") if "4711" in r["t"]]


@pytest.mark.parametrize("digits", ["", "12x", "1" * 33, "1\r\n", "${X}"])
async def test_what_is_no_digits_is_refused(api: Api, digits: str) -> None:
    call = await talking(api)
    anna = await api.caller(Role.MANAGER, "anna")

    await problem(
        await anna.post(f"calls/{call}/digits", json={"digits": digits}, headers=key()), 422, "invalid-request"
    )
    assert api.board.told == []


async def test_a_call_goes_to_a_colleague_an_extension_or_a_number_that_may_be_dialled(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    named = await legs(api)
    anna = await api.caller(Role.MANAGER, "anna")
    targets = [{"user": api.site.users["boris"]}, {"number": "102"}, {"number": "8 (916) 555-00-11"}]

    answers = [
        await (await anna.post(f"calls/{call}/transfer", json=target, headers=key(str(n)))).json()
        for n, target in enumerate(targets)
    ]

    assert [a["target"] for a in answers] == ["102", "102", "+79165550011"]
    assert [a["number"] for a in answers] == [None, None, "+79165550011"]
    assert api.board.told == [
        ("transfer", named["client"], named["manager"], target) for target in ("102", "102", "79165550011")
    ]


@pytest.mark.parametrize(
    "target",
    [
        {"number": "+18095550100"},
        {"number": "8 809 555 01 00"},
        {"number": "*98"},
        {"number": "102\r\nAction: Hangup"},
        {"number": "102,1,${SHELL(id)}"},
        {},
        {"number": "102", "user": 1},
    ],
)
async def test_a_forbidden_target_is_refused_with_the_reason_and_nothing_is_sent(
    api: Api, target: dict[str, Any]
) -> None:
    call = await talking(api)
    anna = await api.caller(Role.MANAGER, "anna")

    for order in ("transfer", "consult"):
        document = await problem(
            await anna.post(f"calls/{call}/{order}", json=target, headers=key()), 422, "invalid-request"
        )
        assert document["errors"][0]["detail"]  # type: ignore[index]
    assert api.board.told == []
    assert await api.site.pool.fetchval("select count(*) from command") == 0
    kept = await api.site.pool.fetchval("select count(*) from dial_refusal where purpose = 'transfer'")
    assert kept == (2 if len(target) == 1 else 0)


async def test_a_call_is_not_transferred_to_whoever_has_it(api: Api) -> None:
    call = await talking(api)
    anna = await api.caller(Role.MANAGER, "anna")

    for target in ({"user": api.site.users["anna"]}, {"number": "101"}):
        await problem(await anna.post(f"calls/{call}/transfer", json=target, headers=key()), 422, "invalid-request")


async def test_an_attended_transfer_is_begun_and_ended_with_the_same_legs(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    named = await legs(api)
    anna = await api.caller(Role.MANAGER, "anna")

    early = await anna.post(f"calls/{call}/consult/complete", headers=key())
    begun = await (await anna.post(f"calls/{call}/consult", json={"number": "102"}, headers=key())).json()
    ended = await (await anna.post(f"calls/{call}/consult/complete", headers=key("b"))).json()
    late = await (await anna.post(f"calls/{call}/consult/abandon", headers=key())).json()

    assert (await problem(early, 409, "conflict"))["errors"][0]["code"] == "no_consultation"  # type: ignore[index]
    assert (begun["state"], ended["state"]) == ("done", "done")
    assert (late["state"], late["reason"]) == ("refused", "not_possible")
    assert api.board.told == [
        ("consult", named["client"], named["manager"], "102"),
        ("complete", named["client"], named["manager"]),
    ]


async def test_a_paused_recording_stays_paused_through_a_transfer(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    anna = await api.caller(Role.MANAGER, "anna")

    await anna.post(f"calls/{call}/recording/pause", headers=key())
    moved = await (await anna.post(f"calls/{call}/transfer", json={"number": "102"}, headers=key())).json()

    assert moved["state"] == "done"
    assert "still paused" in moved["detail"]
    assert [told[0] for told in api.board.told] == ["pause", "transfer"]


async def test_an_order_of_a_call_that_has_ended_is_a_conflict_and_writes_nothing(api: Api) -> None:
    call = await talking(api)
    await end(api)
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")

    for client, order in ((anna, "hold"), (anna, "recording/pause"), (head, "listen")):
        document = await problem(await client.post(f"calls/{call}/{order}", headers=key()), 409, "conflict")
        assert document["errors"][0]["code"] == "call_ended"  # type: ignore[index]
    assert await api.site.pool.fetchval("select count(*) from command") == 0
    assert await api.site.pool.fetchval("select count(*) from idempotency") == 0


async def test_a_leg_that_went_while_the_order_was_on_its_way_is_told_in_words(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    api.board.gone_legs = {(await legs(api))["client"]}
    anna = await api.caller(Role.MANAGER, "anna")

    command = await (await anna.post(f"calls/{call}/hold", headers=key())).json()

    assert (command["state"], command["reason"]) == ("refused", "leg_gone")
    assert "not in the call any more" in command["detail"]


async def test_what_the_pbx_lacks_is_refused_in_its_own_words(api: Api) -> None:
    call = await talking(api)
    api.board.lacking = {Ability.HOLD: "The account lacks the class call. Not possible without it: hold."}
    anna = await api.caller(Role.MANAGER, "anna")

    document = await problem(await anna.post(f"calls/{call}/hold", headers=key()), 409, "conflict")

    assert document["detail"] == "The account lacks the class call. Not possible without it: hold."
    api.board.refuse("not_allowed", "The account may not `MixMonitorMute`: give it the class system.")
    refused = await (await anna.post(f"calls/{call}/recording/pause", headers=key())).json()
    assert refused["detail"] == "The account may not `MixMonitorMute`: give it the class system."


async def test_an_order_whose_answer_was_lost_is_unknown_and_not_repeated(api: Api) -> None:
    call = await talking(api)
    api.board.lose()
    anna = await api.caller(Role.MANAGER, "anna")

    first = await (await anna.post(f"calls/{call}/hold", headers=key())).json()
    again = await (await anna.post(f"calls/{call}/hold", headers=key())).json()

    assert (first["state"], first["reason"]) == ("unknown", "connection_lost")
    assert again == first
    assert len(api.board.told) == 1


async def test_an_order_that_has_no_answer_yet_stands_against_the_next_one(api: Api) -> None:
    call = await talking(api)
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")

    first = await (await anna.post(f"calls/{call}/transfer", json={"number": "102"}, headers=key())).json()
    second = await head.post(f"calls/{call}/transfer", json={"number": "100"}, headers=key())
    api.board.accept()
    api.board.answered.set()

    assert first["state"] == "sent"
    document = await problem(second, 409, "conflict")
    assert document["errors"][0]["code"] == "order_running"  # type: ignore[index]
    await becomes(anna, first, "done")


async def test_two_transfers_at_one_moment_send_one(api: Api) -> None:
    call = await talking(api)
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")

    answers = await asyncio.gather(
        *(c.post(f"calls/{call}/transfer", json={"number": "102"}, headers=key()) for c in (anna, head))
    )

    assert sorted(a.status for a in answers) == [202, 409]
    assert len(api.board.told) == 1


async def test_a_colleagues_call_may_not_be_commanded_and_a_supervisors_right_reaches_all(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    boris, head = await api.caller(Role.MANAGER, "boris"), await api.caller(Role.SUPERVISOR, "head")
    reader = await api.caller(Role.SUPERVISOR, "head", rights=[Right.CALLS_READ_ALL])

    for order in ("hold", "resume", "recording/pause"):
        await problem(await boris.post(f"calls/{call}/{order}", headers=key()), 404, "not-found")
        await problem(await reader.post(f"calls/{call}/{order}", headers=key()), 403, "not-allowed")
    assert (await (await head.post(f"calls/{call}/hold", headers=key())).json())["state"] == "done"


async def test_a_manager_whose_phone_only_rings_commands_nothing_of_the_client(api: Api) -> None:
    """Where a group rings, one colleague has the call: the others neither press digits nor stop its recording."""
    api.board.accept()
    for row in rows_of("in_answered"):
        await api.site.pipeline.take([row])
        if await api.site.pool.fetchval("select count(*) from leg where role = 'manager'"):
            break
    call = await api.site.pool.fetchval("select id from call where state = 'ringing'")
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")

    for n, order in enumerate(("recording/pause", "recording/resume", "digits", "hold", "consult")):
        body = {"digits": {"json": {"digits": "1"}}, "consult": {"json": {"number": "102"}}}.get(order, {})
        await problem(await anna.post(f"calls/{call}/{order}", headers=key(f"k{n}"), **body), 409, "conflict")
    assert api.board.told == []
    assert (await head.post(f"calls/{call}/digits", json={"digits": "1"}, headers=key())).status == 202


async def test_a_manager_passes_his_own_call_on_while_it_rings(api: Api) -> None:
    api.board.accept()
    for row in rows_of("in_answered"):
        await api.site.pipeline.take([row])
        if await api.site.pool.fetchval("select count(*) from leg where role = 'manager'"):
            break
    call, named = await api.site.pool.fetchval("select id from call"), await legs(api)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    target = {"user": api.site.users["boris"]}

    await problem(await boris.post(f"calls/{call}/transfer", json=target, headers=key("b")), 404, "not-found")
    own = await anna.post(f"calls/{call}/transfer", json={"user": api.site.users["anna"]}, headers=key("o"))
    await problem(own, 422, "invalid-request")
    passed = await (await anna.post(f"calls/{call}/transfer", json=target, headers=key("a"))).json()

    assert (passed["kind"], passed["state"], passed["target"]) == ("transfer", "done", "102")
    assert passed["user_id"] == api.site.users["anna"]
    assert api.board.told == [("transfer", named["client"], named["manager"], "102")]


@pytest.mark.parametrize(("order", "fact"), [("listen", "listened"), ("whisper", "whispered"), ("barge", "barged")])
async def test_a_supervisor_beside_a_call_is_an_audited_fact_with_begin_and_end(
    api: Api, order: str, fact: str
) -> None:
    api.board.accept()
    call = await talking(api)
    manager = (await legs(api))["manager"]
    head, anna = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")

    command = await (await head.post(f"calls/{call}/{order}", headers=key())).json()
    assert (command["state"], command["about"]) == ("accepted", api.site.users["anna"])
    assert api.board.told == [(order, "100", manager)]
    await spied(api, command["id"], answered=True)
    await api.parts.desk.watch.look()
    assert (await becomes(head, command, "talking"))["began_at"] == "2026-11-22T08:00:01Z"
    await spied(api, command["id"], answered=True, ended=True)
    await api.parts.desk.watch.look()
    over = await becomes(head, command, "ended")

    assert (over["reason"], over["ended_at"]) == ("hung_up", "2026-11-22T08:00:09Z")
    audit = [r["action"] for r in await api.site.pool.fetch("select action from audit order by id")]
    assert audit[-3:] == [f"call.{order}", f"call.{fact}", f"call.{fact}.ended"]
    body = await api.site.pool.fetchval("select body from fact where kind = $1", f"call.{fact}")
    assert (body["began_at"], body["ended_at"]) == ("2026-11-22T08:00:01Z", "2026-11-22T08:00:09Z")
    assert (body["user_id"], body["manager_id"]) == (api.site.users["head"], api.site.users["anna"])
    for client, sees in ((head, True), (anna, False)):
        feed = await (await client.get("events?limit=200")).json()
        assert (f"call.{fact}" in {i["kind"] for i in feed["items"]}) is sees
        assert any(i["kind"] == "command.ended" for i in feed["items"]) is sees
    await problem(await anna.get(f"commands/{command['id']}"), 404, "not-found")


async def spied(api: Api, id: str, *, answered: bool = False, ended: bool = False) -> None:
    """The leg of a supervisor's phone as the journal would bring it."""
    await api.site.pool.execute("delete from leg where id = $1", id)
    await api.site.pool.execute(
        "insert into leg (pbx, id, family_id, channel, role, dialled, started_at, answered_at, ended_at, cause)"
        " values ('pbx1', $1, $2, 'PJSIP/100-1', 'manager', true, '2026-11-22 08:00:00Z',"
        " case when $3 then '2026-11-22 08:00:01Z'::timestamptz end,"
        " case when $4 then '2026-11-22 08:00:09Z'::timestamptz end, 16)",
        id,
        UUID(int=1),
        answered,
        ended,
    )


async def test_a_supervisor_whose_phone_nobody_took_has_listened_to_nothing(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    head = await api.caller(Role.SUPERVISOR, "head")

    command = await (await head.post(f"calls/{call}/listen", headers=key())).json()
    await spied(api, command["id"], ended=True)
    await api.parts.desk.watch.look()

    assert (await becomes(head, command, "refused"))["detail"] == "The supervisor did not take the phone."
    assert not await api.site.pool.fetchval("select count(*) from fact where kind = 'call.listened'")


async def test_two_supervisors_may_listen_and_one_may_barge(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    head, boris = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.SUPERVISOR, "boris")

    async def status(client: ClientSession, order: str, name: str) -> tuple[int, str]:
        response = await client.post(f"calls/{call}/{order}", headers=key(name))
        body = await response.json()
        return response.status, body["errors"][0]["code"] if response.status == 409 else ""

    assert await status(head, "listen", "1") == (202, "")
    assert await status(head, "whisper", "2") == (409, "already_listening")
    assert await status(boris, "barge", "3") == (202, "")
    assert await status(head, "barge", "4") == (409, "already_listening")
    await api.site.pool.execute("update command set state = 'ended' where kind = 'listen'")
    document = await problem(await head.post(f"calls/{call}/barge", headers=key("5")), 409, "conflict")
    assert "Boris has barged in" in str(document["detail"])


async def test_nobody_listens_without_the_right_without_a_phone_or_to_himself(api: Api) -> None:
    call = await talking(api)
    anna, root = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.ADMIN, "root")
    herself = await api.caller(Role.SUPERVISOR, "anna")
    nobody = await api.caller(Role.SUPERVISOR)

    await problem(await anna.post(f"calls/{call}/listen", headers=key()), 403, "not-allowed")
    await problem(await root.post(f"calls/{call}/listen", headers=key()), 422, "rejected")
    for client, code in ((herself, "in_call"), (nobody, "no_person")):
        document = await problem(await client.post(f"calls/{call}/listen", headers=key()), 409, "conflict")
        assert document["errors"][0]["code"] == code  # type: ignore[index]
    assert api.board.told == []


async def test_listening_is_ended_by_cancelling_its_command(api: Api) -> None:
    api.board.accept()
    call = await talking(api)
    head, anna = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")
    command = await (await head.post(f"calls/{call}/listen", headers=key())).json()

    await problem(await anna.delete(f"commands/{command['id']}"), 404, "not-found")
    assert (await head.delete(f"commands/{command['id']}")).status == 204
    async with asyncio.timeout(60):
        while api.board.hung_up != [command["id"]]:
            await asyncio.sleep(0.02)


async def test_a_manager_hangs_up_his_own_leg_and_a_supervisor_the_clients(api: Api) -> None:
    call = await talking(api)
    named = await legs(api)
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR)

    assert (await anna.delete(f"calls/{call}")).status == 204
    assert (await head.delete(f"calls/{call}")).status == 204
    assert api.board.hung_up == [named["manager"], named["client"]]
    assert await api.site.pool.fetchval("select count(*) from command where kind = 'hang_up' and state = 'done'") == 2


async def test_a_leg_the_pbx_knows_no_more_leaves_the_next_one(api: Api) -> None:
    call = await talking(api)
    named = await legs(api)
    api.board.gone_legs = {named["client"]}
    head = await api.caller(Role.SUPERVISOR)

    assert (await head.delete(f"calls/{call}")).status == 204
    assert api.board.hung_up == [named["client"], named["manager"]]


async def test_a_call_that_is_over_cannot_be_hung_up(api: Api) -> None:
    await end(api)
    call = await api.site.pool.fetchval("select id from call")
    head = await api.caller(Role.SUPERVISOR)

    await problem(await head.delete(f"calls/{call}"), 409, "conflict")
    assert api.board.hung_up == []


async def test_a_colleagues_call_cannot_be_hung_up(api: Api) -> None:
    call = await talking(api)
    boris = await api.caller(Role.MANAGER, "boris")

    await problem(await boris.delete(f"calls/{call}"), 404, "not-found")


async def test_a_call_of_phones_that_nobody_knows_is_hung_up_by_a_supervisor(api: Api) -> None:
    call = await talking(api)
    await api.site.pool.execute("update leg set role = 'unmapped'")
    head = await api.caller(Role.SUPERVISOR)

    assert (await head.delete(f"calls/{call}")).status == 204
    assert len(api.board.hung_up) == 1
