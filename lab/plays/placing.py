"""Plays in which we call: how the far end refuses, transfers of calls that we placed, click-to-call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from lab.office import OUTSIDE, Stage
from lab.phone_calls import PhoneCall
from lab.plays import play
from lab.truth import Told, both, ring, told, transfer

sleep = asyncio.sleep


def outbound(
    caller: PhoneCall | None, called: PhoneCall | None, *, end: float, hung_up_by: str, **more: object
) -> Told:
    """A call that we placed; `called` is the client's phone, None where it never rang."""
    start = more.pop("start", None) or (caller.moments["calling"] if caller else 0.0)
    return told(
        direction="outbound",
        client=OUTSIDE,
        start=start,  # type: ignore[arg-type]
        client_start=called.moments["incoming"] if called else None,
        end=end,
        hung_up_by=hung_up_by,
        **more,  # type: ignore[arg-type]
    )


REFUSALS = ((486, "busy"), (603, "busy"), (404, "failed"))


@play(
    "out_refused", "101 dials three times: the far end is busy (486), declines (603), does not exist (404; both lines)."
)
async def out_refused(stage: Stage) -> Sequence[Told]:
    """How the far end may refuse; the rules try the second line where the first one did not say busy."""
    calls = []
    for code, result in REFUSALS:
        await stage.outside.script(refuse_with=code)
        await stage.outside2.script(refuse_with=code)
        anna = await stage.desk.dial(OUTSIDE)
        called = await stage.outside.next_call()
        await anna.ended()
        end = anna.moments["ended"]
        calls.append(outbound(anna, called, end=end, hung_up_by="client", silent=["101"], result=result))
        await sleep(1.2)
    return calls


@play("out_no_answer", "101 dials; the far end rings 4 s and does not answer.")
async def out_no_answer(stage: Stage) -> Sequence[Told]:
    """The far end does not answer."""
    anna = await stage.desk.dial(OUTSIDE)
    called = await stage.outside.next_call()
    await anna.ended()
    end = called.moments["ended"]
    return [outbound(anna, called, end=end, hung_up_by="pbx", silent=["101"], result="no_answer")]


@play("out_cancelled", "101 dials and gives up after 1 s of ringing.")
async def out_cancelled(stage: Stage) -> Sequence[Told]:
    """The manager gives up."""
    anna = await stage.desk.dial(OUTSIDE)
    called = await stage.outside.next_call()
    await sleep(1)
    await anna.hang_up()
    await called.ended()
    end = called.moments["ended"]
    return [outbound(anna, called, end=end, hung_up_by="manager", silent=["101"], result="cancelled")]


@play(
    "out_second_line",
    "101 dials; the first line is out of order (503), the second one rings and answers; 101 hangs up.",
)
async def out_second_line(stage: Stage) -> Sequence[Told]:
    """A line that fails, and another that serves."""
    await stage.outside.script(refuse_with=503)
    anna = await stage.desk.dial(OUTSIDE)
    failed = await stage.outside.next_call()
    called = await stage.answer(stage.outside2)
    await sleep(1)
    await anna.hang_up()
    await called.ended()
    talks = {"101": [both(anna, called)]}
    return [outbound(anna, failed, end=called.moments["ended"], hung_up_by="manager", talks=talks)]


@play("out_all_lines_down", "101 dials; both lines are out of order (503).")
async def out_lines_down(stage: Stage) -> Sequence[Told]:
    """Both lines fail."""
    await stage.outside.script(refuse_with=503)
    await stage.outside2.script(refuse_with=503)
    anna = await stage.desk.dial(OUTSIDE)
    first, last = await stage.outside.next_call(), await stage.outside2.next_call()
    await anna.ended()
    end = last.moments["ended"]
    return [outbound(anna, first, end=end, hung_up_by="client", silent=["101"], result="failed")]


