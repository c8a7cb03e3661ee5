"""Plays of further habits: mobiles that ring beside the desk, surveys, agents who log in, transfers to machines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from lab.office import CLIENT2, MOBILE, Stage
from lab.plays import play
from lab.plays.arriving import inbound
from lab.plays.features import star_two
from lab.plays.transferring import lost, refer, talking, until
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep
PRESSED = 0.68
"""Seconds until the PBX has heard three keys: twice a key's length and pause, and the third one's length."""


@play(
    "queue_local_gone", "A queue whose Local members take themselves out; 102 answers, sends the client to 101 (REFER)."
)
async def queue_local_gone(stage: Stage) -> Sequence[Told]:
    """A blind transfer by a queue's member whose Local channel has gone."""
    client = await stage.call("4950032")
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
    return [inbound(client, "4950032", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "mobile_beside_desk",
    "101's desk and a mobile that no table knows ring at once; the mobile answers, the client hangs up.",
)
async def mobile_beside_desk(stage: Stage) -> Sequence[Told]:
    """An unknown mobile is quicker than the desk."""
    client = await stage.call("4950033")
    anna = await stage.desk.next_call()
    mobile = await stage.answer(stage.outside)
    await sleep(1)
    await client.hang_up()
    await mobile.ended()
    span = [both(client, mobile)]
    return [inbound(client, "4950033", hung_up_by="client", rang={"101": [ring(anna)]}, taken_outside=span)]


@play("desk_beside_mobile", "The same; the desk answers, 101 hangs up.")
async def desk_beside_mobile(stage: Stage) -> Sequence[Told]:
    """The desk is quicker than the mobile."""
    client = await stage.call("4950033")
    mobile = await stage.outside.next_call()
    anna = await stage.answer(stage.desk)
    await sleep(1)
    await anna.hang_up()
    await client.ended()
    await mobile.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    return [inbound(client, "4950033", hung_up_by="manager", rang=rang, talks=talks)]


@play("survey", "101 talks and hangs up; the client is asked how it was and hangs up 1.5 s later.")
async def survey(stage: Stage) -> Sequence[Told]:
    """The dialplan goes on after the talk, which the manager ended; who ended the rest, no row tells."""
    client = await stage.call("4950034")
    anna = await stage.answer(stage.desk)
    await sleep(1)
    await anna.hang_up()
    await anna.ended()
    await sleep(1.5)
    await client.hang_up()
    await client.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    return [inbound(client, "4950034", hung_up_by="manager", rang=rang, talks=talks)]


@play("dtmf_threeway", "101 presses *2 102, then *3: all three talk; 101 leaves, then the client hangs up.")
async def threeway(stage: Stage) -> Sequence[Told]:
    """An attended transfer that becomes a talk of three."""
    client, anna, boris = await star_two(stage, "102", stage.boris)
    await sleep(0.6)
    await boris.answer()
    await boris.connected()
    await sleep(0.6)
    await stage.press(anna, "*3")
    at = time.time() + 0.4  # the second key is heard after the first one's length and pause
    await sleep(1.5)
    await anna.hang_up()
    await anna.ended()
    await sleep(0.8)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {
        "101": [until(anna, boris.moments["incoming"]), (at, anna.moments["ended"])],
        "102": [(at, client.moments["ended"])],
    }
    moved = [transfer("attended", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "park_by_key",
    "101 presses #72 and the client is parked; 102 fetches him from 701 and talks; the client hangs up.",
    stream=True,
)
async def park_by_key(stage: Stage) -> Sequence[Told]:
    """One-touch parking: 101 hears the slot's number while the client waits already."""
    client, anna = await talking(stage, "4950035")
    await stage.press(anna, "#72")
    parked = time.time() + PRESSED
    await anna.ended(20)
    await sleep(1)
    boris = await stage.boris.dial("701")
    await boris.connected()
    back = boris.moments["connected"]
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)]}
    talks = {"101": [until(anna, parked)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]  # no row names the car park's number
    hold = back - parked
    return [inbound(client, "4950035", hung_up_by="client", rang=rang, talks=talks, transfers=moved, hold=hold)]


@play("park_by_key_lost", "101 presses #72 and the client is parked; he gives up after 1 s.")
async def park_by_key_lost(stage: Stage) -> Sequence[Told]:
    """One-touch parking, and nobody fetches the client."""
    client, anna = await talking(stage, "4950035")
    await stage.press(anna, "#72")
    parked = time.time() + PRESSED
    await sleep(PRESSED + 1)
    await client.hang_up()
    await client.ended()
    call = lost(client, "4950035", until(anna, parked), {"101": [ring(anna)]}, "700", "client")
    return [call | {"transfers": [transfer("blind", "101", None, "lost")]}]


@play(
    "queue_call_parked",
    "A queue with Local members: 102 answers and parks the client; 101 fetches him and hangs up.",
    stream=True,
)
async def queue_call_parked(stage: Stage) -> Sequence[Told]:
    """Parking by a queue's Local member."""
    client = await stage.call("4950003")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    at = await refer(boris, "700")
    await sleep(1)
    anna = await stage.desk.dial("701")
    await anna.connected()
    back = anna.moments["connected"]
    await sleep(1)
    await anna.hang_up()
    await client.ended()
    rang = {"101": [ring(rang_first)], "102": [ring(boris)]}
    talks = {"102": [until(boris, at)], "101": [both(client, anna)]}
    moved = [transfer("blind", "102", "700", "taken", "101")]
    call = inbound(client, "4950003", hung_up_by="manager", rang=rang, talks=talks, transfers=moved, hold=back - at)
    return [call]


@play(
    "refer_to_group", "101 sends the client to the ring group 610; 101 and 102 ring, 102 answers; the client hangs up."
)
async def refer_to_group(stage: Stage) -> Sequence[Told]:
    """A blind transfer to a ring group in which the manager himself is."""
    client, anna = await talking(stage)
    at = await refer(anna, "610")
    again = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna), ring(again)], "102": [ring(boris)]}
    talks = {"101": [until(anna, at)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "610", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("refer_to_menu", "101 sends the client to the menu 800, where he hangs up.")
async def refer_to_menu(stage: Stage) -> Sequence[Told]:
    """A blind transfer to a machine: nobody takes the client."""
    return await _sent_to_machine(stage, "800")


@play("refer_to_voicemail", "101 sends the client to his voicemail *101, where he hangs up.")
async def refer_to_voicemail(stage: Stage) -> Sequence[Told]:
    """A blind transfer to voicemail."""
    return await _sent_to_machine(stage, "*101")


async def _sent_to_machine(stage: Stage, to: str) -> Sequence[Told]:
    client, anna = await talking(stage)
    at = await refer(anna, to)
    await sleep(1.5)
    await client.hang_up()
    await client.ended()
    return [lost(client, "4950001", until(anna, at), {"101": [ring(anna)]}, to, "client")]


@play(
    "menu_queue_refer",
    "A menu, a queue with Local members, 102 answers and sends the client to an outside number; it hangs up.",
)
async def menu_queue_refer(stage: Stage) -> Sequence[Told]:
    """Everything after everything."""
    client = await stage.call("4950012")
    await client.connected()
    await sleep(0.5)
    await stage.press(client, "1")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    at = await refer(boris, MOBILE)
    mobile = await stage.answer(stage.outside)
    await sleep(1)
    await mobile.hang_up()
    await client.ended()
    rang = {"101": [ring(rang_first)], "102": [ring(boris)]}
    talks = {"102": [until(boris, at)]}
    moved = [transfer("blind", "102", f"+{MOBILE}", "taken_outside")]
    third = [both(client, mobile)]
    call = inbound(client, "4950012", hung_up_by="manager", rang=rang, talks=talks, third=third, transfers=moved)
    return [call]


@play("agent_login", "101 logs in as an agent and stays on the line; two clients one after the other; 101 logs out.")
async def agent_login(stage: Stage) -> Sequence[Told]:
    """A manager whose phone never rings: calls come to him on the open line."""
    line = await stage.desk.dial("*60")
    await line.connected()
    await sleep(2)
    calls = []
    for number in ("79161234567", CLIENT2):
        client = await stage.call("4950037", caller=number)
        await client.connected()
        await sleep(4)
        await client.hang_up()
        await client.ended()
        calls.append((client, number))
        await sleep(1)
    await line.hang_up()
    await line.ended()
    return [
        {"kind": "client", "direction": "inbound", "client": f"+{number}", "result": "answered", "answered_by": ["101"]}
        for _, number in calls
    ]


@play(
    "queue_member_attended",
    "A queue with Local members: 102 answers, asks 100, joins the two (REFER with Replaces); 100 hangs up.",
)
async def queue_member_attended(stage: Stage) -> Sequence[Told]:
    """An attended transfer by a queue's Local member."""
    client = await stage.call("4950003")
    rang_first = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await sleep(0.6)
    await boris.hold()
    await sleep(0.2)
    line = await stage.boris.dial("100")
    head = await stage.answer(stage.head)
    await line.connected()
    await sleep(0.8)
    at = time.time()
    await boris.attended_transfer(line)
    await sleep(1)
    await head.hang_up()
    await client.ended()
    rang = {"101": [ring(rang_first)], "102": [ring(boris)], "100": [ring(head)]}
    talks = {"102": [until(boris, at)], "100": [(at, head.moments["ended"])]}
    moved = [transfer("attended", "102", "100", "taken", "100")]
    return [inbound(client, "4950003", hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


@play(
    "attended_to_queue",
    "101 holds the client, calls the queue 400, 102 answers there, 101 joins them; the client hangs up.",
)
async def attended_to_queue(stage: Stage) -> Sequence[Told]:
    """An attended transfer to whoever takes the call in a queue."""
    client, anna = await talking(stage)
    await anna.hold()
    await sleep(0.2)
    line = await stage.desk.dial("400")
    boris = await stage.answer(stage.boris)
    await line.connected()
    await sleep(0.8)
    at = time.time()
    await anna.attended_transfer(line)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [until(anna, at)], "102": [(at, client.moments["ended"])]}
    moved = [transfer("attended", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("group_busy_and_refused", "A ring group: 101 declines (603), 102 is busy (486).")
async def group_busy_and_refused(stage: Stage) -> Sequence[Told]:
    """One declines, the other is busy: somebody was there and did not want the call."""
    await stage.desk.script(refuse_with=603)
    await stage.boris.script(refuse_with=486)
    client = await stage.call("4950029")
    await client.ended()
    rang = {"101": [ring(await stage.desk.next_call())], "102": [ring(await stage.boris.next_call())]}
    return [inbound(client, "4950029", hung_up_by="pbx", rang=rang, missed_reason="refused")]


@play("group_busy_and_silent", "A ring group: 101 is busy (486), 102 rings 2 s and does not answer.")
async def group_busy_and_silent(stage: Stage) -> Sequence[Told]:
    """One is busy, the other does not answer."""
    await stage.desk.script(refuse_with=486)
    client = await stage.call("4950038")
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await client.ended()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950038", hung_up_by="pbx", rang=rang, missed_reason="no_answer")]


@play("shift_over", "A DID that the dialplan refuses as busy without ringing anybody.")
async def shift_over(stage: Stage) -> Sequence[Told]:
    """Nobody is rung."""
    client = await stage.call("4950036")
    await client.ended()
    return [inbound(client, "4950036", hung_up_by="pbx", missed_reason="ivr")]


@play("internal_picked_up", "102 calls 101, whose phone rings; 100 dials *8 and talks with 102, who hangs up.")
async def internal_picked_up(stage: Stage) -> Sequence[Told]:
    """A colleague's call is picked up."""
    boris = await stage.boris.dial("101")
    anna = await stage.desk.next_call()
    await sleep(0.6)
    head = await stage.head.dial("*8")
    await head.connected()
    await sleep(1)
    await boris.hang_up()
    await head.ended()
    await anna.ended()
    span = [both(boris, head)]
    return [
        told(
            direction="internal",
            client=None,
            start=boris.moments["calling"],
            end=boris.moments["ended"],
            hung_up_by="manager",
            rang={"101": [ring(anna)]},
            talks={"102": span, "100": span},
            answered_by=["100"],
        )
    ]


@play(
    "mobile_calls_in",
    "101 calls 102's number from his mobile, which the table knows; 102 answers, 101 hangs up: no client.",
    arguments=("--managers", f"anna-desk=101,101-WS=101,102,100,103,{MOBILE}=101"),
)
async def mobile_calls_in(stage: Stage) -> Sequence[Told]:
    """A manager's own mobile is never a client."""
    mobile = await stage.call("4950002", caller=MOBILE)
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await mobile.hang_up()
    await boris.ended()
    span = [both(mobile, boris)]
    return [
        told(
            direction="internal",
            client=None,
            start=mobile.moments["calling"],
            end=mobile.moments["ended"],
            hung_up_by="manager",
            rang={"102": [ring(boris)]},
            talks={"101": span, "102": span},
            answered_by=["102"],
        )
    ]
