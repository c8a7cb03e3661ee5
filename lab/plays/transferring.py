"""Plays in which a phone moves the client by REFER: blind, attended, while it rings, twice, and lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from lab.office import CLIENT2, Stage
from lab.phone_calls import PhoneCall
from lab.phones import Phone
from lab.plays import play
from lab.plays.arriving import inbound
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep


async def talking(stage: Stage, did: str = "4950001") -> tuple[PhoneCall, PhoneCall]:
    """A client and 101 in talk."""
    client = await stage.call(did)
    anna = await stage.answer(stage.desk)
    await client.connected()
    await sleep(0.8)
    return client, anna


def until(call: PhoneCall, end: float) -> tuple[float, float]:
    """A talk that ended otherwise than by this phone."""
    return call.moments["connected"], end


async def refer(call: PhoneCall, to: str) -> float:
    """Send the other side elsewhere; gives the moment."""
    at = time.time()
    await call.blind_transfer(to)
    return at


@play(
    "02b_queue_member_refers",
    "A queue with Local members: 102 answers and sends the client to 101 (REFER), 101 answers.",
)
async def queue_member_refers(stage: Stage) -> Sequence[Told]:
    """A blind transfer by a queue's Local member."""
    client = await stage.call("4950003")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    at = await refer(boris, "101")
    anna = await stage.answer(stage.desk)
    await sleep(1)
    await client.hang_up()
    await anna.ended()
    rang = {"101": [ring(rang_first), ring(anna)], "102": [ring(boris)]}
    talks = {"102": [until(boris, at)], "101": [both(client, anna)]}
    moved = [transfer("blind", "102", "101", "taken", "101")]
    return [inbound(client, "4950003", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "queue_to_queue",
    "A queue: 102 answers and sends the client to another queue (REFER), 100 answers there and hangs up.",
)
async def queue_to_queue(stage: Stage) -> Sequence[Told]:
    """From one queue to another."""
    client = await stage.call("4950026")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    at = await refer(boris, "420")
    head = await stage.answer(stage.head)
    await sleep(1)
    await head.hang_up()
    await client.ended()
    rang = {"101": [ring(rang_first)], "102": [ring(boris)], "100": [ring(head)]}
    talks = {"102": [until(boris, at)], "100": [both(client, head)]}
    moved = [transfer("blind", "102", "420", "taken", "100")]
    return [inbound(client, "4950026", hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


@play(
    "queue_to_queue_local",
    "The same out of the queue with Local members; the client gives up while the second queue rings.",
)
async def queue_to_queue_lost(stage: Stage) -> Sequence[Told]:
    """From a queue with Local members to another, and lost there."""
    client = await stage.call("4950003")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    at = await refer(boris, "420")
    head = await stage.head.next_call()
    await sleep(1)
    await client.hang_up()
    await head.ended()
    rang = {"101": [ring(rang_first)], "102": [ring(boris)], "100": [ring(head)]}
    moved = [transfer("blind", "102", "420", "lost")]
    return [
        inbound(
            client,
            "4950003",
            hung_up_by="client",
            rang=rang,
            talks={"102": [until(boris, at)]},
            transfers=moved,
            result="lost_in_transfer",
        )
    ]


@play("refer_busy_lost", "101 sends the client to 102, who is busy (486); the PBX lets the client go.")
async def refer_busy(stage: Stage) -> Sequence[Told]:
    """A blind transfer to a busy colleague."""
    await stage.boris.script(refuse_with=486)
    client, anna = await talking(stage, "4950024")
    at = await refer(anna, "102")
    boris = await stage.boris.next_call()
    await client.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [lost(client, "4950024", until(anna, at), rang, "102", "pbx")]


def lost(
    client: PhoneCall,
    did: str,
    talk: tuple[float, float],
    rang: dict[str, list[tuple[float, float]]],
    to: str,
    by: str,
    kind: str = "blind",
) -> Told:
    """An inbound call that 101 transferred and that nobody took."""
    return inbound(
        client,
        did,
        hung_up_by=by,
        rang=rang,
        talks={"101": [talk]},
        transfers=[transfer(kind, "101", to, "lost")],
        result="lost_in_transfer",
    )


@play("refer_unregistered_lost", "101 sends the client to 103, who has no phone; the PBX lets the client go.")
async def refer_unregistered(stage: Stage) -> Sequence[Told]:
    """A blind transfer to an extension without a phone."""
    client, anna = await talking(stage, "4950024")
    at = await refer(anna, "103")
    await client.ended()
    return [lost(client, "4950024", until(anna, at), {"101": [ring(anna)]}, "103", "pbx")]


@play(
    "refer_rings_out_lost",
    "101 sends the client to 102, who rings 2 s and does not answer; the PBX lets the client go.",
)
async def refer_rings_out(stage: Stage) -> Sequence[Told]:
    """A blind transfer that rings out."""
    client, anna = await talking(stage, "4950024")
    at = await refer(anna, "102")
    boris = await stage.boris.next_call()
    await client.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [lost(client, "4950024", until(anna, at), rang, "102", "pbx")]


@play(
    "refer_busy_returned",
    "101 sends the client to 102, who is busy; the PBX rings 101 again, who answers; the client hangs up.",
)
async def refer_returned(stage: Stage) -> Sequence[Told]:
    """A blind transfer to a busy colleague that comes back."""
    await stage.boris.script(refuse_with=486)
    client, anna = await talking(stage, "4950023")
    at = await refer(anna, "102")
    boris = await stage.boris.next_call()
    again = await stage.answer(stage.desk)
    await sleep(0.8)
    await client.hang_up()
    await again.ended()
    rang = {"101": [ring(anna), ring(again)], "102": [ring(boris)]}
    talks = {"101": [until(anna, at), both(client, again)]}
    moved = [transfer("blind", "101", "102", "returned", "101")]
    return [inbound(client, "4950023", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "refer_returned_to_nobody",
    "101 sends the client to 102, who is busy; the PBX rings 101 again, the client gives up.",
)
async def refer_returned_to_nobody(stage: Stage) -> Sequence[Told]:
    """A blind transfer that comes back to a phone that nobody answers."""
    await stage.boris.script(refuse_with=486)
    client, anna = await talking(stage, "4950023")
    at = await refer(anna, "102")
    boris, again = await stage.boris.next_call(), await stage.desk.next_call()
    await sleep(0.8)
    await client.hang_up()
    await again.ended()
    rang = {"101": [ring(anna), ring(again)], "102": [ring(boris)]}
    return [lost(client, "4950023", until(anna, at), rang, "102", "client")]


@play("refer_twice", "101 sends the client to 102, 102 sends him on to 100; everybody answers; 100 hangs up.")
async def refer_twice(stage: Stage) -> Sequence[Told]:
    """A second transfer after a first one."""
    client, anna = await talking(stage)
    first = await refer(anna, "102")
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    second = await refer(boris, "100")
    head = await stage.answer(stage.head)
    await sleep(0.8)
    await head.hang_up()
    await client.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)], "100": [ring(head)]}
    talks = {"101": [until(anna, first)], "102": [until(boris, second)], "100": [both(client, head)]}
    moved = [transfer("blind", "101", "102", "taken", "102"), transfer("blind", "102", "100", "taken", "100")]
    return [inbound(client, "4950001", hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


@play(
    "refer_there_and_back", "101 sends the client to 102, 102 sends him back to 101; 101 answers; the client hangs up."
)
async def refer_there_and_back(stage: Stage) -> Sequence[Told]:
    """A colleague sends the client back."""
    client, anna = await talking(stage)
    first = await refer(anna, "102")
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    second = await refer(boris, "101")
    again = await stage.answer(stage.desk)
    await sleep(0.8)
    await client.hang_up()
    await again.ended()
    rang = {"101": [ring(anna), ring(again)], "102": [ring(boris)]}
    talks = {"101": [until(anna, first), both(client, again)], "102": [until(boris, second)]}
    moved = [transfer("blind", "101", "102", "taken", "102"), transfer("blind", "102", "101", "taken", "101")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


async def _consult(stage: Stage, anna: PhoneCall, to: str, phone: Phone) -> tuple[PhoneCall, PhoneCall]:
    """101 holds the client and asks somebody on his second line."""
    await anna.hold()
    await sleep(0.2)
    line = await stage.desk.dial(to)
    other = await stage.answer(phone)
    await line.connected()
    await sleep(0.8)
    return line, other


@play(
    "attended_twice",
    "101 asks 102 and joins the client with him (REFER with Replaces), then 102 sends him to 100; the client hangs up.",
    stream=True,
)
async def attended_then_blind(stage: Stage) -> Sequence[Told]:
    """An attended transfer, then a blind one."""
    client, anna = await talking(stage)
    _, boris = await _consult(stage, anna, "102", stage.boris)
    at = time.time()
    await anna.attended_transfer(stage.desk.calls[max(stage.desk.calls)])
    await sleep(1)
    second = await refer(boris, "100")
    head = await stage.answer(stage.head)
    await sleep(0.8)
    await client.hang_up()
    await head.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)], "100": [ring(head)]}
    talks = {"101": [until(anna, at)], "102": [(at, second)], "100": [both(client, head)]}
    moved = [transfer("attended", "101", "102", "taken", "102"), transfer("blind", "102", "100", "taken", "100")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "consultation_only",
    "101 holds the client, asks 102, lets him go, and takes the client back; 101 hangs up.",
    stream=True,
)
async def consultation_only(stage: Stage) -> Sequence[Told]:
    """A consultation without a transfer: an internal call of its own."""
    client, anna = await talking(stage)
    held = time.time()
    line, boris = await _consult(stage, anna, "102", stage.boris)
    await line.hang_up()
    await boris.ended()
    await anna.unhold()
    held = time.time() - held
    await sleep(0.6)
    await anna.hang_up()
    await client.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    span = [both(line, boris)]
    inside = told(
        direction="internal",
        client=None,
        start=line.moments["calling"],
        end=line.moments["ended"],
        hung_up_by="manager",
        rang={"102": [ring(boris)]},
        talks={"101": span, "102": span},
        answered_by=["102"],
        hold=0.0,
    )
    return [inbound(client, "4950001", hung_up_by="manager", rang=rang, talks=talks, hold=held), inside]


@play(
    "attended_two_clients",
    "101 talks with one client, holds him, takes a second one, and joins the two; the second hangs up.",
)
async def two_clients_joined(stage: Stage) -> Sequence[Told]:
    """An attended transfer between two clients' legs."""
    first, one = await talking(stage)
    await one.hold()
    second = await stage.call("4950001", caller=CLIENT2)
    two = await stage.answer(stage.desk)
    await sleep(0.8)
    at = time.time()
    await one.attended_transfer(two)
    await sleep(1)
    await second.hang_up()
    await first.ended()
    third = [(at, second.moments["ended"])]
    moved = [transfer("attended", "101", f"+{CLIENT2}", "taken_outside")]
    rang, talks = {"101": [ring(one)]}, {"101": [until(one, at)]}
    a = inbound(first, "4950001", hung_up_by="client", rang=rang, talks=talks, third=third, transfers=moved)
    rang, talks = {"101": [ring(two)]}, {"101": [until(two, at)]}
    b = inbound(second, "4950001", client=CLIENT2, hung_up_by="client", rang=rang, talks=talks, third=third)
    return [a, b]


async def _blonde(stage: Stage) -> tuple[PhoneCall, PhoneCall, PhoneCall, float]:
    client, anna = await talking(stage)
    await anna.hold()
    await sleep(0.2)
    line = await stage.desk.dial("102")
    boris = await stage.boris.next_call()
    await line.ringing()
    await sleep(0.5)
    at = time.time()
    await anna.attended_transfer(line)
    return client, anna, boris, at


@play(
    "blonde_refer",
    "101 holds the client, dials 102, and joins them while 102 still rings; 102 answers; the client hangs up.",
)
async def blonde(stage: Stage) -> Sequence[Told]:
    """An attended transfer to a phone that still rings."""
    client, anna, boris, at = await _blonde(stage)
    await sleep(0.7)
    await boris.answer()
    await boris.connected()
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [until(anna, at)], "102": [both(client, boris)]}
    moved = [transfer("attended", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("blonde_refer_lost", "The same; 102 does not answer and the client gives up.")
async def blonde_lost(stage: Stage) -> Sequence[Told]:
    """An attended transfer to a phone that rings on and on."""
    client, anna, boris, at = await _blonde(stage)
    await sleep(1.5)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [lost(client, "4950001", until(anna, at), rang, "102", "client", "attended")]
