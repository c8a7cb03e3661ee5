"""Every order to a call that goes on, and the call that the fold makes of it. Requirement A: commands of calls."""

import asyncio

import pytest

from tests.contract.sites import CLIENT, ContractSite, new_id, told

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


async def test_a_click_to_call_rings_the_manager_then_the_client(site: ContractSite) -> None:
    order, called, taken = await site.outbound(client_caller_id="74957770001")
    await asyncio.sleep(1.0)
    await taken.hang_up()
    call = await site.over()

    assert call.key == order
    assert "74957770001" in called.peer
    assert CLIENT in taken.peer
    assert told(call) == {
        "direction": "outbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101"],
        "talk": {"101": pytest.approx(1.0, abs=0.31)},
        "hold": 0.0,
        "transfers": [],
        "hung_up_by": "manager",
    }


async def test_an_order_is_cancelled_while_the_managers_phone_rings(site: ContractSite) -> None:
    order = new_id()
    await site.order(order)
    ringing = await site.anna.next_call()
    outcome = await site.engine.hang_up(order)
    await ringing.ended()
    await site.until(lambda: site.refused)

    assert outcome.accepted
    assert [refused for refused, _ in site.refused] == [order]
    assert not site.client.calls or all(c.state == "ended" for c in site.client.calls.values())


async def test_the_managers_phone_rings_as_long_as_it_was_told(site: ContractSite) -> None:
    order = new_id()
    await site.order(order, ring_seconds=1.0)
    ringing = await site.anna.next_call()
    await ringing.ended(4.0)
    await site.until(lambda: site.refused)

    assert site.refused == [(order, "no_answer")]
    assert ringing.moments["ended"] - ringing.moments["incoming"] == pytest.approx(1.0, abs=0.4)


async def test_a_talk_is_hung_up_by_either_leg(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    outcome = await site.engine.hang_up(site.pair()["client"])
    await calling.ended()
    await taken.ended()

    assert outcome.accepted
    assert (await site.over()).result == "answered"


async def test_hold_and_resume_leave_one_call_with_its_hold(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    held = await site.engine.hold(order_id=new_id(), **legs)
    await asyncio.sleep(1.0)
    resumed = await site.engine.resume(order_id=new_id(), **legs)
    await asyncio.sleep(0.5)
    await taken.hang_up()
    await calling.ended()
    call = await site.over()

    assert (held.accepted, resumed.accepted) == (True, True)
    assert told(call) == {
        "direction": "inbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101"],
        "talk": {"101": pytest.approx(1.6, abs=0.31)},
        "hold": pytest.approx(1.0, abs=0.11),
        "transfers": [],
        "hung_up_by": "manager",
    }
    assert sum(part.talk.total_seconds() for part in call.managers) > call.hold.total_seconds()  # type: ignore[union-attr]


async def test_hold_of_an_ordered_call_can_be_repeated(site: ContractSite) -> None:
    _, called, taken = await site.outbound()
    legs = site.pair()
    for _ in range(2):
        assert (await site.engine.hold(order_id=new_id(), **legs)).accepted
        await asyncio.sleep(0.5)
        assert (await site.engine.resume(order_id=new_id(), **legs)).accepted
        await asyncio.sleep(0.3)
    await called.hang_up()
    await taken.ended()
    call = await site.over()

    assert told(call) == {
        "direction": "outbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101"],
        "talk": {"101": pytest.approx(1.6, abs=0.31)},
        "hold": pytest.approx(1.0, abs=0.21),
        "transfers": [],
        "hung_up_by": "client",
    }


@pytest.mark.parametrize("who", ["client", "manager"])
async def test_whoever_hangs_up_in_a_hold_ends_the_call(site: ContractSite, who: str) -> None:
    calling, taken = await site.inbound()
    await site.engine.hold(order_id=new_id(), **site.pair())
    await asyncio.sleep(0.5)
    await (calling if who == "client" else taken).hang_up()
    await calling.ended()
    await taken.ended()
    call = await site.over()

    assert (call.result, call.hung_up_by, len(call.transfers)) == ("answered", who, 0)
    assert call.hold is not None
    assert call.hold.total_seconds() == pytest.approx(0.5, abs=0.11)


