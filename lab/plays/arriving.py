"""Plays in which a client calls us: queues, groups, follow-me, menus, pick-up, voicemail, withheld numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lab.office import CLIENT, CLIENT2, MOBILE, SECOND_LINE, Stage
from lab.phone_calls import PhoneCall
from lab.plays import play
from lab.truth import Told, both, ring, told

sleep = asyncio.sleep


def inbound(call: PhoneCall, did: str, *, hung_up_by: str | None, client: str | None = CLIENT, **more: object) -> Told:
    """An inbound call of this client's phone; `more` goes to `told`."""
    start, end = call.moments["calling"], call.moments["ended"]
    return told(
        direction="inbound",
        client=client,
        did=did,
        start=start,
        end=end,
        hung_up_by=hung_up_by,
        **more,  # type: ignore[arg-type]
    )


async def _both_ring_boris_answers(stage: Stage, did: str) -> Sequence[Told]:
    client = await stage.call(did)
    anna = await stage.desk.next_call()
    boris = await stage.answer(stage.boris)
    await client.connected()
    await sleep(1.2)
    await client.hang_up()
    await boris.ended()
    talks = {"102": [both(client, boris)]}
    return [inbound(client, did, hung_up_by="client", rang={"101": [ring(anna)], "102": [ring(boris)]}, talks=talks)]


@play("02_queue_direct", "A queue with the phones as direct members: both ring, 102 answers, the client hangs up.")
async def queue_direct(stage: Stage) -> Sequence[Told]:
    """A queue with the phones as direct members: both ring, 102 answers, the client hangs up."""
    return await _both_ring_boris_answers(stage, "4950026")


@play("03b_group_local", "A ring group by Local channels that take themselves out; 102 answers, the client hangs up.")
async def group_local(stage: Stage) -> Sequence[Told]:
    """A ring group by Local channels without /n."""
    return await _both_ring_boris_answers(stage, "4950005")


@play("group_local_abandoned", "A ring group by Local channels rings 1 s, the client gives up.")
async def group_local_abandoned(stage: Stage) -> Sequence[Told]:
    """A ring group by Local channels rings, the client gives up."""
    client = await stage.call("4950005")
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await sleep(1)
    await client.hang_up()
    await asyncio.gather(anna.ended(), boris.ended(), client.ended())
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950005", hung_up_by="client", rang=rang, missed_reason="abandoned")]


async def _follow_me(stage: Stage, did: str) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    client = await stage.call(did)
    anna = await stage.desk.next_call()
    await anna.ended()
    mobile = await stage.answer(stage.outside)
    await client.connected()
    await sleep(1.2)
    return client, anna, mobile


@play(
    "04a_followme_local", "Follow-me by Local channels: the desk rings 2 s, then a mobile that no table knows answers."
)
async def followme_local(stage: Stage) -> Sequence[Told]:
    """Follow-me by Local channels and the rules for calls outside; the client hangs up."""
    client, anna, mobile = await _follow_me(stage, "4950006")
    await client.hang_up()
    await mobile.ended()
    span = [both(client, mobile)]
    return [inbound(client, "4950006", hung_up_by="client", rang={"101": [ring(anna)]}, taken_outside=span)]


@play(
    "04c_followme_local_mapped",
    "The same, and the mobile is 101's in the table; the mobile hangs up.",
    arguments=("--managers", f"anna-desk=101,101-WS=101,102,100,103,{MOBILE}=101"),
)
async def followme_mapped(stage: Stage) -> Sequence[Told]:
    """Follow-me to a mobile that the table knows."""
    client, anna, mobile = await _follow_me(stage, "4950006")
    await mobile.hang_up()
    await client.ended()
    rang = {"101": [ring(anna), ring(mobile)]}
    return [inbound(client, "4950006", hung_up_by="manager", rang=rang, talks={"101": [both(client, mobile)]})]


@play("followme_abandoned", "Follow-me: the desk rings 2 s, the mobile 1 s, the client gives up.")
async def followme_abandoned(stage: Stage) -> Sequence[Told]:
    """The client gives up while the mobile rings."""
    client = await stage.call("4950006")
    anna = await stage.desk.next_call()
    await anna.ended()
    mobile = await stage.outside.next_call()
    await sleep(1)
    await client.hang_up()
    await mobile.ended()
    rang = {"101": [ring(anna)]}
    return [inbound(client, "4950006", hung_up_by="client", rang=rang, missed_reason="abandoned")]


