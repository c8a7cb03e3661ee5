"""How the exchange of our own stands, told to the page, the doctor and the metrics: real phones, a real provider."""

import asyncio
import fcntl
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exchange.options import Places
from gateway.doctor.exchange import check_exchange, look_at_workers
from gateway.doctor.findings import Finding, Level
from gateway.doctor.pbx import examine_pbx
from gateway.domain.exchange_standing import ExchangeStanding
from lab.errors import PhoneFailed
from lab.phones import open_phone
from lab.server import Ports, free_ports
from tests.gateway.embedded_site import (
    admin_of,
    enter_people,
    exchange_ends,
    manager_phone,
    provider,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio


def codes(findings: list[Finding], level: Level) -> set[str]:
    return {finding.code for finding in findings if finding.level is level}


async def test_the_page_the_doctor_and_the_metrics_tell_of_phones_providers_and_lock_outs(
    database: str, tmp_path: Path
) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    settings = settings_for(database, home, ports)
    async with exchange_ends(home), running(settings) as gateway, admin_of(gateway) as admin, provider(ports):
        async with manager_phone(ports):
            await guesses(ports, "102", times=5)
            async with admin.get("exchange") as response:
                told = await response.json()
            async with admin.post("doctor", json={"pbx": "embedded"}) as response:
                looked = await response.json()
        (look,) = looked["items"]
        findings = await check_exchange(settings)
        metrics = values(gateway_metrics := await scraped(gateway))

    standing = told["standing"]
    assert (told["has_exchange"], told["trouble"], told["code"]) == (True, "", "")
    assert (standing["bind"], standing["port"], standing["transport"]) == ("127.0.0.1", ports.sip, "udp")
    anna, boris = standing["phones"]
    assert (anna["endpoint"], anna["registered"], boris["registered"]) == ("101", True, False)
    (place,) = anna["places"]
    assert place["address"].startswith("127.0.0.1:")
    assert datetime.fromisoformat(place["expires_at"]) > datetime.now(UTC)
    (trunk,) = standing["trunks"]
    assert (trunk["name"], trunk["registration"]) == ("trunk", "none")
    assert standing["workers"]["idle"] >= 1
    assert standing["workers"]["room"] >= standing["workers"]["idle"]
    assert standing["workers"]["died"] == 0
    assert standing["lock_outs"][0]["account"] == "102"
    assert (look["pbx"], look["kind"], look["faults"]) == ("embedded", "embedded", 0)
    texts = [finding["text"] for finding in look["findings"]]
    assert any("over UDP only" in text for text in texts)
    assert "1 of 2 phones are registered. Away: 102." in texts
    assert {"exchange_loopback", "phone_locked_out"} <= codes(findings, Level.ADVICE)
    assert metrics["trunkline_exchange_running"] == 1.0, gateway_metrics
    assert metrics["trunkline_exchange_phones"] == 2.0
    assert metrics["trunkline_exchange_lock_outs"] == 1.0
    assert metrics["trunkline_exchange_room"] >= 1.0


def standing_with(*, workers: int, idle: int, room: int | None, most: int = 2) -> ExchangeStanding:
    now = datetime.now(UTC)
    return ExchangeStanding(
        at=now, started_at=now, release="", retiring=False, bind="127.0.0.1", port=5060, calls=0, legs=0, phones=(),
        trunks=(), workers=workers, idle_workers=idle, room=room, most_workers=most, worker_deaths=0, lock_outs=(),
        wrong_passwords=0, strangers=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("workers", "idle", "room", "expected"),
    [
        (2, 0, 3, set()),  # each carries a call and has room for further ones
        (2, 0, 0, {"workers_taken"}),
        (1, 0, 0, set()),  # another one is started
        (2, 0, None, {"workers_taken"}),  # a release that tells of idle ones only
        (0, 0, 0, {"workers_none"}),
    ],
)
async def test_workers_are_taken_when_none_has_room_and_not_when_none_is_idle(
    workers: int, idle: int, room: int | None, expected: set[str]
) -> None:
    findings = list(look_at_workers(standing_with(workers=workers, idle=idle, room=room)))

    assert codes(findings, Level.FAULT) == expected


async def guesses(ports: Ports, extension: str, *, times: int) -> None:
    """Wrong passwords for a phone."""
    async with open_phone(user=extension, pbx_port=ports.sip, secret="a guess") as phone:
        for _ in range(times):
            with pytest.raises((PhoneFailed, TimeoutError)):
                await phone.register()


async def scraped(gateway) -> str:
    """The metrics, after the exchange was asked."""
    await gateway.exchange.look()
    async with asyncio.TaskGroup() as group:
        parts = gateway.api_parts(group)
        return (await asyncio.to_thread(generate_latest, parts.registry)).decode()


def values(text: str) -> dict[str, float]:
    return {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}


@pytest.mark.parametrize(("taken", "code"), [(True, "port_taken"), (False, "exchange_down")])
async def test_an_exchange_that_does_not_run_is_a_fault_with_its_cure(taken: bool, code: str, tmp_path: Path) -> None:
    ports = free_ports()
    settings = settings_for("postgresql://nobody@127.0.0.1:9/x", tmp_path, ports)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        if taken:
            other.bind(("127.0.0.1", ports.sip))
        examined = await examine_pbx(settings, settings.pbx["embedded"], None)

    (fault,) = examined.findings
    assert (fault.level, fault.code) == (Level.FAULT, code)
    assert fault.remedy
    assert "\n" not in fault.text


async def test_an_exchange_that_is_too_busy_to_answer_is_no_port_that_somebody_took(tmp_path: Path) -> None:
    ports = free_ports()
    settings = settings_for("postgresql://nobody@127.0.0.1:9/x", tmp_path, ports)
    lock = Places(home=tmp_path).lock
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front:
        fcntl.flock(held, fcntl.LOCK_EX)  # as an exchange holds it
        front.bind(("127.0.0.1", ports.sip))
        (finding,) = await check_exchange(settings)

    assert (finding.level, finding.code) == (Level.ADVICE, "exchange_silent")


async def test_an_address_that_the_machine_lacks_is_a_fault_that_names_one_it_has(tmp_path: Path) -> None:
    settings = settings_for("postgresql://nobody@127.0.0.1:9/x", tmp_path, free_ports(), bind="10.99.98.97")
    (fault,) = await check_exchange(settings)

    assert fault.code == "address_missing"
    assert "this machine has no address 10.99.98.97" in fault.text
    assert fault.remedy[0] == "[embedded]"
    assert fault.remedy[1].startswith('bind = "')


async def test_a_button_lets_a_call_in_and_each_step_is_told_live_and_once_at_a_time(
    database: str, tmp_path: Path
) -> None:
    ports, home = free_ports(), tmp_path / "home"
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        admin_of(gateway) as admin,
        admin.ws_connect("live") as screen,
    ):
        async with admin.post("demo", headers={"Idempotency-Key": "button"}) as response:
            assert response.status == 202, await response.text()
        steps: list[str] = []
        async with asyncio.timeout(40):
            while "talk" not in steps:
                message = await screen.receive_json()
                if message["kind"] == "demo.step":
                    steps.append(message["body"]["step"]["step"])
        async with admin.post("demo", headers={"Idempotency-Key": "again"}) as response:
            refused = await response.json()
        async with admin.get("demo") as response:
            told = await response.json()

    assert refused["status"] == 409
    assert "being shown already" in refused["detail"]
    assert {"calls", "rings", "card", "answers", "talk"} == set(steps)
    assert (told["state"], told["hindered"]["code"]) == ("running", "runs")
    assert [step["step"] for step in told["steps"]] == steps
    assert told["call"]
