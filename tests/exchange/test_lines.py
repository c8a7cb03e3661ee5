"""The lines between gateway, exchange and workers: strict, bounded, and without secrets where they are shown."""

import json

import pytest

from exchange import control, wire
from exchange.lines import BadLine


def test_every_message_comes_back_as_it_was() -> None:
    dial = wire.Dial(
        leg="x", uri="sip:1@a", from_uri="sip:b@c", auth=wire.Auth(user="u", password="p"), headers={"A": "b"}
    )
    arrived = wire.Incoming(at=1.5, call=3, from_uri="sip:a", to="sip:b", uri="sip:c")
    house = control.Configure(
        id=7,
        phones=(control.PhoneOf(endpoint="101", extension="101", ha1="0" * 32),),
        trunks=(control.TrunkOf(name="t", host="h", dids=("1", "2")),),
        office={"*": control.Fallback(endpoints=("101",))},
    )
    seen = control.Seen(
        id=1,
        at=1.0,
        started_at=0.5,
        trunks=(control.SeenTrunk(name="t", registration="none", reachable=None, text=""),),
    )

    assert wire.read_command(wire.command_line(dial)) == dial
    assert wire.read_event(wire.event_line(arrived)) == arrived
    assert control.read_to_exchange(control.to_exchange(house)) == house
    assert control.read_from_exchange(control.from_exchange(seen)) == seen


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"do":"explode"}',
        b'{"do":"answer"}',
        b'{"do":"answer","leg":7}',
        b'{"do":"answer","leg":"' + b"x" * 31 + b'"}',
        b'{"do":"join","legs":["a"]}',
        b'{"do":"join","legs":"ab"}',
        b'{"do":"refuse","leg":"a","code":true}',
        b'{"do":"spy","leg":"a","at":"b","mode":"shout"}',
        b'{"do":"dial","leg":"a","uri":"u","from_uri":"f","auth":{"user":"u"}}',
        b'{"do":"answer","leg":"a"' + b" " * 70_000 + b"}",
        b"[" * 50_000,
        b"\xff",
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(BadLine):
        wire.read_command(line)


def test_no_secret_is_shown() -> None:
    shown = repr(
        (
            wire.Auth(user="u", password="hidden"),
            control.PhoneOf(endpoint="1", extension="1", ha1="hidden", ha1_sha256="hidden"),
            control.TrunkOf(name="t", host="h", password="hidden"),
        )
    )

    assert "hidden" not in shown


def test_more_headers_than_a_call_has_are_refused() -> None:
    told = json.loads(wire.command_line(wire.Dial(leg="x", uri="u", from_uri="f")))
    told["headers"] = {f"H{n}": "v" for n in range(33)}

    with pytest.raises(BadLine):
        wire.read_command(json.dumps(told).encode())