@play("followme_mobile_busy", "Follow-me: the desk rings 2 s, then the mobile is busy (486).")
async def followme_mobile_busy(stage: Stage) -> Sequence[Told]:
    """The desk rings out, the mobile is busy."""
    await stage.outside.script(refuse_with=486)
    client = await stage.call("4950007")
    anna = await stage.desk.next_call()
    await client.ended()
    return [inbound(client, "4950007", hung_up_by="pbx", rang={"101": [ring(anna)]}, missed_reason="no_answer")]


@play("callconfirm_no_key", "A mobile answers, is asked to press 1, does not, and the call is not passed on.")
async def call_confirm(stage: Stage) -> Sequence[Told]:
    """A mobile's owner does not confirm."""
    client = await stage.call("4950030")
    mobile = await stage.answer(stage.outside)
    await client.ended()
    await mobile.ended()
    return [inbound(client, "4950030", hung_up_by="pbx", kind="through", missed_reason="no_answer")]


@play("08b_pickup_directed", "101 rings, 102 dials **101 and talks, the client hangs up.")
async def pickup_directed(stage: Stage) -> Sequence[Told]:
    """Directed pick-up."""
    return await _picked_up(stage, "4950001", "**101")


@play("08c_pickup_queue", "A queue with Local members rings 101; 100 dials *8 and takes the call; the client hangs up.")
async def pickup_queue(stage: Stage) -> Sequence[Told]:
    """Group pick-up of a queue's call by one who is no member."""
    return await _picked_up(stage, "4950003", "*8", by_head=True)


@play("08d_pickup_queue_directed", "The same with **101.")
async def pickup_queue_directed(stage: Stage) -> Sequence[Told]:
    """Directed pick-up of a queue's call."""
    return await _picked_up(stage, "4950003", "**101", by_head=True)


@play("08e_pickup_queue_direct", "A queue with direct members rings 101 and 102; 100 dials *8 and takes the call.")
async def pickup_queue_direct(stage: Stage) -> Sequence[Told]:
    """Group pick-up of a call of a queue with direct members."""
    return await _picked_up(stage, "4950026", "*8", by_head=True)


async def _picked_up(stage: Stage, did: str, code: str, *, by_head: bool = False) -> Sequence[Told]:
    client = await stage.call(did)
    rung = {"101": await stage.desk.next_call()}
    if by_head:
        rung["102"] = await stage.boris.next_call()
    await sleep(0.8)
    picker = await (stage.head if by_head else stage.boris).dial(code)
    await picker.connected()
    await client.connected()
    await sleep(1.2)
    await client.hang_up()
    await picker.ended()
    who = "100" if by_head else "102"
    rang = {extension: [ring(call)] for extension, call in rung.items()}
    return [inbound(client, did, hung_up_by="client", rang=rang, talks={who: [both(client, picker)]})]


@play("10b_voicemail", "101 rings 2 s, then voicemail answers; the client speaks and hangs up.")
async def voicemail(stage: Stage) -> Sequence[Told]:
    """Voicemail after no answer."""
    client = await stage.call("4950011")
    anna = await stage.desk.next_call()
    await client.connected()
    await sleep(1.5)
    await stage.press(client, "#")
    await sleep(2.5)
    await client.hang_up()
    await client.ended()
    return [inbound(client, "4950011", hung_up_by="client", rang={"101": [ring(anna)]}, missed_reason="voicemail")]


@play("11b_ivr_to_101", "A menu; the client presses 2, 101 rings and answers, and hangs up.")
async def ivr_to_manager(stage: Stage) -> Sequence[Told]:
    """A menu that leads to one manager."""
    client = await stage.call("4950012")
    await client.connected()
    await sleep(0.6)
    await stage.press(client, "2")
    anna = await stage.answer(stage.desk)
    await sleep(1.2)
    await anna.hang_up()
    await client.ended()
    talks = {"101": [both(client, anna)]}
    return [inbound(client, "4950012", hung_up_by="manager", rang={"101": [ring(anna)]}, talks=talks)]


@play("11c_ivr_timeout", "A menu; the client presses nothing, the PBX says goodbye and hangs up.")
async def ivr_timeout(stage: Stage) -> Sequence[Told]:
    """A menu that times out."""
    client = await stage.call("4950012")
    await client.ended()
    return [inbound(client, "4950012", hung_up_by="pbx", missed_reason="ivr")]


