"""Plays of what seldom happens: a hairpin, a supervisor who barges in, a redirect by AMI, an Asterisk that dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from lab.office import CLIENT, Stage
from lab.plays import play
from lab.plays.arriving import inbound
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep
SHOWN = "74954950001"


@play(
    "hairpin",
    "102 dials 101's number 74954950001; the provider brings the call back; 101 answers, 102 hangs up.",
    arguments=("--own", "74954950001"),
)
async def hairpin(stage: Stage) -> Sequence[Told]:
    """A manager calls a colleague's number through the trunk; the phone outside plays the provider."""
    boris = await stage.boris.dial(SHOWN)
    provider_in = await stage.outside.next_call()
    provider_out = await stage.outside.dial("4950001", caller=SHOWN)
    anna = await stage.answer(stage.desk)
    await provider_in.answer()
    await boris.connected()
    await sleep(1)
    await boris.hang_up()
    await provider_in.ended()
    await provider_out.hang_up()
    await anna.ended()
    out = told(
        direction="outbound",
        client=None,
        client_kind="own",
        start=boris.moments["calling"],
        client_start=provider_in.moments["incoming"],
        end=provider_in.moments["ended"],
        hung_up_by="manager",
        talks={"102": [both(boris, provider_in)]},
    )
    rang, talks = {"101": [ring(anna)]}, {"101": [both(provider_out, anna)]}
    back = inbound(provider_out, "4950001", client=None, client_kind="own", hung_up_by="client", rang=rang, talks=talks)
    return [out, back]


@play("barge", "A client talks with 101; the supervisor dials *57 and speaks to both; the client hangs up.")
async def barge(stage: Stage) -> Sequence[Told]:
    """A supervisor who barges in: no manager of the call."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.6)
    head = await stage.head.dial("*57")
    await head.connected()
    await sleep(1.2)
    await client.hang_up()
    await anna.ended()
    await sleep(0.3)
    await head.hang_up()
    call = inbound(
        client, "4950001", hung_up_by="client", rang={"101": [ring(anna)]}, talks={"101": [both(client, anna)]}
    )
    spy: Told = {"kind": "service", "direction": "internal", "client": None, "talk_seconds": 0, "answered_by": []}
    return [call, spy]


@play(
    "ami_redirect",
    "A client talks with 101; AMI Redirect sends the client to 102, who answers; the client hangs up.",
    stream=True,
)
async def redirect(stage: Stage) -> Sequence[Told]:
    """A redirect of which no row tells: the journal shows only that 102 talked next."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    at = time.time()
    channel = await stage.channel_of("my-trunk-1")
    await stage.do("Redirect", Channel=channel, Context="from-internal", Exten="102", Priority="1")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [(anna.moments["connected"], at)], "102": [both(client, boris)]}
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, hold=0.0)]


@play(
    "ami_blind_transfer",
    "A client talks with 101; AMI BlindTransfer sends him to 102, who answers; the client hangs up.",
)
async def ami_blind_transfer(stage: Stage) -> Sequence[Told]:
    """A blind transfer by order, on the manager's channel."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    at = time.time()
    channel = await stage.channel_of("anna-desk")
    await stage.do("BlindTransfer", Channel=channel, Context="from-internal", Exten="102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [(anna.moments["connected"], at)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("ami_hangup", "A client talks with 101; AMI Hangup ends the client's channel.")
async def ami_hangup(stage: Stage) -> Sequence[Told]:
    """A call that was ended by order."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    await stage.do("Hangup", Channel=await stage.channel_of("my-trunk-1"))
    await client.ended()
    await anna.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    return [inbound(client, "4950001", hung_up_by="pbx", rang=rang, talks=talks)]


OPEN: dict[str, object] = {"complete": False, "ended_at": None}


@play("sigkill_ringing", "101 rings for 1 s, Asterisk is killed; later the client calls again and 101 answers.")
async def sigkill_ringing(stage: Stage) -> Sequence[Told]:
    """Asterisk dies while a phone rings; nothing in the journal says so."""
    client = await stage.call("4950001")
    anna = await stage.desk.next_call()
    await sleep(1)
    await stage.crash()
    first = told(
        direction="inbound",
        client=CLIENT,
        did="4950001",
        start=client.moments["calling"],
        end=anna.moments["incoming"],
        hung_up_by=None,
        rang={"101": [(anna.moments["incoming"], anna.moments["incoming"])]},
        missed_reason="no_answer",
    )
    return [first | OPEN, await _after(stage)]


@play(
    "sigkill_parked",
    "101 parks the client, Asterisk is killed 1 s later; later the client calls again and 101 answers.",
)
async def sigkill_parked(stage: Stage) -> Sequence[Told]:
    """Asterisk dies while a client is parked."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    at = time.time()
    await anna.blind_transfer("700")
    await sleep(1)
    await stage.crash()
    first = told(
        direction="inbound",
        client=CLIENT,
        did="4950001",
        start=client.moments["calling"],
        end=at,
        hung_up_by=None,
        rang={"101": [ring(anna)]},
        talks={"101": [(anna.moments["connected"], at)]},
        transfers=[transfer("blind", "101", "700", "lost") | {"outcome": None}],
    )
    return [first | OPEN, await _after(stage)]


async def _after(stage: Stage) -> Told:
    """The next life of the PBX."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    await client.hang_up()
    await anna.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    return inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks)


@play(
    "stopped_in_talk", "A client talks with 101; the PBX is stopped in order and started again; the client calls again."
)
async def stopped(stage: Stage) -> Sequence[Told]:
    """A PBX that is stopped ends its calls itself and says so."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    await sleep(0.8)
    await stage.restart()
    await client.ended()
    await anna.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    first = inbound(client, "4950001", hung_up_by="pbx", rang=rang, talks=talks)
    return [first, await _after(stage)]