async def test_a_blind_transfer_goes_to_a_colleague(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    await site.boris.script(answer_after=0.3)
    await asyncio.sleep(0.4)
    outcome = await site.engine.transfer(order_id=new_id(), **site.pair(), target="102")
    await taken.ended()
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(0.5)
    await calling.hang_up()
    call = await site.over()

    assert outcome.accepted
    assert told(call) == {
        "direction": "inbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101", "102"],
        "talk": {"101": pytest.approx(0.5, abs=0.31), "102": pytest.approx(0.5, abs=0.21)},
        "hold": 0.0,
        "transfers": [("blind", "101", "102", "taken", "102")],
        "hung_up_by": "client",
    }


async def test_a_held_client_is_transferred_blind(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    await site.boris.script(answer_after=0.3)
    await site.engine.hold(order_id=new_id(), **legs)
    await asyncio.sleep(0.6)
    outcome = await site.engine.transfer(order_id=new_id(), **legs, target="102")
    await taken.ended()
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(0.5)
    await calling.hang_up()
    call = await site.over()

    assert outcome.accepted
    assert told(call) == {
        "direction": "inbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101", "102"],
        "talk": {"101": pytest.approx(0.7, abs=0.31), "102": pytest.approx(0.5, abs=0.21)},
        "hold": pytest.approx(0.6, abs=0.11),
        "transfers": [("blind", "101", "102", "taken", "102")],
        "hung_up_by": "client",
    }


async def test_a_transfer_that_nobody_takes_is_lost(site: ContractSite) -> None:
    calling, _ = await site.inbound()
    await site.boris.script(refuse_with=486)
    outcome = await site.engine.transfer(order_id=new_id(), **site.pair(), target="102")
    await calling.ended()
    call = await site.over()

    assert outcome.accepted
    assert call.result == "lost_in_transfer"
    assert [(t.kind, t.by, t.to, t.outcome) for t in call.transfers] == [("blind", "101", "102", "lost")]


async def test_a_call_that_rings_is_passed_on_and_stays_one_or_rings_on(site: ContractSite) -> None:
    """An engine that cannot do it says so, and the call is as it was."""
    calling = await site.client.dial("4950005", caller=CLIENT)
    ringing = await site.anna.next_call()
    await site.stand("trunk", "101")
    await site.boris.script(answer_after=0.6)
    outcome = await site.engine.transfer(order_id=new_id(), **site.pair(), target="102")
    if outcome.accepted:
        await ringing.ended()
        taken = await site.boris.next_call()
    else:
        await ringing.answer()
        taken = ringing
    await taken.connected()
    await site.talk()
    await asyncio.sleep(0.5)
    await calling.hang_up()
    call = await site.over()

    assert outcome.accepted or (outcome.reason, bool(outcome.detail)) == ("not_possible", True)
    assert (call.result, call.transfers, call.hung_up_by) == ("answered", (), "client")
    assert call.answered_by == (("102",) if outcome.accepted else ("101",))
    rang = {part.extension: part.rang.total_seconds() > 0 for part in call.managers}
    assert rang == ({"101": True, "102": True} if outcome.accepted else {"101": True})


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_consultation_ends_with_client_and_colleague_together(site: ContractSite, by_hand: bool) -> None:
    _, called, taken = await site.outbound()
    legs = site.pair()
    await site.boris.script(answer_after=0.2)
    begun = await site.engine.consult(order_id=new_id(), **legs, target="102")
    asked = await site.boris.next_call()
    await asked.connected()
    await asyncio.sleep(0.6)
    if by_hand:  # he puts the receiver down, as with any phone
        await taken.hang_up()
    else:
        assert (await site.engine.complete_transfer(order_id=new_id(), **legs)).accepted
    await taken.ended()
    await asyncio.sleep(0.5)
    await called.hang_up()
    await asked.ended()
    call = await site.over()

    assert begun.accepted
    assert told(call) == {
        "direction": "outbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101", "102"],
        "talk": {"101": pytest.approx(0.1, abs=0.21), "102": pytest.approx(0.5, abs=0.21)},
        "hold": pytest.approx(0.8, abs=0.21),
        "transfers": [("attended", "101", "102", "taken", "102")],
        "hung_up_by": "client",
    }