@play("11d_ivr_wrong_key", "A menu; the client presses 9, hears that it is invalid, and hangs up in the menu.")
async def ivr_wrong_key(stage: Stage) -> Sequence[Told]:
    """A menu's invalid choice."""
    client = await stage.call("4950012")
    await client.connected()
    await sleep(0.5)
    await stage.press(client, "9")
    await sleep(2.5)
    await client.hang_up()
    await client.ended()
    return [inbound(client, "4950012", hung_up_by="client", missed_reason="ivr")]


@play("11e_ivr_queue_abandoned", "A menu; the client presses 1, the queue rings both 1 s, the client gives up.")
async def ivr_queue_abandoned(stage: Stage) -> Sequence[Told]:
    """A menu, a queue, and a client who gives up."""
    client = await stage.call("4950012")
    await client.connected()
    await sleep(0.5)
    await stage.press(client, "1")
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await sleep(1)
    await client.hang_up()
    await asyncio.gather(client.ended(), anna.ended(), boris.ended())
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950012", hung_up_by="client", rang=rang, missed_reason="abandoned")]


HIDDEN: dict[str, object] = {"client_kind": "hidden"}


@play(
    "16b_withheld",
    "Five callers, each taken by 101 and hanging up: user 'unknown'; no user at all; anonymous with the number in "
    "P-Asserted-Identity; a number with Privacy: id; user 'Restricted'.",
)
async def withheld(stage: Stage) -> Sequence[Told]:
    """What providers send where a caller hides."""
    asserted = {"P-Asserted-Identity": f"<sip:{CLIENT}@127.0.0.1>"}
    callers: tuple[tuple[str, str, dict[str, str], str | None], ...] = (
        ("unknown", "unknown", {}, None),
        ("", "Unavailable", {}, None),
        ("anonymous", "Anonymous", asserted, CLIENT),
        (CLIENT2, "Client", {"Privacy": "id"}, CLIENT2),
        ("Restricted", "Restricted", {}, None),
    )
    calls = []
    for user, name, headers, number in callers:
        client = await stage.outside.dial("4950001", caller=user, name=name, headers=headers)
        anna = await stage.answer(stage.desk, 0.4)
        await sleep(0.6)
        await client.hang_up()
        await anna.ended()
        more = HIDDEN if number is None else {}
        talks = {"101": [both(client, anna)]}
        rang = {"101": [ring(anna)]}
        calls.append(inbound(client, "4950001", hung_up_by="client", client=number, rang=rang, talks=talks, **more))
        await sleep(0.3)
    return calls


@play(
    "18_twins",
    "101's desk and browser ring: first the browser answers, in a second call the desk; the client hangs up.",
)
async def twins(stage: Stage) -> Sequence[Told]:
    """Two phones of one manager."""
    await stage.twin.register()
    calls = []
    for answering, other in ((stage.twin, stage.desk), (stage.desk, stage.twin)):
        client = await stage.call("4950001")
        loser = await other.next_call()
        winner = await stage.answer(answering)
        await sleep(1)
        await client.hang_up()
        await winner.ended()
        rang = {"101": [ring(winner), ring(loser)]}
        talks = {"101": [both(client, winner)]}
        calls.append(inbound(client, "4950001", hung_up_by="client", rang=rang, talks=talks))
        await sleep(0.3)
    await stage.twin.unregister()
    return calls


@play("all_busy", "A ring group in which both phones are busy (486).")
async def all_busy(stage: Stage) -> Sequence[Told]:
    """Everybody refuses as busy."""
    await stage.desk.script(refuse_with=486)
    await stage.boris.script(refuse_with=486)
    client = await stage.call("4950004")
    await client.ended()
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950004", hung_up_by="pbx", rang=rang, missed_reason="busy")]


@play("queue_nobody_free", "101 and 102 talk with each other; a client waits in their queue for 2 s and hangs up.")
async def queue_nobody_free(stage: Stage) -> Sequence[Told]:
    """A queue whose members all talk: nobody is rung."""
    one = await stage.desk.dial("102")
    other = await stage.answer(stage.boris, 0.3)
    client = await stage.call("4950026")
    await client.connected()
    await sleep(2)
    await client.hang_up()
    await sleep(0.3)
    await one.hang_up()
    await other.ended()
    span = [both(one, other)]
    inside = told(
        direction="internal",
        client=None,
        start=one.moments["calling"],
        end=one.moments["ended"],
        hung_up_by="manager",
        rang={"102": [ring(other)]},
        talks={"101": span, "102": span},
        answered_by=["102"],
    )
    return [inside, inbound(client, "4950026", hung_up_by="client", missed_reason="ivr")]


