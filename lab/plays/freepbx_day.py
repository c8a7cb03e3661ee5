"""A day on the FreePBX-like site: what its people and clients do, told from the clocks of their phones.

The stage's places are people here: `desk` is Anna 5001, `boris` 5002, `head` Vera 5003 (followed by her mobile), `twin`
Dina 5004. The provider's line is `outside`, where clients are and where every call to the outside arrives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from lab.office import CLIENT2, OUTSIDE, Stage
from lab.phone_calls import PhoneCall
from lab.phones import Phone
from lab.plays import Act, Play
from lab.plays.arriving import inbound
from lab.plays.placing import outbound
from lab.plays.transferring import refer, until
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep
ANNA, QUEUE, GROUP, VERA, BORIS, SHORT_QUEUE = (f"495010{last}" for last in range(1, 7))
"""The site's numbers and where they lead."""
DIALLED = f"9{OUTSIDE}"
"""A number outside as a manager dials it."""

PLAYS: dict[str, Play] = {}
"""The day, in its order."""


def play(name: str, what: str, *, arguments: Sequence[str] = ()) -> Callable[[Act], Act]:
    """Enter a play into the day."""

    def enter(act: Act) -> Act:
        PLAYS[name] = Play(name=f"freepbx_{name}", what=what, act=act, stream=False, arguments=arguments)
        return act

    return enter


async def talking(stage: Stage, did: str = ANNA) -> tuple[PhoneCall, PhoneCall]:
    """A client and Anna in talk."""
    client = await stage.call(did)
    anna = await stage.answer(stage.desk, 1.2)
    await client.connected()
    await sleep(2.1)
    return client, anna


@play("queue_answered", "A queue with Local members rings 5001 and 5002; 5002 answers; the client hangs up.")
async def queue_answered(stage: Stage) -> Sequence[Told]:
    """A call taken out of a queue."""
    client = await stage.call(QUEUE)
    anna = await stage.desk.next_call()
    boris = await stage.answer(stage.boris, 2.3)
    await sleep(3.2)
    await client.hang_up()
    await boris.ended()
    rang = {"5001": [ring(anna)], "5002": [ring(boris)]}
    return [inbound(client, QUEUE, hung_up_by="client", rang=rang, talks={"5002": [both(client, boris)]})]


@play("queue_abandoned", "A queue rings both for 3 s; the client gives up.")
async def queue_abandoned(stage: Stage) -> Sequence[Told]:
    """A call lost in a queue."""
    client = await stage.call(QUEUE)
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await sleep(3.1)
    await client.hang_up()
    await asyncio.gather(anna.ended(), boris.ended(), client.ended())
    rang = {"5001": [ring(anna)], "5002": [ring(boris)]}
    return [inbound(client, QUEUE, hung_up_by="client", rang=rang, missed_reason="abandoned")]


@play("queue_rings_out", "A queue rings both for 4 s; nobody answers, the PBX says goodbye and hangs up.")
async def queue_rings_out(stage: Stage) -> Sequence[Told]:
    """A queue's time runs out."""
    client = await stage.call(SHORT_QUEUE)
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await client.ended(15)
    await asyncio.gather(anna.ended(), boris.ended())
    rang = {"5001": [ring(anna)], "5002": [ring(boris)]}
    return [inbound(client, SHORT_QUEUE, hung_up_by="pbx", rang=rang, missed_reason="no_answer")]


