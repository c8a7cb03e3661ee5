"""What is done beside a call: its recording paused, supervisors, places in queues. Sound is heard, not told."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.call import CallKind
from gateway.domain.ports import SpyMode
from lab.phone_calls import PhoneCall
from lab.phones import Phone
from tests.contract.sites import CLIENT, ContractSite, new_id
from tests.contract.sound import heard, length, note_of, silent_seconds

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


async def talk(site: ContractSite, notes: Path) -> tuple[PhoneCall, PhoneCall]:
    """A recorded talk of the client and Anna, both singing."""
    await site.anna.script(answer_after=0.1, play=note_of("101", notes))
    calling = await site.client.dial("4950005", caller=CLIENT, play=note_of("client", notes))
    await calling.connected()
    taken = await site.anna.next_call()
    await taken.connected()
    await site.talk()
    return calling, taken


async def closed(site: ContractSite, leg: str) -> tuple[Path, Path]:
    """The recording of a client's leg, once it is whole."""
    said, heard_by_him = site.behind.recording(leg)
    await site.until(lambda: said.with_name(f"{leg}.done").exists())
    return said, heard_by_him


async def all_record(folder: Path, *calls: PhoneCall) -> list[Path]:
    """What each phone hears from now on."""
    paths = [folder / f"heard-by-{call.user}.wav" for call in calls]
    await asyncio.gather(*(call.record(path) for call, path in zip(calls, paths, strict=True)))
    return paths


async def beside(site: ContractSite, phone: Phone, mode: SpyMode, notes: Path) -> tuple[str, PhoneCall]:
    """A supervisor beside Anna's leg, singing too."""
    await phone.script(answer_after=0.1, play=note_of(phone.user, notes))
    order = new_id()
    leg = site.behind.leg_of("101")
    outcome = await site.engine.spy(order_id=order, endpoint=phone.user, extension=phone.user, leg=leg, mode=mode)
    assert outcome.accepted, outcome
    call = await phone.next_call()
    await call.connected()
    return order, call


@pytest.mark.parametrize(
    ("mode", "manager_hears", "client_hears"),
    [
        (SpyMode.LISTEN, {"client"}, {"101"}),
        (SpyMode.WHISPER, {"client", "100"}, {"101"}),
        (SpyMode.BARGE, {"client", "100"}, {"101", "100"}),
    ],
)
async def test_a_supervisor_is_heard_by_whom_his_mode_says(
    site: ContractSite, tmp_path: Path, mode: SpyMode, manager_hears: set[str], client_hears: set[str]
) -> None:
    calling, taken = await talk(site, tmp_path)
    leg = site.pair()["client"]
    order, spying = await beside(site, site.chief, mode, tmp_path)
    at_client, at_anna, at_chief = await all_record(tmp_path, calling, taken, spying)
    await asyncio.sleep(2.0)
    await calling.hang_up()
    await spying.ended()
    call = await site.over()
    recorded = await closed(site, leg)
    await site.until(lambda: all(length(path) for path in (at_client, at_anna, at_chief)))

    assert heard(at_client, since=0.4, until=-0.2) == client_hears
    assert heard(at_anna, since=0.4, until=-0.2) == manager_hears
    assert heard(at_chief, since=0.4, until=-0.2) == {"client", "101"}
    assert [heard(side, since=1.0, until=-0.2) for side in recorded] == [{"client"}, {"101"}]  # never the supervisor
    assert (call.answered_by, call.transfers, [part.extension for part in call.managers]) == (("101",), (), ["101"])
    beside_it = [other for other in site.behind.calls() if other.kind is CallKind.SERVICE]
    assert [other.key for other in beside_it] == [order]


async def test_two_supervisors_barge_into_one_call_at_once(site: ContractSite, tmp_path: Path) -> None:
    calling, taken = await talk(site, tmp_path)
    (_, one), (_, other) = await asyncio.gather(
        beside(site, site.chief, SpyMode.BARGE, tmp_path), beside(site, site.boris, SpyMode.BARGE, tmp_path)
    )
    at_client, at_anna = await all_record(tmp_path, calling, taken)
    await asyncio.sleep(1.5)
    await one.hang_up()
    await asyncio.sleep(1.0)
    assert (calling.state, other.state) == ("connected", "connected")
    await calling.hang_up()
    await other.ended()
    call = await site.over()
    await site.until(lambda: length(at_client) and length(at_anna))

    assert heard(at_client, since=0.4, until=1.3) == {"101", "100", "102"}
    assert heard(at_anna, since=0.4, until=1.3) == {"client", "100", "102"}
    assert heard(at_client, since=1.8, until=-0.2) == {"101", "102"}
    assert (call.answered_by, [part.extension for part in call.managers]) == (("101",), ["101"])
    assert len(site.behind.calls()) == 3


async def test_a_supervisor_leaves_by_an_order_and_the_talk_goes_on(site: ContractSite, tmp_path: Path) -> None:
    calling, taken = await talk(site, tmp_path)
    order, spying = await beside(site, site.chief, SpyMode.LISTEN, tmp_path)
    outcome = await site.engine.hang_up(order)
    await spying.ended()

    assert outcome.accepted
    assert (calling.state, taken.state) == ("connected", "connected")


async def test_a_supervisor_who_does_not_answer_is_told_and_makes_no_call_of_his(
    site: ContractSite, tmp_path: Path
) -> None:
    calling, _ = await talk(site, tmp_path)
    await site.chief.script(refuse_with=486)
    order, leg = new_id(), site.behind.leg_of("101")
    await site.engine.spy(order_id=order, endpoint="100", extension="100", leg=leg, mode=SpyMode.LISTEN)
    await site.until(lambda: site.refused)
    await calling.hang_up()
    await site.over()

    assert site.refused == [(order, "busy")]
    assert sorted(call.kind for call in site.behind.calls()) == ["client", "service"]