@play("queue_refused_then_answered", "A queue: 102 refuses (603), 101 rings on and answers; the client hangs up.")
async def queue_refused(stage: Stage) -> Sequence[Told]:
    """One member refuses, the other takes the call."""
    client = await stage.call("4950003")
    boris = await stage.boris.next_call()
    await sleep(0.3)
    await boris.refuse(603)
    await stage.boris.script(refuse_with=603)
    anna = await stage.answer(stage.desk, 1)
    await sleep(1)
    await client.hang_up()
    await anna.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950003", hung_up_by="client", rang=rang, talks={"101": [both(client, anna)]})]


@play("queue_rings_out", "A queue rings both for 3 s; nobody answers and the PBX lets the client go.")
async def queue_rings_out(stage: Stage) -> Sequence[Told]:
    """A queue's time runs out."""
    client = await stage.call("4950028")
    anna, boris = await stage.desk.next_call(), await stage.boris.next_call()
    await client.ended()
    await asyncio.gather(anna.ended(), boris.ended())
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950028", hung_up_by="pbx", rang=rang, missed_reason="no_answer")]


@play("forward_302_colleague", "101's phone answers 302 to 102; 102 answers; the client hangs up.")
async def forwarded(stage: Stage) -> Sequence[Told]:
    """A phone that sends its calls on to a colleague."""
    client = await stage.call("4950001")
    anna = await stage.desk.next_call()
    await sleep(0.4)
    await anna.refuse(302, to="102")
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await client.hang_up()
    await boris.ended()
    rang = {"101": [ring(anna)], "102": [ring(boris)]}
    return [inbound(client, "4950001", hung_up_by="client", rang=rang, talks={"102": [both(client, boris)]})]


@play("second_line", "A client calls by the second provider's line; 102 answers and hangs up.")
async def second_line(stage: Stage) -> Sequence[Told]:
    """A second trunk whose name differs in its last character."""
    client = await stage.outside2.dial("4950002", caller=CLIENT2, headers=SECOND_LINE)
    boris = await stage.answer(stage.boris)
    await sleep(1)
    await boris.hang_up()
    await client.ended()
    rang = {"102": [ring(boris)]}
    talks = {"102": [both(client, boris)]}
    return [inbound(client, "4950002", client=CLIENT2, hung_up_by="manager", rang=rang, talks=talks)]


@play(
    "two_calls_one_manager",
    "101 talks with one client, holds him, and takes a second one; both clients hang up.",
    stream=True,
)
async def two_calls(stage: Stage) -> Sequence[Told]:
    """Two parallel calls of one manager."""
    first = await stage.call("4950001")
    one = await stage.answer(stage.desk)
    await sleep(0.6)
    held = one_held = asyncio.get_running_loop().time()
    await one.hold()
    second = await stage.call("4950001", caller=CLIENT2)
    two = await stage.answer(stage.desk)
    await sleep(1)
    await second.hang_up()
    await two.ended()
    await one.unhold()
    held = asyncio.get_running_loop().time() - one_held
    await sleep(0.5)
    await first.hang_up()
    await one.ended()
    rang = {"101": [ring(one)]}
    a = inbound(first, "4950001", hung_up_by="client", rang=rang, talks={"101": [both(first, one)]}, hold=held)
    rang, talks = {"101": [ring(two)]}, {"101": [both(second, two)]}
    b = inbound(second, "4950001", client=CLIENT2, hung_up_by="client", rang=rang, talks=talks, hold=0.0)
    return [a, b]


@play("hold_twice", "101 holds the client twice, 0.7 s and 0.9 s; 101 hangs up.", stream=True)
async def hold_twice(stage: Stage) -> Sequence[Told]:
    """Hold by re-INVITE, twice."""
    client = await stage.call("4950001")
    anna = await stage.answer(stage.desk)
    clock = asyncio.get_running_loop().time
    held = 0.0
    for seconds in (0.7, 0.9):
        await sleep(0.5)
        since = clock()
        await anna.hold()
        await sleep(seconds)
        await anna.unhold()
        held += clock() - since
    await sleep(0.5)
    await anna.hang_up()
    await client.ended()
    rang, talks = {"101": [ring(anna)]}, {"101": [both(client, anna)]}
    return [inbound(client, "4950001", hung_up_by="manager", rang=rang, talks=talks, hold=held)]


@play("gone_did", "A client dials a number that we no longer have.")
async def gone(stage: Stage) -> Sequence[Told]:
    """A DID that leads nowhere."""
    client = await stage.call("4950099")
    await client.ended()
    return [inbound(client, "4950099", hung_up_by="pbx", missed_reason="ivr")]
