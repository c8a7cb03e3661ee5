"""What every order says that cannot be carried out. Requirement A: every end has a reason."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.domain.errors import Rejected
from gateway.domain.ports import Ability, Engine, OrderOutcome, OrderState, SpyMode
from tests.contract.sites import CLIENT, ContractSite, new_id

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

Order = Callable[[Engine, str, str], Awaitable[OrderOutcome]]
"""An order to an engine about a client's and a manager's leg."""

TO_LEGS: dict[str, Order] = {
    "hang_up": lambda e, c, m: e.hang_up(c),
    "hold": lambda e, c, m: e.hold(order_id=new_id(), client=c, manager=m),
    "resume": lambda e, c, m: e.resume(order_id=new_id(), client=c, manager=m),
    "send_digits": lambda e, c, m: e.send_digits(order_id=new_id(), leg=c, digits="1"),
    "transfer": lambda e, c, m: e.transfer(order_id=new_id(), client=c, manager=m, target="102"),
    "consult": lambda e, c, m: e.consult(order_id=new_id(), client=c, manager=m, target="102"),
    "complete_transfer": lambda e, c, m: e.complete_transfer(order_id=new_id(), client=c, manager=m),
    "abandon_transfer": lambda e, c, m: e.abandon_transfer(order_id=new_id(), client=c, manager=m),
    "pause_recording": lambda e, c, m: e.pause_recording(order_id=new_id(), leg=c, paused=True),
    "spy": lambda e, c, m: e.spy(order_id=new_id(), endpoint="100", extension="100", leg=m, mode=SpyMode.LISTEN),
}
CALLING: Order = lambda e, c, m: e.originate(  # noqa: E731 - one more of the same kind
    order_id=new_id(), endpoint="101", extension="101", number=CLIENT, caller_id=""
)
IN_QUEUES: Order = lambda e, c, m: e.pause_in_queues(  # noqa: E731 - one more of the same kind
    endpoint="101", extension="101", paused=True, reason="lunch"
)
ALL = TO_LEGS | {"originate": CALLING, "pause_in_queues": IN_QUEUES}

HOSTILE = ("7\r\nAction: Hangup", "7\nX: y", '7"', "7,8", "7;8", "${EXTEN}", "7\\", "7|8", "$[1+1]", "7\0", "7 8", "")


@pytest.mark.parametrize("name", TO_LEGS)
async def test_an_order_to_a_leg_that_is_gone_says_so(site: ContractSite, name: str) -> None:
    outcome = await TO_LEGS[name](site.engine, "lab-1.1", "lab-1.2")

    assert (outcome.state, outcome.reason) == (OrderState.REFUSED, "leg_gone")


async def test_an_order_to_a_call_that_has_ended_says_so(site: ContractSite) -> None:
    calling, _ = await site.inbound()
    legs = site.pair()
    await calling.hang_up()
    await site.over()
    outcomes = [await order(site.engine, legs["client"], legs["manager"]) for order in TO_LEGS.values()]

    assert {outcome.reason for outcome in outcomes} == {"leg_gone"}


@pytest.mark.parametrize("name", ALL)
async def test_without_a_connection_nothing_is_done(site: ContractSite, name: str) -> None:
    async with site.behind.offline() as engine:
        outcome = await ALL[name](engine, "lab-1.1", "lab-1.2")

    assert (outcome.state, outcome.reason) == (OrderState.REFUSED, "not_connected")


async def test_where_the_pbx_is_silent_a_call_may_ring_and_the_rest_was_not_done(site: ContractSite) -> None:
    calling, taken = await site.inbound()
    legs = site.pair()
    site.behind.freeze()
    try:
        called, held = await asyncio.gather(CALLING(site.engine, "", ""), site.engine.hold(order_id=new_id(), **legs))
    finally:
        site.behind.thaw()
    await asyncio.sleep(0.5)

    assert (called.state, called.reason) == (OrderState.UNKNOWN, "no_reply")
    assert (held.state, held.reason) == (OrderState.REFUSED, "not_connected")
    assert (calling.state, taken.state) == ("connected", "connected")


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_fields_are_refused_before_anything_is_sent(site: ContractSite, text: str) -> None:
    engine, id = site.engine, new_id()
    legs = {"client": "lab-1.1", "manager": "lab-1.2"}
    call = {"order_id": id, "endpoint": "101", "extension": "101", "number": CLIENT, "caller_id": ""}
    spying = {"order_id": id, "endpoint": "100", "extension": "100", "leg": "lab-1.2", "mode": SpyMode.LISTEN}
    place = {"endpoint": "101", "extension": "101", "paused": True, "reason": ""}
    orders: list[Callable[[], Awaitable[OrderOutcome]]] = [
        *(lambda f=f: engine.originate(**{**call, f: text}) for f in ("order_id", "endpoint", "extension", "number")),
        *(lambda f=f: engine.spy(**{**spying, f: text}) for f in ("order_id", "endpoint", "extension", "leg")),
        *(lambda f=f: engine.pause_in_queues(**{**place, f: text}) for f in ("endpoint", "extension")),
        *(lambda f=f: engine.hold(**{"order_id": id, **legs, f: text}) for f in ("order_id", "client", "manager")),
        *(lambda f=f: engine.resume(**{"order_id": id, **legs, f: text}) for f in ("order_id", "client", "manager")),
        *(
            lambda o=o, f=f: o(**{"order_id": id, **legs, "target": "102", f: text})
            for o in (engine.transfer, engine.consult)
            for f in ("order_id", "client", "manager", "target")
        ),
        *(
            lambda o=o, f=f: o(**{"order_id": id, **legs, f: text})
            for o in (engine.complete_transfer, engine.abandon_transfer)
            for f in ("order_id", "client", "manager")
        ),
        lambda: engine.hang_up(text),
        lambda: engine.send_digits(order_id=id, leg=text, digits="1"),
        lambda: engine.send_digits(order_id=id, leg="lab-1.1", digits=text),
        lambda: engine.pause_recording(order_id=id, leg=text, paused=True),
    ]
    if text:  # empty is allowed there
        orders.append(lambda: engine.originate(**{**call, "client_caller_id": text}))
    if text not in ("", "7 8"):
        orders.append(lambda: engine.pause_in_queues(**{**place, "reason": text}))

    for order in orders:
        with pytest.raises(Rejected):
            await order()


LACKS = {
    "call": {
        Ability.HANG_UP: "Hangup",
        Ability.HOLD: "Redirect",
        Ability.DIGITS: "PlayDTMF",
        Ability.BLIND_TRANSFER: "Redirect",
        Ability.ATTENDED_TRANSFER: "Redirect",
        Ability.PAUSE_RECORDING: "MixMonitorMute",
    },
    "agent": {Ability.PAUSE_QUEUES: "QueuePause"},
    "originate": dict.fromkeys((Ability.ORIGINATE, Ability.LISTEN, Ability.WHISPER, Ability.BARGE), "Originate"),
    "reporting": dict.fromkeys(
        set(Ability) - {Ability.ORIGINATE, Ability.PAUSE_QUEUES},
        "CoreShowChannels",
    ),
}
ORDERS = {
    "call": ("hang_up", "hold", "resume", "send_digits", "transfer", "consult", "pause_recording"),
    "agent": ("pause_in_queues",),
    "originate": ("originate", "spy"),
    "reporting": tuple(TO_LEGS),
}


@pytest.mark.parametrize("right", LACKS)
async def test_a_missing_right_is_named(site: ContractSite, right: str) -> None:
    async with site.behind.without(right) as engine:
        if engine is None:  # it has no account, so there is no right that it could lack
            assert [site.engine.lacks(ability) for ability in Ability] == [None] * len(Ability)
            return
        lacking = {ability: text for ability in Ability if (text := engine.lacks(ability))}
        outcomes = {name: await ALL[name](engine, "lab-1.1", "lab-1.2") for name in ORDERS[right]}

    assert lacking == {
        ability: f"the manager account lacks the write class `{right}`, which {action} needs;"
        " add it to `write` in manager.conf and reload it"
        for ability, action in LACKS[right].items()
    }
    assert {outcome.reason for outcome in outcomes.values()} == {"not_allowed"}
    assert all(f"`{right}`" in outcome.detail for outcome in outcomes.values())


async def test_an_engine_with_all_rights_lacks_nothing(site: ContractSite) -> None:
    assert [site.engine.lacks(ability) for ability in Ability] == [None] * len(Ability)


async def test_what_the_call_does_not_allow_is_not_possible(site: ContractSite) -> None:
    calling, _ = await site.inbound()
    legs = site.pair()
    for order in (site.engine.resume, site.engine.complete_transfer, site.engine.abandon_transfer):
        outcome = await order(order_id=new_id(), **legs)
        assert (outcome.reason, bool(outcome.detail)) == ("not_possible", True)
    assert (await site.engine.hold(order_id=new_id(), **legs)).accepted
    again = await site.engine.hold(order_id=new_id(), **legs)
    spied = await site.engine.transfer(order_id=new_id(), **legs, target="9")
    await site.engine.resume(order_id=new_id(), **legs)
    await asyncio.sleep(0.2)
    await calling.hang_up()
    call = await site.over()

    assert (again.reason, spied.reason) == ("not_possible", "no_such_number")
    assert (call.result, call.transfers) == ("answered", ())


async def test_strangers_are_never_brought_together(site: ContractSite) -> None:
    await site.inbound()
    await site.boris.script(answer_after=0.1)
    await site.chief.dial("102")
    await (await site.boris.next_call()).connected()
    await site.stand("102", "100")
    client, stranger = site.behind.leg_of("trunk"), site.behind.leg_of("102")
    outcomes = [
        await order(order_id=new_id(), client=client, manager=stranger)
        for order in (site.engine.hold, site.engine.resume, site.engine.complete_transfer)
    ]

    assert [outcome.reason for outcome in outcomes] == ["not_possible"] * 3


async def test_two_orders_at_once_are_carried_out_one_after_the_other(site: ContractSite) -> None:
    await site.inbound()
    legs = site.pair()
    both = await asyncio.gather(*(site.engine.hold(order_id=new_id(), **legs) for _ in range(2)))

    assert sorted(outcome.reason for outcome in both) == ["", "not_possible"]


@pytest.mark.parametrize(
    ("code", "reason"), [(486, "busy"), (603, "refused"), (480, "no_answer"), (503, "failed"), (404, "failed")]
)
async def test_a_managers_phone_that_refuses_tells_why(site: ContractSite, code: int, reason: str) -> None:
    await site.anna.script(refuse_with=code)
    order = new_id()
    await site.order(order)
    await site.until(lambda: site.refused)

    assert site.refused == [(order, reason)]


async def test_a_number_that_the_pbx_does_not_know_is_refused_at_once(site: ContractSite) -> None:
    assert (await site.order(new_id(), number="9")).reason == "no_such_number"
    assert (await site.order(new_id(), number="9", client_caller_id="74957770001")).reason == "no_such_number"
