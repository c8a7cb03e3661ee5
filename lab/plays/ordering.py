"""Plays in which the manager interface gives the orders: client first, dialler, attended transfer, redirect of two."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from lab.office import OUTSIDE, Stage
from lab.plays import play
from lab.plays.arriving import inbound
from lab.plays.placing import order, outbound
from lab.plays.transferring import talking, until
from lab.truth import Told, both, ring, transfer

sleep = asyncio.sleep


@play("c2c_client_busy", "Click-to-call: 101 answers, the client is busy (486).", stream=True)
async def client_busy(stage: Stage) -> Sequence[Told]:
    """A click-to-call to a busy client."""
    await stage.outside.script(refuse_with=486)
    start = await order(stage, "PJSIP/anna-desk")
    anna = await stage.answer(stage.desk)
    client = await stage.outside.next_call()
    await anna.ended()
    end, rang = client.moments["ended"], {"101": [ring(anna)]}
    return [outbound(None, client, start=start, end=end, hung_up_by="client", rang=rang, result="busy")]


@play("c2c_local_client_silent", "Click-to-call by Local/101@from-internal: 101 answers, the client's phone rings 4 s.")
async def client_silent(stage: Stage) -> Sequence[Told]:
    """A click-to-call to a client who does not answer."""
    start = await order(stage, "Local/101@from-internal")
    anna = await stage.answer(stage.desk)
    client = await stage.outside.next_call()
    await anna.ended()
    end, rang = client.moments["ended"], {"101": [ring(anna)]}
    return [outbound(None, client, start=start, end=end, hung_up_by="pbx", rang=rang, result="no_answer")]


async def _client_first(stage: Stage, channel: str, **what: str) -> float:
    at = time.time()
    await stage.do("Originate", Channel=channel, CallerID="74954950001", Timeout="5000", Async="true", **what)
    return at


# The order showed our own number, and no row holds what it dialled.
OWN = ("--own", "74954950001")
NOBODY: dict[str, object] = {"client": None, "client_kind": "own"}


@play(
    "client_first",
    "An order rings the client first; he answers, then 101 rings and answers; the client hangs up. No row names him.",
    arguments=OWN,
)
async def client_first(stage: Stage) -> Sequence[Told]:
    """A call back that rings the client first."""
    start = await _client_first(
        stage, f"PJSIP/{OUTSIDE}@my-trunk-1", Context="from-internal", Exten="101", Priority="1"
    )
    return [call | NOBODY for call in await _client_then_anna(stage, start)]


@play("client_first_local", "The same by Local/NUMBER@from-internal.")
async def client_first_local(stage: Stage) -> Sequence[Told]:
    """A call back by a Local channel that rings the client first."""
    start = await _client_first(
        stage, f"Local/{OUTSIDE}@from-internal", Context="from-internal", Exten="101", Priority="1"
    )
    return await _client_then_anna(stage, start)


@play(
    "dialler_queue",
    "A dialler rings the client, who answers and comes into a queue; 101 and 102 ring, 101 answers and hangs up.",
    arguments=OWN,
)
async def dialler(stage: Stage) -> Sequence[Told]:
    """A dialler: the client first, then a queue."""
    start = await _client_first(stage, f"PJSIP/{OUTSIDE}@my-trunk-1", Application="Queue", Data="410")
    client = await stage.answer(stage.outside)
    boris = await stage.boris.next_call()
    anna = await stage.answer(stage.desk)
    await sleep(1)
    await anna.hang_up()
    await client.ended()
    rang, talks = {"101": [ring(anna)], "102": [ring(boris)]}, {"101": [both(client, anna)]}
    end = client.moments["ended"]
    return [outbound(None, client, start=start, end=end, hung_up_by="manager", rang=rang, talks=talks) | NOBODY]


async def _client_then_anna(stage: Stage, start: float) -> Sequence[Told]:
    client = await stage.answer(stage.outside)
    anna = await stage.answer(stage.desk)
    await sleep(1)
    await client.hang_up()
    await anna.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    end = client.moments["ended"]
    return [outbound(None, client, start=start, end=end, hung_up_by="client", rang=rang, talks=talks)]


@play("ami_attended", "A client talks with 101; AMI Atxfer calls 102, who answers; 101 hangs up; the client hangs up.")
async def ami_attended(stage: Stage) -> Sequence[Told]:
    """An attended transfer by order."""
    client, anna = await talking(stage)
    await stage.do("Atxfer", Channel=await stage.channel_of("anna-desk"), Exten="102", Context="from-internal")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await anna.hang_up()
    await anna.ended()
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {
        "101": [until(anna, boris.moments["incoming"])],
        "102": [(anna.moments["ended"], client.moments["ended"])],
    }
    moved = [transfer("attended", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "ami_redirect_both",
    "A client talks with 101; AMI Redirect sends both to the conference 600; 102 joins; 101 leaves, the client leaves.",
)
async def redirect_both(stage: Stage) -> Sequence[Told]:
    """A talk that becomes a conference by order."""
    client, anna = await talking(stage)
    await stage.do(
        "Redirect",
        Channel=await stage.channel_of("my-trunk-1"),
        ExtraChannel=await stage.channel_of("anna-desk"),
        Context="from-internal",
        Exten="600",
        Priority="1",
    )
    await sleep(0.8)
    boris = await stage.boris.dial("600")
    await boris.connected()
    await sleep(0.8)
    await anna.hang_up()
    await anna.ended()
    await sleep(0.6)
    await client.hang_up()
    await sleep(0.3)
    await boris.hang_up()
    await client.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)], "102": [both(client, boris)]}
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks)]


@play(
    "ami_park", "A client talks with 101; AMI Park parks the client; 102 fetches him; the client hangs up.", stream=True
)
async def ami_park(stage: Stage) -> Sequence[Told]:
    """Parking by order."""
    client, anna = await talking(stage)
    at = time.time()
    channel = await stage.channel_of("my-trunk-1")
    await stage.do("Park", Channel=channel, TimeoutChannel=await stage.channel_of("anna-desk"), Parkinglot="default")
    await sleep(1)
    boris = await stage.boris.dial("701")
    await boris.connected()
    back = boris.moments["connected"]
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)]}
    talks = {"101": [until(anna, at)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]  # no row names the car park's number
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved, hold=back - at)]
