"""Orders to calls that go on, against a server of ours: what is sent, in which order, and what a lost answer means."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.domain.errors import Rejected
from gateway.domain.ports import Ability, OrderOutcome
from tests.sip.ami_server import AmiServer
from tests.sip.test_asterisk import Bench, bench, row, told

CLIENT, MANAGER = "1.1", "1.2"
PAIR = {"order_id": "tl-1", "client": CLIENT, "manager": MANAGER}
CHANGING = ("Redirect", "Setvar", "Hangup", "BlindTransfer", "MixMonitorMute", "PlayDTMF", "Originate", "QueuePause")


def talking(**more: object) -> AmiServer:
    """A PBX where a client and a manager stand in one bridge."""
    rows = [row("PJSIP/trunk-1", CLIENT) | {"BridgeId": "b1"}, row("PJSIP/101-1", MANAGER) | {"BridgeId": "b1"}]
    return AmiServer(channels=rows, write={"call", "agent", "originate", "reporting"}, **more)  # type: ignore[arg-type]


def held(**more: object) -> AmiServer:
    """A PBX where the manager holds the client by our order."""
    rows = [row("PJSIP/trunk-1", CLIENT) | {"BridgeId": "b1"}, row("PJSIP/101-1", MANAGER) | {"BridgeId": "b2"}]
    server = AmiServer(channels=rows, write={"call", "agent", "originate", "reporting"}, **more)  # type: ignore[arg-type]
    server.variables["PJSIP/101-1", "TRUNKLINE_HOLDS"] = "PJSIP/trunk-1"
    return server


def ringing(**more: object) -> AmiServer:
    """A PBX where a manager's phone rings for a client."""
    rows = [
        row("PJSIP/trunk-1", CLIENT) | {"ChannelStateDesc": "Ring"},
        row("PJSIP/101-1", MANAGER) | {"ChannelStateDesc": "Ringing", "Linkedid": CLIENT},
    ]
    return AmiServer(channels=rows, write={"call", "agent", "originate", "reporting"}, **more)  # type: ignore[arg-type]


def sent(site: Bench) -> list[str]:
    """The actions that change something, in the order in which they came."""
    return [name for name in site.server.names if name in CHANGING]


async def test_a_hold_names_each_leg_to_the_other_and_moves_both_at_once() -> None:
    async with bench(talking()) as site:
        assert told(await site.engine.hold(**PAIR)) == "accepted"
        (moved,) = site.server.received("Redirect")

        assert sent(site) == ["Setvar"] * 4 + ["Redirect"]
    assert (moved["Channel"], moved["Context"], moved["Exten"]) == ("PJSIP/101-1", "trunkline-hold", "wait")
    assert (moved["ExtraChannel"], moved["ExtraContext"], moved["ExtraExten"]) == (
        "PJSIP/trunk-1",
        "trunkline-hold",
        "music",
    )


async def test_a_call_that_rings_is_passed_on_by_moving_the_client() -> None:
    async with bench(ringing()) as site:
        assert told(await site.engine.transfer(**PAIR, target="102")) == "accepted"
        (moved,) = site.server.received("Redirect")

        assert sent(site) == ["Setvar", "Redirect"]
    assert (moved["Channel"], moved["Context"], moved["Exten"]) == ("PJSIP/trunk-1", "trunkline-transfer", "102")
    assert "ExtraChannel" not in moved


@pytest.mark.parametrize(
    ("client", "manager"),
    [
        ({}, {"Linkedid": "1.9"}),  # it rings for somebody else
        ({"BridgeId": "b1"}, {}),  # the client talks, or is held by somebody
        ({}, {"ChannelStateDesc": "Ring"}),  # it is the manager who calls
        ({"ChannelStateDesc": "Ringing"}, {}),
    ],
)
async def test_nobody_is_passed_on_for_whom_the_phone_does_not_ring(
    client: dict[str, str], manager: dict[str, str]
) -> None:
    server = ringing()
    server.channels = [server.channels[0] | client, server.channels[1] | manager]  # type: ignore[operator]
    async with bench(server) as site:
        assert told(await site.engine.transfer(**PAIR, target="102")) == "refused not_possible"
        assert sent(site) == []


async def test_a_client_is_not_passed_on_into_a_dialplan_that_is_not_there() -> None:
    server = ringing()
    server.variables["", "DIALPLAN_EXISTS(trunkline-transfer,102,1)"] = "0"
    async with bench(server) as site:
        outcome = await site.engine.transfer(**PAIR, target="102")

        assert told(outcome) == "refused not_possible"
        assert "trunkline_control.conf" in outcome.detail
        assert sent(site) == []


