"""AMI tells of hold and refused orders; nothing else that it says makes a leg event."""

from __future__ import annotations

import json

import pytest

from gateway.domain.legs import LegEventKind
from sip.ami_legs import ami_leg_event
from tests.scenarios.catalogue import RECORDED, Scenario

HOLD = {
    "Event": "Hold",
    "Timestamp": "1795301682.480000",
    "Channel": "PJSIP/101-0000008a",
    "Uniqueid": "u",
    "Linkedid": "l",
}
REFUSAL = {
    "Event": "OriginateResponse",
    "Response": "Failure",
    "Timestamp": "1795301672.243306",
    "Channel": "PJSIP/999",
    "Reason": "0",
    "Uniqueid": "crm-1",
}


@pytest.mark.parametrize(("name", "kind"), [("Hold", LegEventKind.HELD), ("Unhold", LegEventKind.RESUMED)])
def test_hold_and_resume_are_told_by_ami_alone(name: str, kind: LegEventKind) -> None:
    event = ami_leg_event(HOLD | {"Event": name})

    assert event is not None
    assert (event.kind, event.leg, event.family, event.channel) == (kind, "u", "l", "PJSIP/101-0000008a")


@pytest.mark.parametrize(("reason", "told"), [("0", "failed"), ("3", "no_answer"), ("5", "busy"), ("8", "congestion")])
def test_a_refused_order_is_known_by_the_id_we_gave_it(reason: str, told: str) -> None:
    event = ami_leg_event(REFUSAL | {"Reason": reason})

    assert event is not None
    assert (event.kind, event.leg, event.family, event.reason) == (LegEventKind.REFUSED, "crm-1", "crm-1", told)


@pytest.mark.parametrize(
    "silent",
    [
        REFUSAL | {"Response": "Success"},
        REFUSAL | {"Uniqueid": "<unknown>"},
        HOLD | {"Uniqueid": ""},
        {k: v for k, v in HOLD.items() if k != "Timestamp"},
        HOLD | {"Event": "Hangup"},
        {},
    ],
)
def test_an_event_that_names_no_leg_or_no_time_is_none(silent: dict[str, str]) -> None:
    assert ami_leg_event(silent) is None


@pytest.mark.parametrize("scenario", RECORDED, ids=lambda s: s.name)
def test_of_a_real_stream_only_cel_hold_and_refusals_count(scenario: Scenario) -> None:
    counted, seen = set(), set()
    for line in scenario.stream.read_text(encoding="utf-8").splitlines():
        event = {k: v for k, v in json.loads(line).items() if isinstance(v, str)}
        seen.add(event["Event"])
        if ami_leg_event(event) is not None:
            counted.add(event["Event"])

    assert counted <= {"CEL", "Hold", "Unhold", "OriginateResponse"}
    assert len(seen - counted) >= 1 or scenario.name == "c2c_ami_unreg"