@pytest.mark.parametrize("answers", [True, False])
async def test_an_abandoned_consultation_is_no_transfer(site: ContractSite, answers: bool) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    await site.boris.script(answer_after=0.2 if answers else None)
    await site.engine.consult(order_id=new_id(), **legs, target="102")
    asked = await site.boris.next_call()
    await asyncio.sleep(0.8)
    abandoned = await site.engine.abandon_transfer(order_id=new_id(), **legs)
    await asked.ended()
    await asyncio.sleep(0.6)
    assert (calling.state, taken.state) == ("connected", "connected")
    await calling.hang_up()
    await taken.ended()
    call = await site.over()

    assert abandoned.accepted
    assert told(call) == {
        "direction": "inbound",
        "client": f"+{CLIENT}",
        "result": "answered",
        "answered_by": ["101"],
        "talk": {"101": pytest.approx(0.7, abs=0.31), "102": 0.0},
        "hold": pytest.approx(0.8, abs=0.21),
        "transfers": [],
        "hung_up_by": "client",
    }


async def test_a_colleague_who_is_busy_sends_the_manager_back_to_his_client(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    await site.boris.script(refuse_with=486)
    await site.engine.hold(order_id=new_id(), **legs)
    await asyncio.sleep(0.4)
    begun = await site.engine.consult(order_id=new_id(), **legs, target="102")
    await site.boris.next_call()
    await asyncio.sleep(0.6)
    assert (calling.state, taken.state) == ("connected", "connected")
    late = await site.engine.complete_transfer(order_id=new_id(), **legs)
    await taken.hang_up()
    await calling.ended()
    call = await site.over()

    assert begun.accepted
    assert late.reason == "not_possible"
    assert (call.result, call.transfers) == ("answered", ())
    assert call.hold is not None
    assert call.hold.total_seconds() == pytest.approx(0.4, abs=0.21)
    assert call.talk.total_seconds() == pytest.approx(1.0, abs=0.4)


async def test_a_transfer_completed_while_the_colleague_rings_rings_on_for_the_client(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    await site.engine.consult(order_id=new_id(), **legs, target="102")
    await site.boris.next_call()
    await asyncio.sleep(0.4)
    await site.boris.script(answer_after=0.2)
    completed = await site.engine.complete_transfer(order_id=new_id(), **legs)
    await taken.ended()
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(0.4)
    await calling.hang_up()
    call = await site.over()

    assert completed.accepted
    assert call.answered_by == ("101", "102")
    assert [(t.kind, t.by, t.to, t.outcome) for t in call.transfers] == [("blind", "101", "102", "taken")]


async def test_digits_reach_the_client(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    outcome = await site.engine.send_digits(order_id=new_id(), leg=site.pair()["client"], digits="1A*#")
    await site.until(lambda: len(calling.digits) >= 4)

    assert outcome.accepted
    assert (calling.digits, taken.digits) == ("1A*#", "")


async def test_a_phones_own_keys_hold_and_transfer_blind(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    await site.boris.script(answer_after=0.2)
    await taken.hold()
    await asyncio.sleep(0.6)
    await taken.unhold()
    await asyncio.sleep(0.4)
    await taken.blind_transfer("102")
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(0.4)
    await calling.hang_up()
    call = await site.over()

    assert call.answered_by == ("101", "102")
    assert [(t.kind, t.by, t.to, t.outcome) for t in call.transfers] == [("blind", "101", "102", "taken")]


async def test_a_phones_own_second_line_makes_an_attended_transfer(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    await site.boris.script(answer_after=0.1)
    await taken.hold()
    second = await site.anna.dial("102")
    await (await site.boris.next_call()).connected()
    await second.connected()
    await asyncio.sleep(0.5)
    await taken.attended_transfer(second)
    await taken.ended()
    await asyncio.sleep(0.6)
    assert calling.state == "connected"
    await calling.hang_up()
    call = await site.over()

    assert call.answered_by == ("101", "102")
    assert [(t.kind, t.by, t.to, t.outcome) for t in call.transfers] == [("attended", "101", "102", "taken")]
