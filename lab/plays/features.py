"""Plays in which the PBX's own features move the client: codes pressed in the talk, car park, conference."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lab.office import MOBILE, OUTSIDE, Stage
from lab.phone_calls import PhoneCall
from lab.phones import Phone
from lab.plays import play
from lab.plays.arriving import inbound
from lab.plays.transferring import lost, refer, talking, until
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep


async def _press(stage: Stage, anna: PhoneCall, code: str, number: str) -> None:
    """A feature code, and the number after the prompt."""
    await stage.press(anna, code)
    await sleep(1.2)
    await stage.press(anna, number)


@play("dtmf_blind", "101 presses ## 102; 102 answers; the client hangs up.")
async def dtmf_blind(stage: Stage) -> Sequence[Told]:
    """A blind transfer by feature code."""
    client, anna = await talking(stage)
    await _press(stage, anna, "##", "102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [until(anna, boris.moments["incoming"])], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("dtmf_blind_outside", "101 presses ## and an outside number; it answers, talks with the client, and hangs up.")
async def dtmf_blind_outside(stage: Stage) -> Sequence[Told]:
    """A blind transfer by feature code to the outside."""
    client, anna = await talking(stage)
    await _press(stage, anna, "##", MOBILE)
    mobile = await stage.answer(stage.outside)
    await sleep(1)
    await mobile.hang_up()
    await client.ended()
    talks = {"101": [until(anna, mobile.moments["incoming"])]}
    moved = [transfer("blind", "101", f"+{MOBILE}", "taken_outside")]
    third = [both(client, mobile)]
    rang = {"101": [ring(anna)]}
    return [inbound(client, "4950001", hung_up_by="manager", rang=rang, talks=talks, third=third, transfers=moved)]


async def star_two(stage: Stage, number: str, phone: Phone) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    """101 presses *2 and a number, and somebody's phone rings."""
    client, anna = await talking(stage)
    await _press(stage, anna, "*2", number)
    return client, anna, await phone.next_call()


@play("dtmf_attended", "101 presses *2 102, asks him, and hangs up; 102 talks with the client, who hangs up.")
async def dtmf_attended(stage: Stage) -> Sequence[Told]:
    """An attended transfer by feature code."""
    client, anna, boris = await star_two(stage, "102", stage.boris)
    await sleep(0.6)
    await boris.answer()
    await boris.connected()
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
    "dtmf_attended_refused",
    "101 presses *2 102, asks him; 102 hangs up and 101 is with the client again; the client hangs up.",
)
async def dtmf_attended_refused(stage: Stage) -> Sequence[Told]:
    """The colleague does not want the client."""
    client, anna, boris = await star_two(stage, "102", stage.boris)
    await sleep(0.6)
    await boris.answer()
    await boris.connected()
    await sleep(1)
    await boris.hang_up()
    await boris.ended()
    await sleep(1.2)
    await client.hang_up()
    await anna.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {
        "101": [until(anna, boris.moments["incoming"]), (boris.moments["ended"], client.moments["ended"])],
    }
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks)]


@play(
    "dtmf_attended_outside",
    "101 presses *2 and an outside number, asks it, and hangs up; it talks with the client, who hangs up.",
)
async def dtmf_attended_outside(stage: Stage) -> Sequence[Told]:
    """An attended transfer by feature code to the outside."""
    client, anna, other = await star_two(stage, OUTSIDE, stage.outside)
    await sleep(0.6)
    await other.answer()
    await other.connected()
    await sleep(1)
    await anna.hang_up()
    await anna.ended()
    await sleep(1)
    await client.hang_up()
    await other.ended()
    joined = (anna.moments["ended"], client.moments["ended"])
    talks = {"101": [until(anna, other.moments["incoming"])]}
    moved = [transfer("attended", "101", f"+{OUTSIDE}", "taken_outside")]
    a = inbound(
        client, "4950001", hung_up_by="client", rang={"101": [ring(anna)]}, talks=talks, third=[joined], transfers=moved
    )
    b = told(
        direction="outbound",
        client=OUTSIDE,
        start=other.moments["incoming"],
        end=other.moments["ended"],
        hung_up_by="client",
        talks={"101": [(other.moments["connected"], anna.moments["ended"])]},
        third=[joined],
    )
    return [a, b]


