"""The engine's rules: what an order may hold, what its answers mean, how far hints are believed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.ports import OrderOutcome, Telephony
from sip.ami import AmiConfig, open_ami
from sip.ami_protocol import EVENT, Message
from sip.asterisk import Asterisk, DialTemplate
from sip.asterisk_orders import BadOrder, originate_fields
from sip.asterisk_watch import HangUpWatch, HoldHints
from tests.sip.ami_server import AmiServer, event, running

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORDER = {"order_id": "tl-1", "endpoint": "101", "extension": "101", "number": "79161234567", "caller_id": ""}


@dataclass(kw_only=True)
class Bench:
    """An engine on a server of ours."""

    server: AmiServer
    engine: Asterisk
    refused: list[tuple[str, str]] = field(default_factory=list)
    noted: list[LegEvent] = field(default_factory=list)
    legs: dict[str, LegEvent] = field(default_factory=dict)
    last_row_at: datetime | None = None

    async def order(self, **changes: str) -> OrderOutcome:
        telephony: Telephony = self.engine
        return await telephony.originate(**{**ORDER, **changes})

    async def until(self, there: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not there():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(server: AmiServer | None = None, *, knows_secret: bool = True) -> AsyncIterator[Bench]:
    """A running engine, connected if it knows the secret."""
    async with running(server or AmiServer()) as there:
        config = AmiConfig(
            port=there.port,
            username="gateway",
            secret="right" if knows_secret else "wrong",
            first_pause_seconds=0.01,
            longest_pause_seconds=0.05,
        )
        async with open_ami(config) as session:
            made: list[Bench] = []

            async def note(*events: LegEvent) -> None:
                made[0].noted.extend(events)

            async def on_refused(order_id: str, reason: str, at: datetime) -> None:
                made[0].refused.append((order_id, reason))

            engine = Asterisk(
                session,
                pbx="main",
                template=DialTemplate(ring_seconds=0.3, queue_seconds=0.3),
                note=note,
                open_legs=lambda: made[0].legs,
                on_refused=on_refused,
                last_row_at=lambda: made[0].last_row_at,
                patience=timedelta(seconds=0.2),
            )
            made.append(Bench(server=there, engine=engine))
            async with asyncio.TaskGroup() as group:
                task = group.create_task(engine.run())
                await made[0].until(lambda: engine.state.connected or engine.state.login_refused)
                yield made[0]
                task.cancel()


def told(outcome: OrderOutcome) -> str:
    return f"{outcome.state} {outcome.reason}".strip()


# Orders


async def test_an_order_is_accepted_as_soon_as_it_is_queued() -> None:
    async with bench(AmiServer(originate_end=None)) as site:
        assert told(await site.order()) == "accepted"
        assert site.engine.state.orders_waiting == 1
        (sent,) = site.server.received("Originate")

    assert (sent["Channel"], sent["Exten"], sent["Context"]) == ("PJSIP/101", "79161234567", "from-internal")
    assert (sent["ChannelId"], sent["Async"], sent["Priority"]) == ("tl-1", "true", "1")


@pytest.mark.parametrize(("code", "reason"), [("3", "no_answer"), ("5", "busy"), ("1", "no_answer"), ("0", "no_phone")])
async def test_a_phone_that_fails_is_told_later_and_noted(code: str, reason: str) -> None:
    end: dict[str, str | list[str]] = {"Response": "Failure", "Reason": code, "Timestamp": "1795312555.25"}
    async with bench(AmiServer(originate_end=end)) as site:
        assert told(await site.order()) == "accepted"
        await site.until(lambda: site.refused)

    assert site.refused == [("tl-1", reason)]
    (event,) = site.noted
    assert (event.kind, event.leg, event.at.timestamp()) == (LegEventKind.REFUSED, "tl-1", 1795312555.25)


async def test_an_answered_phone_is_not_told() -> None:
    async with bench() as site:
        await site.order()
        await site.until(lambda: not site.engine.state.orders_waiting)

        assert (site.refused, site.noted) == ([], [])


async def test_a_broken_connection_leaves_the_outcome_unknown_and_sends_nothing_again() -> None:
    async with bench(AmiServer(deaf={"Originate"})) as site:
        ordered = asyncio.create_task(site.order())
        await site.until(lambda: site.server.received("Originate"))
        site.server.drop()
        outcome = await ordered
        await site.until(lambda: site.server.connections > 1 and site.engine.state.connected)

        assert told(outcome) == "unknown connection_lost"
        assert len(site.server.received("Originate")) == 1


async def test_silence_leaves_the_outcome_unknown() -> None:
    async with bench(AmiServer(deaf={"Originate"})) as site:
        assert told(await site.order()) == "unknown no_reply"


async def test_a_missing_right_refuses_at_once() -> None:
    async with bench(AmiServer(write={"call", "reporting"})) as site:
        assert told(await site.order()) == "refused not_allowed"


async def test_without_a_connection_nothing_is_sent() -> None:
    async with bench(knows_secret=False) as site:
        assert told(await site.order()) == "refused not_connected"
        assert site.engine.state.login_refused
        assert site.server.received("Originate") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "7916\r\nAction: Command"),
        ("number", ""),
        ("number", "101@from-internal"),
        ("number", "7916&PJSIP/100"),
        ("endpoint", "101&PJSIP/102"),
        ("endpoint", "101/sip:x"),
        ("endpoint", "101\n"),
        ("extension", "101,1"),
        ("extension", "1 01"),
        ("order_id", "x" * 31),
        ("order_id", "tl;2"),
        ("caller_id", "Anna\r\nVariable: X=1 <100>"),
        ("caller_id", 'Anna" <100> <7>'),
        ("caller_id", "Anna"),
    ],
)
async def test_what_must_not_be_sent_is_refused_before_anything_is(field: str, value: str) -> None:
    async with bench() as site:
        with pytest.raises(BadOrder, match="allowed are"):
            await site.order(**{field: value})

        assert site.server.received("Originate") == []


@pytest.mark.parametrize(
    ("template", "channel"),
    [("PJSIP/{endpoint}", "PJSIP/101-desk"), ("Local/{ext}@from-internal", "Local/101@from-internal")],
)
def test_the_channel_is_the_sites_template(template: str, channel: str) -> None:
    fields = originate_fields(DialTemplate(channel=template), **{**ORDER, "endpoint": "101-desk"})

    assert fields["Channel"] == channel


@pytest.mark.parametrize("template", ["PJSIP/101", "PJSIP/{number}", "{0}"])
def test_a_template_names_the_manager_and_nothing_else(template: str) -> None:
    with pytest.raises(BadOrder):
        DialTemplate(channel=template)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Иван Петров <+79161234567>", '"Иван Петров" <+79161234567>'),
        ("+79161234567", '"" <+79161234567>'),
        ('"Quoted" <7>', '"Quoted" <7>'),
        ("back\\slash <7>", '"backslash" <7>'),
        ("x" * 60 + " <7>", f'"{"x" * 40}" <7>'),
    ],
)
def test_the_caller_id_is_name_and_number(given: str, sent: str) -> None:
    assert originate_fields(DialTemplate(), **{**ORDER, "caller_id": given})["CallerID"] == sent


# Hanging up


def row(channel: str, uniqueid: str) -> dict[str, str | list[str]]:
    return {"Channel": channel, "ChannelStateDesc": "Up", "Uniqueid": uniqueid, "Linkedid": uniqueid, "BridgeId": ""}


async def test_the_channel_that_has_the_id_now_is_hung_up() -> None:
    async with bench(AmiServer(channels=[row("PJSIP/101-1", "1.1"), row("PJSIP/trunk-2", "1.2")])) as site:
        assert told(await site.engine.hang_up("1.2")) == "accepted"
        assert told(await site.engine.hang_up("1.3")) == "refused leg_gone"
        assert [sent["Channel"] for sent in site.server.received("Hangup")] == ["PJSIP/trunk-2"]


async def test_of_two_that_claim_the_id_only_the_known_channel_is_hung_up() -> None:
    async with bench(AmiServer(channels=[row("PJSIP/trunk-9", "1.2"), row("PJSIP/trunk-2", "1.2")])) as site:
        assert told(await site.engine.hang_up("1.2")) == "refused not_possible"
        site.legs["1.2"] = leg("1.2", "PJSIP/trunk-2")
        assert told(await site.engine.hang_up("1.2")) == "accepted"
        assert [sent["Channel"] for sent in site.server.received("Hangup")] == ["PJSIP/trunk-2"]


# Hints


def leg(id: str, channel: str = "PJSIP/101-1", at: datetime = NOW - timedelta(minutes=5)) -> LegEvent:
    return LegEvent(at=at, kind=LegEventKind.STARTED, leg=id, family=id, channel=channel)


def hint(name: str, **fields: Any) -> Message:
    head = {"Uniqueid": "1.1", "Channel": "PJSIP/101-1", "Linkedid": "1.1", "Timestamp": str(NOW.timestamp())}
    lines = "".join(f"{key}: {value}\r\n" for key, value in (head | fields).items())
    return Message(EVENT, name, f"Event: {name}\r\n{lines}".encode(), 0)


def heard(*events: Message, now: datetime = NOW, offset: timedelta = timedelta()) -> HoldHints:
    hints = HoldHints()
    for one in events:
        hints.hear(one, now, offset)
    return hints


def test_a_hold_of_an_open_leg_is_believed() -> None:
    hints = heard(hint("Hold"), hint("Unhold"))

    found = hints.believed({"1.1": leg("1.1")}, NOW)

    assert [(e.kind, e.leg, e.at) for e in found] == [
        (LegEventKind.HELD, "1.1", NOW),
        (LegEventKind.RESUMED, "1.1", NOW),
    ]
    assert (hints.ignored, hints.waiting) == (0, False)


@pytest.mark.parametrize(
    "forged",
    [
        hint("Hold", Channel="PJSIP/101-2"),
        hint("Hold", Timestamp="1"),
        hint("Hold", Timestamp="99999999999"),
        hint("Hold", Timestamp="soon"),
        hint("Hold", Uniqueid=""),
        Message(EVENT, "Hold", hint("Hold").raw + b"Uniqueid: 1.1\r\n", 0),
        hint("Hold", Timestamp=str((NOW - timedelta(seconds=30)).timestamp())),
    ],
)
def test_a_hold_that_does_not_fit_the_journal_is_ignored(forged: Message) -> None:
    hints = heard(forged)

    assert hints.believed({"1.1": leg("1.1", at=NOW - timedelta(seconds=20))}, NOW) == []
    assert hints.ignored == 1


def test_a_hold_waits_for_the_journal_but_not_for_ever() -> None:
    hints = heard(hint("Hold"))

    assert hints.believed({}, NOW + timedelta(seconds=3)) == []
    assert len(hints.believed({"1.1": leg("1.1")}, NOW + timedelta(seconds=4))) == 1
    hints.hear(hint("Hold"), NOW, timedelta())
    assert hints.believed({}, NOW + timedelta(seconds=11)) == []
    assert (hints.waiting, hints.ignored) == (False, 1)


def test_a_pbx_whose_clock_is_off_is_still_believed() -> None:
    ahead = timedelta(minutes=7)
    event = hint("Hold", Timestamp=str((NOW + ahead).timestamp()))

    assert len(heard(event, offset=ahead).believed({"1.1": leg("1.1")}, NOW)) == 1
    assert heard(event).believed({"1.1": leg("1.1")}, NOW) == []


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_hang_up_that_the_journal_tells_in_time_is_no_alarm() -> None:
    watch = HangUpWatch()
    watch.hear(hint("Hangup"), NOW)

    assert not watch.is_due(after(9))
    assert watch.doubtful({}, after(11), last_row_at=after(0.01)) == set()


def test_a_hang_up_without_a_row_is_an_alarm_once_asterisk_confirms_it() -> None:
    watch, legs = HangUpWatch(), {"1.1": leg("1.1")}
    watch.hear(hint("Hangup"), NOW)

    assert watch.doubtful(legs, after(11), last_row_at=after(-1)) == {"1.1"}
    assert watch.silent_since is None
    assert watch.confirm({"1.1"}, after(11))
    assert watch.silent_since == after(11)
    assert not watch.settle(legs, after(-1))
    assert watch.settle({}, after(60))
    assert watch.silent_since is None


def test_a_hang_up_of_a_call_never_seen_is_an_alarm_where_no_row_came_at_all() -> None:
    watch = HangUpWatch()
    watch.hear(hint("Hangup"), NOW)
    watch.hear(hint("Hangup", Uniqueid="1.2"), NOW)

    assert watch.doubtful({}, after(11), last_row_at=after(-100)) == {"1.1", "1.2"}
    watch.hear(hint("Hangup"), NOW)
    assert watch.doubtful({}, after(11), last_row_at=None) == {"1.1"}


async def test_the_engine_asks_asterisk_before_it_raises_the_alarm() -> None:
    async with bench(AmiServer(channels=[row("PJSIP/101-1", "1.1")])) as site:
        site.legs |= {"1.1": leg("1.1"), "1.2": leg("1.2", "PJSIP/trunk-2")}
        await site.server.send(event("Hangup", Uniqueid="1.1"))
        await site.until(lambda: len(site.server.received("CoreShowChannels")) > 1)
        await asyncio.sleep(0.1)
        live = site.engine.state.journal_silent_since
        await site.server.send(event("Hangup", Uniqueid="1.2"))
        await site.until(lambda: site.engine.state.journal_silent_since)
        site.legs.clear()
        site.last_row_at = datetime.now(UTC)
        await site.until(lambda: site.engine.state.journal_silent_since is None)

    assert live is None


async def test_a_hold_reaches_the_journal_as_a_row_of_ours() -> None:
    async with bench() as site:
        site.legs["1.1"] = leg("1.1", at=datetime(2020, 1, 1, tzinfo=UTC))
        servers_clock = 1795301603  # what it answers to a ping; the engine allows for the difference
        for moment in (servers_clock, servers_clock - 3600):
            fields = {"Uniqueid": "1.1", "Channel": "PJSIP/101-1", "Linkedid": "1.1", "Timestamp": f"{moment}.5"}
            await site.server.send(event("Hold", **fields))
        await site.until(lambda: site.noted and site.engine.state.hints_ignored)

    assert [(e.kind, e.leg, e.at.timestamp()) for e in site.noted] == [(LegEventKind.HELD, "1.1", 1795301603.5)]


def test_a_forged_hang_up_of_a_live_leg_is_no_alarm() -> None:
    watch = HangUpWatch()
    watch.hear(hint("Hangup"), NOW)
    doubtful = watch.doubtful({"1.1": leg("1.1")}, after(11), last_row_at=after(-1))

    assert not watch.confirm(doubtful - {"1.1"}, after(11))
    assert watch.silent_since is None


def test_a_flood_of_hints_is_bounded() -> None:
    watch = HangUpWatch()
    for number in range(5000):
        watch.hear(hint("Hangup", Uniqueid=f"1.{number}"), NOW)

    assert len(watch.doubtful({}, after(11), last_row_at=None)) == 1000