@play("queue_member_sends_on", "5001 takes a call of the queue and sends it to 5004 (REFER), who answers and hangs up.")
async def queue_member_sends_on(stage: Stage) -> Sequence[Told]:
    """A blind transfer by a queue's Local member."""
    client = await stage.call(QUEUE)
    boris = await stage.boris.next_call()
    anna = await stage.answer(stage.desk, 1.2)
    await sleep(2.2)
    at = await refer(anna, "5004")
    dina = await stage.answer(stage.twin, 1.1)
    await sleep(2)
    await dina.hang_up()
    await client.ended()
    rang = {"5001": [ring(anna)], "5002": [ring(boris)], "5004": [ring(dina)]}
    talks = {"5001": [until(anna, at)], "5004": [both(client, dina)]}
    moved = [transfer("blind", "5001", "5004", "taken", "5004")]
    return [inbound(client, QUEUE, hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


async def _followed(stage: Stage) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    client = await stage.call(VERA)
    vera = await stage.head.next_call()
    mobile = await stage.answer(stage.outside, 1.3)
    await client.connected()
    await sleep(3.1)
    await client.hang_up()
    await mobile.ended()
    return client, vera, mobile


@play("followme_mobile", "5003 rings, 2 s later her mobile too, which no table knows; the mobile answers.")
async def followme_mobile(stage: Stage) -> Sequence[Told]:
    """Follow-me, taken outside."""
    client, vera, mobile = await _followed(stage)
    rang = {"5003": [ring(vera)]}
    return [inbound(client, VERA, hung_up_by="client", rang=rang, taken_outside=[both(client, mobile)])]


@play("followme_desk", "5003 answers at her desk before the mobile rings; the client hangs up.")
async def followme_desk(stage: Stage) -> Sequence[Told]:
    """Follow-me, taken at the desk."""
    client = await stage.call(VERA)
    vera = await stage.answer(stage.head, 1)
    await client.connected()
    await sleep(2.4)
    await client.hang_up()
    await vera.ended()
    rang = {"5003": [ring(vera)]}
    return [inbound(client, VERA, hung_up_by="client", rang=rang, talks={"5003": [both(client, vera)]})]


@play("followme_abandoned", "5003 and then her mobile ring; the client gives up.")
async def followme_abandoned(stage: Stage) -> Sequence[Told]:
    """Follow-me, and the client gives up."""
    client = await stage.call(VERA)
    vera = await stage.head.next_call()
    mobile = await stage.outside.next_call()
    await sleep(1.2)
    await client.hang_up()
    await asyncio.gather(vera.ended(), mobile.ended(), client.ended())
    return [inbound(client, VERA, hung_up_by="client", rang={"5003": [ring(vera)]}, missed_reason="abandoned")]


@play("ring_group", "A ring group rings 5001 and 5002 directly; 5001 answers and hangs up.")
async def ring_group(stage: Stage) -> Sequence[Told]:
    """A ring group."""
    client = await stage.call(GROUP)
    boris = await stage.boris.next_call()
    anna = await stage.answer(stage.desk, 1.4)
    await sleep(2.6)
    await anna.hang_up()
    await client.ended()
    rang = {"5001": [ring(anna)], "5002": [ring(boris)]}
    return [inbound(client, GROUP, hung_up_by="manager", rang=rang, talks={"5001": [both(client, anna)]})]


@play("blind_transfer", "5001 sends the client to 5004 (REFER), who answers; the client hangs up.")
async def blind_transfer(stage: Stage) -> Sequence[Told]:
    """A blind transfer."""
    client, anna = await talking(stage)
    at = await refer(anna, "5004")
    dina = await stage.answer(stage.twin, 1.2)
    await sleep(2.2)
    await client.hang_up()
    await dina.ended()
    rang = {"5001": [ring(anna)], "5004": [ring(dina)]}
    talks = {"5001": [until(anna, at)], "5004": [both(client, dina)]}
    moved = [transfer("blind", "5001", "5004", "taken", "5004")]
    return [inbound(client, ANNA, hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


async def _ask(phone: Phone, held: PhoneCall, to: str, answering: Phone) -> tuple[PhoneCall, PhoneCall]:
    """Hold the client and ask a colleague on the second line."""
    await held.hold()
    await sleep(0.2)
    line = await phone.dial(to)
    other = await answering.next_call()
    await sleep(1.1)
    await other.answer()
    await other.connected()
    await line.connected()
    await sleep(2.1)
    return line, other


@play("attended_transfer", "5001 asks 5004 and joins the client with her (REFER with Replaces); 5004 hangs up.")
async def attended_transfer(stage: Stage) -> Sequence[Told]:
    """An attended transfer."""
    client, anna = await talking(stage)
    line, dina = await _ask(stage.desk, anna, "5004", stage.twin)
    at = time.time()
    await anna.attended_transfer(line)
    await sleep(2.3)
    await dina.hang_up()
    await client.ended()
    rang = {"5001": [ring(anna)], "5004": [ring(dina)]}
    talks = {"5001": [until(anna, at)], "5004": [(at, dina.moments["ended"])]}
    moved = [transfer("attended", "5001", "5004", "taken", "5004")]
    return [inbound(client, ANNA, hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


@play("queue_attended_transfer", "5002 takes a call of the queue, asks 5004, and joins them; the client hangs up.")
async def queue_attended_transfer(stage: Stage) -> Sequence[Told]:
    """An attended transfer by a queue's Local member."""
    client = await stage.call(QUEUE)
    anna = await stage.desk.next_call()
    boris = await stage.answer(stage.boris, 1.2)
    await sleep(2)
    line, dina = await _ask(stage.boris, boris, "5004", stage.twin)
    at = time.time()
    await boris.attended_transfer(line)
    await sleep(2.3)
    await client.hang_up()
    await dina.ended()
    rang = {"5001": [ring(anna)], "5002": [ring(boris)], "5004": [ring(dina)]}
    talks = {"5002": [until(boris, at)], "5004": [(at, dina.moments["ended"])]}
    moved = [transfer("attended", "5002", "5004", "taken", "5004")]
    return [inbound(client, QUEUE, hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


async def _refused(stage: Stage, code: int, reason: str) -> Sequence[Told]:
    client = await stage.call(ANNA)
    anna = await stage.desk.next_call()
    await sleep(1.3)
    await anna.refuse(code)
    await client.ended()
    rang = {"5001": [ring(anna)]}
    return [inbound(client, ANNA, hung_up_by="pbx", rang=rang, missed_reason=reason)]


@play("busy", "5001 rings 1 s and is busy (486); the PBX plays the tone and hangs up.")
async def busy(stage: Stage) -> Sequence[Told]:
    """The manager is busy."""
    return await _refused(stage, 486, "busy")


@play("refused", "5001 rings 1 s and refuses (603); the PBX plays the tone and hangs up.")
async def refused(stage: Stage) -> Sequence[Told]:
    """The manager refuses."""
    return await _refused(stage, 603, "refused")


@play("voicemail", "5002 rings 3 s, then his mailbox answers; the client speaks and hangs up.")
async def voicemail(stage: Stage) -> Sequence[Told]:
    """Voicemail after no answer."""
    client = await stage.call(BORIS)
    boris = await stage.boris.next_call()
    await client.connected()
    await sleep(1.5)
    await stage.press(client, "#")
    await sleep(2.5)
    await client.hang_up()
    await client.ended()
    return [inbound(client, BORIS, hung_up_by="client", rang={"5002": [ring(boris)]}, missed_reason="voicemail")]


@play("click_to_call", "Click-to-call by Local/5001@from-internal: 5001 answers, the client answers and hangs up.")
async def click_to_call(stage: Stage) -> Sequence[Told]:
    """A click-to-call by the template a FreePBX needs."""
    start = time.time()
    await stage.do(
        "Originate",
        Channel="Local/5001@from-internal",
        Context="from-internal",
        Exten=DIALLED,
        Priority="1",
        CallerID=OUTSIDE,
        Timeout="15000",
        Async="true",
    )
    anna = await stage.answer(stage.desk, 1.1)
    client = await stage.answer(stage.outside, 1.4)
    await sleep(2.3)
    await client.hang_up()
    await anna.ended()
    end, rang, talks = client.moments["ended"], {"5001": [ring(anna)]}, {"5001": [both(anna, client)]}
    return [outbound(None, client, start=start, end=end, hung_up_by="client", rang=rang, talks=talks)]


@play("outbound", "5001 dials 9 and a number; the client answers; 5001 hangs up.")
async def outbound_answered(stage: Stage) -> Sequence[Told]:
    """A call to the outside by the prefix of the outside line."""
    anna = await stage.desk.dial(DIALLED)
    client = await stage.answer(stage.outside, 1.3)
    await sleep(3.1)
    await anna.hang_up()
    await client.ended()
    end, talks = client.moments["ended"], {"5001": [both(anna, client)]}
    return [outbound(anna, client, end=end, hung_up_by="manager", talks=talks)]


@play("outbound_busy", "5001 dials 9 and a number, which is busy (486).")
async def outbound_busy(stage: Stage) -> Sequence[Told]:
    """The far end is busy."""
    await stage.outside.script(refuse_with=486)
    anna = await stage.desk.dial(DIALLED)
    called = await stage.outside.next_call()
    await anna.ended()
    end = anna.moments["ended"]
    return [outbound(anna, called, end=end, hung_up_by="client", silent=["5001"], result="busy")]


@play("internal", "5001 calls 5004, who answers; 5004 hangs up.")
async def internal(stage: Stage) -> Sequence[Told]:
    """A call within the house."""
    anna = await stage.desk.dial("5004")
    dina = await stage.answer(stage.twin, 1.2)
    await sleep(2.2)
    await dina.hang_up()
    await anna.ended()
    span = [both(anna, dina)]
    return [
        told(
            direction="internal",
            client=None,
            start=anna.moments["calling"],
            end=anna.moments["ended"],
            hung_up_by="manager",
            rang={"5004": [ring(dina)]},
            talks={"5001": span, "5004": span},
            answered_by=["5004"],
        )
    ]


@play(
    "two_at_once",
    "While 5001 rings for one client, another comes into the queue, which rings 5002 alone; both talk at once.",
)
async def two_at_once(stage: Stage) -> Sequence[Told]:
    """Two calls in the same seconds."""
    first = await stage.call(ANNA)
    anna = await stage.desk.next_call()
    second = await stage.outside2.dial(QUEUE, caller=CLIENT2)
    boris = await stage.boris.next_call()
    await sleep(1.1)
    await anna.answer()
    await anna.connected()
    await sleep(0.6)
    await boris.answer()
    await boris.connected()
    await sleep(2.4)
    await asyncio.gather(first.hang_up(), second.hang_up())
    await asyncio.gather(anna.ended(), boris.ended())
    rang, talks = {"5002": [ring(boris)]}, {"5002": [both(second, boris)]}
    return [
        inbound(first, ANNA, hung_up_by="client", rang={"5001": [ring(anna)]}, talks={"5001": [both(first, anna)]}),
        inbound(second, QUEUE, client=CLIENT2, hung_up_by="client", rang=rang, talks=talks),
    ]