@play("dtmf_blonde", "101 presses *2 102 and hangs up while 102 rings; 102 answers; the client hangs up.")
async def dtmf_blonde(stage: Stage) -> Sequence[Told]:
    """An attended transfer by feature code that does not wait."""
    client, anna, boris = await star_two(stage, "102", stage.boris)
    await sleep(0.6)
    await anna.hang_up()
    await sleep(0.8)
    await boris.answer()
    await boris.connected()
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [until(anna, boris.moments["incoming"])], "102": [both(client, boris)]}
    moved = [transfer("attended", "101", "102", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "dtmf_blonde_returned", "The same; 102 does not answer, the PBX calls 101 back, who answers; the client hangs up."
)
async def dtmf_blonde_returned(stage: Stage) -> Sequence[Told]:
    """An attended transfer by feature code that does not wait, comes back."""
    client, anna, boris = await star_two(stage, "102", stage.boris)
    await sleep(0.6)
    await anna.hang_up()
    again = await stage.answer(stage.desk)
    await sleep(1)
    await client.hang_up()
    await again.ended()
    if boris.state != "ended":
        await boris.ended()
    rang = {"101": [ring(anna), ring(again)], "102": [ring(boris)]}
    talks = {"101": [until(anna, boris.moments["incoming"]), both(client, again)]}
    moved = [transfer("attended", "101", "102", "returned", "101")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "park_same_manager",
    "101 parks the client (REFER to 700), dials 701 after 1.5 s and has him again; the client hangs up.",
    stream=True,
)
async def park_same(stage: Stage) -> Sequence[Told]:
    """Parked and fetched by the same manager."""
    client, anna = await talking(stage)
    at = await refer(anna, "700")
    await sleep(1.5)
    again = await stage.desk.dial("701")
    await again.connected()
    back = again.moments["connected"]
    await sleep(1)
    await client.hang_up()
    await again.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [until(anna, at), both(client, again)]}
    moved = [transfer("blind", "101", "700", "returned", "101")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved, hold=back - at)]


@play("park_abandoned", "101 parks the client, who gives up after 1.5 s.", stream=True)
async def park_abandoned(stage: Stage) -> Sequence[Told]:
    """Parked and forgotten."""
    client, anna = await talking(stage)
    at = await refer(anna, "700")
    await sleep(1.5)
    await client.hang_up()
    await client.ended()
    call = lost(client, "4950001", until(anna, at), {"101": [ring(anna)]}, "700", "client")
    return [call | {"hold_seconds": round(client.moments["ended"] - at, 2)}]


@play(
    "refer_to_conference", "101 sends the client to the conference 600, where 102 is; both talk; the client hangs up."
)
async def refer_to_conference(stage: Stage) -> Sequence[Told]:
    """A blind transfer into a conference."""
    boris = await stage.boris.dial("600")
    await boris.connected()
    client, anna = await talking(stage)
    at = await refer(anna, "600")
    await sleep(1.5)
    await client.hang_up()
    await client.ended()
    await sleep(0.3)
    await boris.hang_up()
    rang = {"101": [ring(anna)]}
    talks = {"101": [until(anna, at)], "102": [(at, client.moments["ended"])]}
    moved = [transfer("blind", "101", "600", "taken", "102")]
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play(
    "conference_two_managers",
    "A client dials the conference, 101 and then 102 join; 101 leaves, the client leaves, 102 leaves.",
)
async def conference(stage: Stage) -> Sequence[Told]:
    """A conference with two managers and one client."""
    client = await stage.call("4950009")
    await client.connected()
    await sleep(0.8)
    anna = await stage.desk.dial("600")
    await anna.connected()
    await sleep(0.6)
    boris = await stage.boris.dial("600")
    await boris.connected()
    await sleep(0.8)
    await anna.hang_up()
    await sleep(0.6)
    await client.hang_up()
    await sleep(0.4)
    await boris.hang_up()
    await boris.ended()
    talks = {"101": [both(client, anna)], "102": [both(client, boris)]}
    return [inbound(client, "4950009", hung_up_by="client", talks=talks)]


@play(
    "internal_transferred_outside",
    "101 calls 102, who sends him to an outside number (REFER); it answers and hangs up.",
)
async def internal_outside(stage: Stage) -> Sequence[Told]:
    """An internal call that ends outside."""
    anna = await stage.desk.dial("102")
    boris = await stage.answer(stage.boris)
    await sleep(0.8)
    await refer(boris, OUTSIDE)
    other = await stage.answer(stage.outside)
    await sleep(1)
    await other.hang_up()
    await anna.ended()
    return [
        told(
            direction="outbound",
            client=OUTSIDE,
            start=anna.moments["calling"],
            client_start=other.moments["incoming"],
            end=other.moments["ended"],
            hung_up_by="client",
            rang={"102": [ring(boris)]},
            talks={"101": [both(anna, other)]},
            transfers=[],
        )
    ]