@play("out_refer", "101 dials a client, who answers; 101 sends him to 102 (REFER), who answers; the client hangs up.")
async def out_refer(stage: Stage) -> Sequence[Told]:
    """A blind transfer of a call that we placed."""
    anna = await stage.desk.dial(OUTSIDE)
    client = await stage.answer(stage.outside)
    await sleep(0.8)
    at = time.time()
    await anna.blind_transfer("102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    talks = {"101": [(client.moments["connected"], at)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]
    end = client.moments["ended"]
    return [
        outbound(anna, client, end=end, hung_up_by="client", rang={"102": [ring(boris)]}, talks=talks, transfers=moved)
    ]


@play("out_refer_lost", "101 dials a client, sends him to 103, who has no phone; 101 rings again, the client gives up.")
async def out_refer_lost(stage: Stage) -> Sequence[Told]:
    """A call that we placed, lost in its transfer."""
    anna = await stage.desk.dial(OUTSIDE)
    client = await stage.answer(stage.outside)
    await sleep(0.8)
    at = time.time()
    await anna.blind_transfer("103")
    again = await stage.desk.next_call()
    await sleep(0.8)
    await client.hang_up()
    await again.ended()
    talks, rang = {"101": [(client.moments["connected"], at)]}, {"101": [ring(again)]}
    moved = [transfer("blind", "101", "103", "lost")]
    more = {"rang": rang, "talks": talks, "transfers": moved, "result": "lost_in_transfer"}
    return [outbound(anna, client, end=client.moments["ended"], hung_up_by="client", **more)]


@play(
    "out_attended",
    "101 dials a client, holds him, asks 102, and joins the two (REFER with Replaces); 102 hangs up.",
    stream=True,
)
async def out_attended(stage: Stage) -> Sequence[Told]:
    """An attended transfer of a call that we placed."""
    anna = await stage.desk.dial(OUTSIDE)
    client = await stage.answer(stage.outside)
    await sleep(0.6)
    await anna.hold()
    await sleep(0.2)
    line = await stage.desk.dial("102")
    boris = await stage.answer(stage.boris)
    await line.connected()
    await sleep(0.8)
    at = time.time()
    await anna.attended_transfer(line)
    await sleep(1)
    await boris.hang_up()
    await client.ended()
    talks = {"101": [(client.moments["connected"], at)], "102": [(at, boris.moments["ended"])]}
    moved = [transfer("attended", "101", "102", "taken", "102")]
    end = client.moments["ended"]
    return [
        outbound(anna, client, end=end, hung_up_by="manager", rang={"102": [ring(boris)]}, talks=talks, transfers=moved)
    ]


@play(
    "out_dtmf_attended",
    "101 dials a client, presses *2 102, asks him and hangs up; 102 talks with the client and hangs up.",
)
async def out_dtmf_attended(stage: Stage) -> Sequence[Told]:
    """An attended transfer by feature code of a call that we placed."""
    anna = await stage.desk.dial(OUTSIDE)
    client = await stage.answer(stage.outside)
    await sleep(0.8)
    await stage.press(anna, "*2")
    await sleep(1.2)
    await stage.press(anna, "102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await anna.hang_up()
    await anna.ended()
    await sleep(1)
    await boris.hang_up()
    await client.ended()
    talks = {
        "101": [(client.moments["connected"], boris.moments["incoming"])],
        "102": [(anna.moments["ended"], boris.moments["ended"])],
    }
    moved = [transfer("attended", "101", "102", "taken", "102")]
    end, rang = client.moments["ended"], {"102": [ring(boris)]}
    return [outbound(anna, client, end=end, hung_up_by="manager", rang=rang, talks=talks, transfers=moved)]


async def order(stage: Stage, channel: str) -> float:
    """Click-to-call, as a site's template has it."""
    at = time.time()
    await stage.do(
        "Originate",
        Channel=channel,
        Context="from-internal",
        Exten=OUTSIDE,
        Priority="1",
        CallerID=f'"CRM" <{OUTSIDE}>',
        Timeout="5000",
        Async="true",
    )
    return at


@play(
    "c2c_refer",
    "Click-to-call: 101 answers, then the client; 101 sends him to 102 (REFER), who answers; the client hangs up.",
    stream=True,
)
async def c2c_refer(stage: Stage) -> Sequence[Told]:
    """A click-to-call that is transferred."""
    return await _ordered_then_sent(stage, "PJSIP/anna-desk")


@play("c2c_local_refer", "The same by Local/101@from-internal.", stream=True)
async def c2c_local_refer(stage: Stage) -> Sequence[Told]:
    """A click-to-call by a Local channel that is transferred."""
    return await _ordered_then_sent(stage, "Local/101@from-internal")


@play("c2c_local_n_refer", "The same by Local/101@from-internal/n.")
async def c2c_local_n_refer(stage: Stage) -> Sequence[Told]:
    """A click-to-call by a Local channel that stays and is transferred."""
    return await _ordered_then_sent(stage, "Local/101@from-internal/n")


async def _ordered_then_sent(stage: Stage, channel: str) -> Sequence[Told]:
    start = await order(stage, channel)
    anna = await stage.answer(stage.desk)
    client = await stage.answer(stage.outside)
    await sleep(0.8)
    at = time.time()
    await anna.blind_transfer("102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    talks = {"101": [(client.moments["connected"], at)], "102": [both(client, boris)]}
    moved = [transfer("blind", "101", "102", "taken", "102")]
    end = client.moments["ended"]
    return [outbound(None, client, start=start, end=end, hung_up_by="client", rang=rang, talks=talks, transfers=moved)]


@play("c2c_local_busy", "Click-to-call by Local/101@from-internal; 101's phone is busy (486).", stream=True)
async def c2c_local_busy(stage: Stage) -> Sequence[Told]:
    """A click-to-call to a busy manager: the client is never dialled."""
    await stage.desk.script(refuse_with=486)
    start = await order(stage, "Local/101@from-internal")
    anna = await stage.desk.next_call()
    await anna.ended()
    return [_never_dialled(start, anna, "manager")]


@play("c2c_busy", "Click-to-call by PJSIP/anna-desk; 101's phone is busy (486).", stream=True)
async def c2c_busy(stage: Stage) -> Sequence[Told]:
    """A click-to-call straight to a busy phone."""
    await stage.desk.script(refuse_with=486)
    start = await order(stage, "PJSIP/anna-desk")
    anna = await stage.desk.next_call()
    await anna.ended()
    return [_never_dialled(start, anna, "manager")]


def _never_dialled(start: float, anna: PhoneCall, hung_up_by: str) -> Told:
    call = told(
        direction="outbound",
        client=None,
        start=start,
        end=anna.moments["ended"],
        hung_up_by=hung_up_by,
        rang={"101": [ring(anna)]},
        result="no_answer",
        no_leg=True,
    )
    return call


@play(
    "c2c_twins",
    "Click-to-call by Local/101@from-internal; desk and browser ring, the browser answers, then the client.",
)
async def c2c_twins(stage: Stage) -> Sequence[Told]:
    """A click-to-call that rings two phones of one manager."""
    await stage.twin.register()
    start = await order(stage, "Local/101@from-internal")
    desk = await stage.desk.next_call()
    twin = await stage.answer(stage.twin)
    client = await stage.answer(stage.outside)
    await sleep(1)
    await client.hang_up()
    await twin.ended()
    await stage.twin.unregister()
    rang, talks = {"101": [ring(desk), ring(twin)]}, {"101": [both(client, twin)]}
    end = client.moments["ended"]
    return [outbound(None, client, start=start, end=end, hung_up_by="client", rang=rang, talks=talks)]


@play("c2c_cancelled", "Click-to-call: 101 answers, the client's phone rings, 101 gives up.", stream=True)
async def c2c_cancelled(stage: Stage) -> Sequence[Told]:
    """The manager gives up while the client's phone rings."""
    start = await order(stage, "PJSIP/anna-desk")
    anna = await stage.answer(stage.desk)
    client = await stage.outside.next_call()
    await sleep(0.8)
    await anna.hang_up()
    await client.ended()
    end = client.moments["ended"]
    rang = {"101": [ring(anna)]}
    return [outbound(None, client, start=start, end=end, hung_up_by="manager", rang=rang, result="cancelled")]


@play("c2c_unregistered", "Click-to-call by Local/103@from-internal; 103 has no phone.", stream=True)
async def c2c_unregistered(stage: Stage) -> Sequence[Told]:
    """A click-to-call to nobody's phone: Local rows alone."""
    await order(stage, "Local/103@from-internal")
    await sleep(1)
    return []


@play("internal_refused", "101 calls 102, who declines (603), then 103, who has no phone.")
async def internal_refused(stage: Stage) -> Sequence[Told]:
    """Calls to colleagues that do not come about."""
    await stage.boris.script(refuse_with=603)
    anna = await stage.desk.dial("102")
    boris = await stage.boris.next_call()
    await anna.ended()
    await sleep(1.2)
    again = await stage.desk.dial("103")
    await again.ended()
    inside = [
        told(
            direction="internal",
            client=None,
            start=call.moments["calling"],
            end=call.moments["ended"],
            hung_up_by=by,
            rang=rang,
            silent=["101"],
            result=result,
        )
        for call, rang, result, by in (
            (anna, {"102": [ring(boris)]}, "busy", "pbx"),
            (again, {}, "failed", "pbx"),
        )
    ]
    return inside


@play("voicemail_check", "101 dials *97, hears his voicemail, and hangs up: no call.")
async def voicemail_check(stage: Stage) -> Sequence[Told]:
    """A feature code."""
    anna = await stage.desk.dial("*97")
    await anna.connected()
    await sleep(1)
    await anna.hang_up()
    await anna.ended()
    return [{"kind": "service", "direction": "internal", "client": None, "talk_seconds": 0, "answered_by": []}]
