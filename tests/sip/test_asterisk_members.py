"""Orders to calls that reach the manager by Local channels, as FreePBX dials its queue members and extensions."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab.chroot import AsteriskHome
from lab.server import open_asterisk
from tests.contract.asterisk_site import BehindAsterisk, open_asterisk_site
from tests.contract.sites import CLIENT, ContractSite, new_id

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

DIALLED, QUEUED = "4950077", "4950078"
DIALPLAN = (
    f"{DIALLED},1,Answer()",
    f"{DIALLED},2,Dial(Local/101@from-managers/n,20)",
    f"{DIALLED},3,Hangup()",
    f"{QUEUED},1,Answer()",
    f"{QUEUED},2,Queue(members)",
    f"{QUEUED},3,Hangup()",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(asterisk_home: AsteriskHome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ContractSite]:
    """The office, with a number that rings Anna through a Local channel and one that does so by a queue."""
    with open_asterisk(tmp_path_factory.mktemp("members"), home=asterisk_home) as server:
        queues = server.directory / "etc/queues.conf"
        queues.write_text(queues.read_text() + "\n[members]\ntimeout=15\nmember => Local/101@from-managers/n,0,Anna\n")
        server.command("module reload app_queue.so")
        for step in DIALPLAN:
            server.command(f"dialplan add extension {step} into from-trunk")
        async with open_asterisk_site(server) as opened:
            yield opened


@pytest.mark.parametrize("number", [DIALLED, QUEUED])
@pytest.mark.parametrize("then", ["resume", "transfer", "consult"])
async def test_a_client_behind_a_local_channel_is_held_and_stays_one_call(
    site: ContractSite, number: str, then: str
) -> None:
    assert isinstance(site.behind, BehindAsterisk)
    site.behind.begin()
    site.boris.forget_arrived()
    await site.anna.script(answer_after=0.1)
    await site.boris.script(answer_after=0.1)
    calling = await site.client.dial(number, caller=CLIENT)
    taken = await site.anna.next_call()
    await taken.connected()
    await site.until(lambda: site.behind.calls()[0].answered_at)
    legs = site.pair()

    held = await site.engine.hold(order_id=new_id(), **legs)
    assert held.accepted, held
    await asyncio.sleep(0.4)
    if then == "resume":
        ordered = await site.engine.resume(order_id=new_id(), **legs)
    elif then == "transfer":
        ordered = await site.engine.transfer(order_id=new_id(), **legs, target="102")
    else:
        ordered = await site.engine.consult(order_id=new_id(), **legs, target="102")
        await (await site.boris.next_call()).connected()
        await site.engine.complete_transfer(order_id=new_id(), **legs)
    if then != "resume":
        await taken.ended()
        await site.until(lambda: "102" in site.behind.calls()[0].answered_by)
    assert calling.state == "connected"
    await calling.hang_up()
    call = await site.over()

    expected = {"resume": [], "transfer": [("blind", "taken")], "consult": [("attended", "taken")]}[then]
    assert (held.accepted, ordered.accepted) == (True, True)
    assert (call.result, call.hung_up_by, call.complete) == ("answered", "client", True)
    assert call.answered_by == (("101",) if then == "resume" else ("101", "102"))
    assert [(t.kind, t.outcome) for t in call.transfers] == expected
    assert call.hold is not None
    assert call.hold.total_seconds() >= 0.4
    assert call.talk.total_seconds() > 0