ORDERS: dict[str, tuple[Callable[[], AmiServer], Callable[[Bench], Awaitable[OrderOutcome]], str]] = {
    "hold": (talking, lambda s: s.engine.hold(**PAIR), "Redirect"),
    "resume": (held, lambda s: s.engine.resume(**PAIR), "Redirect"),
    "transfer": (talking, lambda s: s.engine.transfer(**PAIR, target="102"), "BlindTransfer"),
    "transfer of a held client": (held, lambda s: s.engine.transfer(**PAIR, target="102"), "Redirect"),
    "transfer of a call that rings": (ringing, lambda s: s.engine.transfer(**PAIR, target="102"), "Redirect"),
    "consult": (held, lambda s: s.engine.consult(**PAIR, target="102"), "Redirect"),
    "hang up": (talking, lambda s: s.engine.hang_up(CLIENT), "Hangup"),
    "digits": (talking, lambda s: s.engine.send_digits(order_id="tl-1", leg=CLIENT, digits="1"), "PlayDTMF"),
    "pause": (
        talking,
        lambda s: s.engine.pause_recording(order_id="tl-1", leg=CLIENT, paused=True),
        "MixMonitorMute",
    ),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_lost_answer_is_unknown_and_the_order_goes_out_once(name: str) -> None:
    server, order, action = ORDERS[name]
    async with bench(server()) as site:
        site.server.deaf.add(action)
        waiting = asyncio.ensure_future(order(site))
        await site.until(lambda: site.server.received(action))
        site.server.drop()
        outcome = await waiting
        await site.until(lambda: site.server.connections > 1 and site.engine.state.connected)

        assert told(outcome) == "unknown connection_lost"
        assert len(site.server.received(action)) == 1


@pytest.mark.parametrize("name", ORDERS)
async def test_a_connection_that_breaks_before_anything_was_changed_refuses(name: str) -> None:
    server, order, _ = ORDERS[name]
    async with bench(server()) as site:
        before = len(sent(site))
        site.server.deaf.add("CoreShowChannels")
        waiting = asyncio.ensure_future(order(site))
        await site.until(lambda: len(site.server.received("CoreShowChannels")) > 1)
        site.server.deaf.clear()
        site.server.drop()

        assert told(await waiting) == "refused not_connected"
        assert len(sent(site)) == before


@pytest.mark.parametrize("text", ["1\r\nAction: Hangup", "1\n2", '"1"', "1,2", "1;2", "${X}", "1\\", "1\0", ""])
async def test_of_hostile_fields_not_a_byte_is_sent(text: str) -> None:
    async with bench(talking()) as site:
        before = list(site.server.names)
        for order in (
            lambda: site.engine.hold(**{**PAIR, "client": text}),
            lambda: site.engine.consult(**{**PAIR, "manager": text}, target="102"),
            lambda: site.engine.transfer(**PAIR, target=text),
            lambda: site.engine.send_digits(order_id="tl-1", leg=CLIENT, digits=text),
            lambda: site.engine.hang_up(text),
        ):
            with pytest.raises(Rejected):
                await order()

        assert site.server.names == before


async def test_a_forged_row_that_claims_a_leg_moves_nobody() -> None:
    server = talking()
    server.channels.append(row("PJSIP/trunk-9", CLIENT) | {"BridgeId": "b9"})
    async with bench(server) as site:
        assert told(await site.engine.hold(**PAIR)) == "refused not_possible"
        assert sent(site) == []


async def test_a_right_that_was_granted_meanwhile_is_seen_at_the_next_order() -> None:
    server = talking()
    server.write = {"reporting"}
    async with bench(server) as site:
        refused = await site.engine.hold(**PAIR)
        assert told(refused) == "refused not_allowed"
        assert "`call`, which Redirect needs" in refused.detail
        assert site.engine.lacks(Ability.HOLD) == refused.detail
        site.server.write = {"call", "reporting"}

        assert told(await site.engine.hold(**PAIR)) == "accepted"
        assert site.engine.lacks(Ability.HOLD) is None


async def test_a_dialplan_without_our_contexts_refuses_hold_and_tells_what_to_include() -> None:
    server = talking()
    server.variables["", "DIALPLAN_EXISTS(trunkline-hold,music,1)"] = "0"
    async with bench(server) as site:
        outcome = await site.engine.hold(**PAIR)

        assert told(outcome) == "refused not_allowed"
        assert "include the file in extensions.conf" in outcome.detail
        assert told(await site.engine.transfer(**PAIR, target="102")) == "accepted"
