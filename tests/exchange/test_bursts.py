"""More calls at once than workers stand ready for: the next worker is waited for, and nobody is forgotten."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.legs import LegEventKind
from tests.contract.exchange_site import BehindExchange, open_exchange_site
from tests.exchange.front_site import udp_host

pytestmark = pytest.mark.asyncio


async def test_a_burst_of_calls_waits_for_workers_that_start(tmp_path: Path) -> None:
    async with open_exchange_site(tmp_path, workers=2, ahead=1) as site:
        await site.anna.script(answer_after=0.0)
        site.behind.begin()
        calls = await asyncio.gather(*(site.client.dial("4950001", caller=f"7916555000{n}") for n in range(3)))
        for call in calls:
            await call.connected()
        for call in calls:
            await call.hang_up()
        await site.until(lambda: not site.behind.open_legs())
        taken = site.behind.calls()

    assert sorted(call.client.e164 for call in taken if call.client) == [f"+7916555000{n}" for n in range(3)]
    assert {call.result for call in taken} == {"answered"}


async def test_a_caller_who_does_not_ask_again_while_a_worker_starts_is_missed(tmp_path: Path) -> None:
    async with open_exchange_site(tmp_path, workers=2, ahead=1) as site:
        behind = site.behind
        assert isinstance(behind, BehindExchange)
        behind.begin()
        await site.client.close()
        trunk = behind.gateway.house_now.trunks[0]
        with udp_host(("127.0.0.1", behind.options.port), port=trunk.port) as client:
            contact = [f"Contact: <sip:x@127.0.0.1:{trunk.port}>"]
            for n in range(4):  # two for the worker that is ready, two that say it once
                client.send(
                    client.text("INVITE", "sip:4950001@h", user=f"7916555000{n}", call_id=f"b{n}", headers=contact)
                )
                await asyncio.sleep(0.02)

            def started() -> set[str]:
                events = behind.events()
                return {e.number for e in events if e.kind is LegEventKind.STARTED and e.number.startswith("7916555")}

            await site.until(lambda: len(started()) == 4, 25.0)

    assert started() == {f"7916555000{n}" for n in range(4)}