async def test_nobody_listens_to_a_manager_who_talks_with_nobody(site: ContractSite) -> None:
    ringing = await site.client.dial("4950005", caller=CLIENT)
    await site.anna.next_call()
    await site.stand("101")
    outcome = await site.engine.spy(
        order_id=new_id(), endpoint="100", extension="100", leg=site.behind.leg_of("101"), mode=SpyMode.LISTEN
    )
    await ringing.hang_up()

    assert outcome.reason == "not_possible"


async def test_the_recording_goes_on_through_hold_and_transfer(site: ContractSite, tmp_path: Path) -> None:
    calling, _ = await talk(site, tmp_path)
    legs = site.pair()
    await asyncio.sleep(1.0)
    await site.engine.hold(order_id=new_id(), **legs)
    await asyncio.sleep(1.0)
    await site.engine.resume(order_id=new_id(), **legs)
    await asyncio.sleep(1.0)
    await site.boris.script(answer_after=0.1, play=note_of("102", tmp_path))
    await site.engine.transfer(order_id=new_id(), **legs, target="102")
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(1.5)
    await calling.hang_up()
    await site.over()
    said, heard_by_client = await closed(site, legs["client"])

    assert length(said) == length(heard_by_client) == pytest.approx(4.5, abs=0.6)
    assert heard(said) == {"client"}
    assert heard(heard_by_client, until=0.9) == {"101"}
    assert heard(heard_by_client, since=1.1, until=1.9) == set()  # the music
    assert heard(heard_by_client, since=2.2, until=2.9) == {"101"}


async def test_a_pause_is_silence_and_the_time_line_stays(site: ContractSite, tmp_path: Path) -> None:
    calling, _ = await talk(site, tmp_path)
    leg = site.pair()["client"]
    await asyncio.sleep(1.0)
    paused = await site.engine.pause_recording(order_id=new_id(), leg=leg, paused=True)
    await asyncio.sleep(1.0)
    resumed = await site.engine.pause_recording(order_id=new_id(), leg=leg, paused=False)
    await asyncio.sleep(1.0)
    await calling.hang_up()
    call = await site.over()
    said, heard_by_client = await closed(site, leg)

    assert (paused.accepted, resumed.accepted) == (True, True)
    assert length(said) == length(heard_by_client) == pytest.approx(call.talk.total_seconds(), abs=0.2)
    for side in (said, heard_by_client):
        assert silent_seconds(side) == pytest.approx(1.0, abs=0.3)
    assert (heard(said, until=0.9), heard(said, since=1.4, until=1.8)) == ({"client"}, set())
    assert heard(said, since=2.4) == {"client"}


async def test_a_pause_outlives_hold_and_transfer(site: ContractSite, tmp_path: Path) -> None:
    calling, _ = await talk(site, tmp_path)
    legs = site.pair()
    await site.boris.script(answer_after=0.1, play=note_of("102", tmp_path))
    await site.engine.pause_recording(order_id=new_id(), leg=legs["client"], paused=True)
    await asyncio.sleep(0.5)
    await site.engine.hold(order_id=new_id(), **legs)
    await asyncio.sleep(0.5)
    await site.engine.resume(order_id=new_id(), **legs)
    await asyncio.sleep(0.5)
    await site.engine.transfer(order_id=new_id(), **legs, target="102")
    await (await site.boris.next_call()).connected()
    await asyncio.sleep(1.0)
    resumed = await site.engine.pause_recording(order_id=new_id(), leg=legs["client"], paused=False)
    await asyncio.sleep(1.5)
    await calling.hang_up()
    call = await site.over()
    said, heard_by_client = await closed(site, legs["client"])

    assert resumed.accepted
    assert heard(said, since=0.4, until=2.2) == set()
    assert heard(heard_by_client, since=0.4, until=2.2) == set()
    assert heard(said, since=length(said) - 1.0) == {"client"}
    assert silent_seconds(said) == pytest.approx(2.5, abs=0.6)
    assert [(t.by, t.to, t.outcome) for t in call.transfers] == [("101", "102", "taken")]


async def test_a_call_that_is_not_recorded_cannot_be_paused(site: ContractSite) -> None:
    await site.anna.script(answer_after=0.1)
    calling = await site.client.dial("4950001", caller=CLIENT)
    await calling.connected()
    await site.talk()
    outcome = await site.engine.pause_recording(order_id=new_id(), leg=site.pair()["client"], paused=True)

    assert (outcome.reason, outcome.detail) == ("not_possible", "this call is not recorded")


async def test_a_manager_is_paused_in_his_queues_and_nobody_else(site: ContractSite) -> None:
    async def ordered(paused: bool, endpoint: str = "101") -> str:
        outcome = await site.engine.pause_in_queues(
            endpoint=endpoint, extension=endpoint, paused=paused, reason="lunch break"
        )
        return f"{outcome.state}"

    assert await ordered(True) == "accepted"
    if site.behind.queue_pauses() is None:  # whom it rings is the gateway's own routing, which knows who is on a break
        assert await ordered(False) == "accepted"
        return
    assert site.behind.queue_pauses() == {"101": "lunch break"}
    assert await ordered(False) == "accepted"
    assert site.behind.queue_pauses() == {}
    assert await ordered(True, "100") == "accepted"  # he is in none
    assert site.behind.queue_pauses() == {}
