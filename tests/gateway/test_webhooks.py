"""Facts become webhooks: queued once and in order, sent at least once, retried, and never in each other's way.

Requirements 129, 132, 133, 139, 143; complaints C6 and C26. Real calls through the real pipeline, a real receiver.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from aiohttp import web

from gateway.aftercare.webhooks import Sending, settled
from gateway.domain.webhooks import (
    AT_ONCE,
    FAILING_AFTER,
    LEASE,
    OFF_AFTER,
    RETRIES,
    SETTLING,
    Fault,
    Message,
    Receipt,
    new_secret,
)
from gateway.store import delivery_log, webhooks
from gateway.store.deliveries import claim, hold_health, save_health, settle
from gateway.store.delivery_queue import queue_facts
from gateway.store.facts import Fact, NewFact, facts_after, save_facts
from tests.gateway.office import Office, open_office
from tests.gateway.site import rows_of
from tests.webhooks.receiver import Receiver, receiving
from webhooks.sender import open_sender

SECOND = timedelta(seconds=1)


class Desk:
    """An office whose webhooks are sent by hand."""

    def __init__(self, office: Office, sending: Sending, receiver: Receiver) -> None:
        self.office = office
        self.pool = office.pool
        self.sending = sending
        self.receiver = receiver

    async def subscribe(self, *kinds: str, url: str | None = None, secret: str | None = None) -> int:
        async with self.pool.acquire() as connection:
            return await webhooks.make_webhook(
                connection,
                url=url or self.receiver.url,
                kinds=kinds or ("*",),
                description="",
                api_version="1",
                secret=secret or new_secret(),
                active=True,
                made_by="test",
            )

    async def tell(self, *facts: NewFact) -> None:
        """Facts of other parts, one transaction each, and what follows them."""
        for fact in facts:
            async with self.pool.acquire() as connection, connection.transaction():
                await save_facts(connection, [fact])
        await self.office.settle()

    async def send(self, after: timedelta = SETTLING) -> int:
        """Let some time pass, and send what is due."""
        self.office.moment += after
        await self.office.settle()
        return await self.sending.drain()

    async def states(self) -> list[tuple[str, str, int]]:
        rows = await self.pool.fetch("select kind, state, attempts from webhook_delivery order by id")
        return [tuple(r) for r in rows]

    async def read(self, id: int) -> webhooks.Webhook:
        found = await webhooks.read_webhook(self.pool, id)
        assert found is not None
        return found


@pytest_asyncio.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with contextlib.AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(database, moment=datetime.now(UTC)))
        receiver = await stack.enter_async_context(receiving())
        sender = await stack.enter_async_context(open_sender(allowed=["127.0.0.1"], seconds=2))
        sending = Sending(office.pool, sender, office.site.live, lambda: office.moment)
        yield Desk(office, sending, receiver)


def note(number: int = 1, kind: str = "test.happened", contact: int | None = None) -> NewFact:
    return NewFact(kind=kind, body={"n": number}, contact_id=contact)


async def test_a_call_is_told_from_its_first_ring_to_its_end_signed_and_in_order(desk: Desk) -> None:
    desk.receiver.secret = new_secret()
    await desk.subscribe("call.*", secret=desk.receiver.secret)

    await desk.office.site.take_all(rows_of("in_answered"), step=1)
    await desk.office.settle()
    await desk.send()

    assert desk.receiver.kinds == ["call.ringing", "call.talking", "call.ended"]
    ended = desk.receiver.got[-1]
    assert (ended["data"]["result"], ended["data"]["client"]["number"]) == ("answered", "+79161234567")
    assert (ended["call_id"], ended["contact_id"]) == (ended["data"]["id"], ended["data"]["contact_id"])
    facts = await facts_after(desk.pool, None, 100)
    assert desk.receiver.ids == [f"evt_{f.position}" for f in facts if f.kind.startswith("call.")]
    assert ended["position"] == facts[[f.kind for f in facts].index("call.ended")].position


async def test_only_the_kinds_that_were_asked_for_are_told(desk: Desk) -> None:
    await desk.subscribe("call.ended", "contact.*")

    await desk.office.take("in_answered")
    await desk.tell(note(kind="contact.changed"), note(kind="contacts.changed"))
    await desk.send()

    assert sorted(desk.receiver.kinds) == ["call.ended", "contact.changed"]


async def test_an_ended_call_is_told_five_seconds_later(desk: Desk) -> None:
    await desk.subscribe("call.ended")
    await desk.office.take("in_answered")

    await desk.send(SETTLING - SECOND)
    assert desk.receiver.kinds == []

    await desk.send(SECOND)
    assert desk.receiver.kinds == ["call.ended"]


async def a_call_fact(desk: Desk) -> Fact:
    """The end of a call, as the pipeline wrote it."""
    facts = await facts_after(desk.pool, None, 100)
    return next(f for f in facts if f.kind == "call.ended")


async def test_a_correction_within_five_seconds_goes_out_in_place_of_the_first_version(desk: Desk) -> None:
    await desk.subscribe("call.ended", "call.changed")
    await desk.office.take("in_answered")
    ended = await a_call_fact(desk)

    correction = {**ended.body, "revision": 99, "result": "missed"}
    await desk.tell(NewFact(kind="call.changed", body=correction, call_id=ended.call_id))
    await desk.send()

    assert desk.receiver.kinds == ["call.ended"]
    assert desk.receiver.got[0]["data"]["revision"] == 99
    assert desk.receiver.ids == [f"evt_{ended.position}"]
    assert [s for s in await desk.states() if s[0] == "call.changed"] == [("call.changed", "folded", 0)]


async def test_a_correction_after_that_is_told_by_itself(desk: Desk) -> None:
    await desk.subscribe("call.ended", "call.changed")
    await desk.office.take("in_answered")
    ended = await a_call_fact(desk)
    await desk.send()

    await desk.tell(NewFact(kind="call.changed", body={**ended.body, "revision": 99}, call_id=ended.call_id))
    await desk.send()

    assert [(m["type"], m["data"]["revision"]) for m in desk.receiver.got] == [
        ("call.ended", ended.body["revision"]),
        ("call.changed", 99),
    ]


async def test_a_call_that_was_merged_into_another_before_it_was_told_is_not_told(desk: Desk) -> None:
    await desk.subscribe("call.ended", "call.merged")
    await desk.office.take("in_answered")
    ended = await a_call_fact(desk)

    await desk.tell(NewFact(kind="call.merged", body={"id": str(ended.call_id)}, call_id=ended.call_id))
    await desk.send()

    assert desk.receiver.kinds == ["call.merged"]


async def test_what_happens_to_a_call_after_its_end_is_told_after_its_end(desk: Desk) -> None:
    await desk.subscribe("call.ended", "recording.stored")
    await desk.office.take("in_answered")
    ended = await a_call_fact(desk)

    await desk.tell(NewFact(kind="recording.stored", body={"id": "x"}, call_id=ended.call_id))
    await desk.send(SECOND)
    await desk.send(SETTLING)

    assert desk.receiver.kinds == ["call.ended", "recording.stored"]


async def test_facts_are_queued_once_however_often_they_are_read(desk: Desk) -> None:
    await desk.subscribe("*")
    await desk.tell(note(1), note(2))
    facts = await facts_after(desk.pool, None, 100)

    async with desk.pool.acquire() as connection, connection.transaction():
        await queue_facts(connection, facts, desk.office.moment)
    await desk.send()

    assert [m["data"]["n"] for m in desk.receiver.got] == [1, 2]


async def test_a_failed_delivery_is_tried_at_the_times_of_the_table_with_the_same_id_and_then_given_up(
    desk: Desk,
) -> None:
    await desk.subscribe("*")
    desk.receiver.answers(500, text="not today")
    await desk.tell(note())

    assert await desk.send(timedelta(0)) == 1
    for pause in RETRIES:
        assert await desk.send(pause - SECOND) == 0
        assert await desk.send(SECOND + pause / 9) == 1
    assert await desk.send(timedelta(days=9)) == 0

    assert len(set(desk.receiver.ids)) == 1
    assert await desk.states() == [("test.happened", "failed", len(RETRIES) + 1)]
    (delivery,) = await delivery_log.list_deliveries(desk.pool, 1, states=(), kind=None, before=None, limit=9)
    attempts = await delivery_log.attempts_of(desk.pool, delivery.id, 100)
    assert [(a.number, a.status, a.answer) for a in attempts[-2:]] == [(2, 500, "not today"), (1, 500, "not today")]


async def test_a_receiver_that_answers_410_is_switched_off_and_that_is_a_fact(desk: Desk) -> None:
    id_ = await desk.subscribe("test.*")
    other = await desk.subscribe("webhook.*")
    desk.receiver.answers(410)

    await desk.tell(note(1))
    await desk.send(timedelta(0))
    desk.receiver.answer = None
    await desk.tell(note(2))
    await desk.send()

    gone = await desk.read(id_)
    assert (gone.state, gone.reason) == ("off", "gone")
    assert (await desk.read(other)).state == "active"
    assert [(m["type"], m["data"]) for m in desk.receiver.got[1:]] == [
        ("webhook.switched_off", {"id": id_, "reason": "gone"})
    ]


async def test_many_failures_in_a_row_are_told_and_a_success_ends_them(desk: Desk) -> None:
    id_ = await desk.subscribe("test.*")
    desk.receiver.answers(503)

    await desk.tell(*(note(n) for n in range(FAILING_AFTER)))
    await desk.send(timedelta(0))
    failing = await desk.read(id_)
    desk.receiver.answer = None
    await desk.send(timedelta(seconds=10))

    assert (failing.state, failing.reason, failing.failures) == ("failing", "failing", FAILING_AFTER)
    assert ((await desk.read(id_)).state, (await desk.read(id_)).failures) == ("active", 0)
    kinds = [f.kind for f in await facts_after(desk.pool, None, 100)]
    assert [k for k in kinds if k.startswith("webhook.")] == ["webhook.failing", "webhook.recovered"]


async def test_a_subscription_that_fails_for_days_is_switched_off(desk: Desk) -> None:
    id_ = await desk.subscribe("test.*")
    desk.receiver.answers(503)
    await desk.tell(*(note(n) for n in range(FAILING_AFTER)))
    await desk.send(timedelta(0))

    await desk.send(OFF_AFTER)

    off = await desk.read(id_)
    assert (off.state, off.reason) == ("off", "failing")


async def test_what_was_being_sent_when_the_gateway_was_killed_is_sent_again_under_the_same_id(desk: Desk) -> None:
    await desk.subscribe("*")
    await desk.tell(note())
    (cut_off,) = await claim(desk.pool, desk.office.moment)

    assert await desk.send(LEASE - SECOND) == 0
    assert await desk.send(SECOND) == 1

    assert desk.receiver.ids == [cut_off.message_id]
    (delivery,) = await delivery_log.list_deliveries(desk.pool, 1, states=(), kind=None, before=None, limit=9)
    attempts = await delivery_log.attempts_of(desk.pool, delivery.id, 100)
    assert [(a.number, a.status, a.fault) for a in attempts] == [(2, 204, None), (1, None, Fault.INTERRUPTED)]


async def test_who_lost_his_lease_cannot_settle_what_another_one_took_over(desk: Desk) -> None:
    await desk.subscribe("*")
    await desk.tell(note())
    paused = asyncio.Event()

    class Paused:
        async def send(self, message: Message) -> Receipt:
            await paused.wait()
            return Receipt(status=500, fault=None, ms=1, answer="")

    late = Sending(desk.pool, Paused(), desk.office.site.live, lambda: desk.office.moment)
    async with asyncio.TaskGroup() as group:
        sleeping = group.create_task(late.drain())
        await asyncio.sleep(0.2)
        await desk.send(LEASE)
        paused.set()
        await sleeping

    assert await desk.states() == [("test.happened", "delivered", 2)]


async def test_who_settles_who_queues_and_who_deletes_never_wait_for_each_other_in_a_ring(desk: Desk) -> None:
    """All take rows of deliveries before the subscription's row, which queueing only refers to."""
    id_ = await desk.subscribe("*")
    await desk.tell(note(1), note(2))
    claims = await claim(desk.pool, desk.office.moment)
    receipt = Receipt(status=204, fault=None, ms=1, answer="")
    fact = (await facts_after(desk.pool, None, 9))[0]
    later = replace(fact, position=f"{fact.position.partition('-')[0]}-999")
    async with desk.pool.acquire() as one, desk.pool.acquire() as other, desk.pool.acquire() as third:
        for connection in (one, other, third):
            await connection.execute("set lock_timeout = '3s'")
        async with asyncio.TaskGroup() as group:
            async with one.transaction(), other.transaction():
                await settle(one, [settled(c, receipt, desk.office.moment, desk.office.moment) for c in claims])
                assert await queue_facts(other, [later], desk.office.moment) == 1  # refers to the subscription
                before = await hold_health(one, id_)
                assert before is not None
                deleting = group.create_task(webhooks.delete_webhook(third, id_))
                await asyncio.sleep(0.2)
                await save_health(one, id_, before, replace(before, failures=1), desk.office.moment)
            assert await deleting

    assert [state for _, state, _ in await desk.states()] == ["delivered", "delivered", "waiting"]
    async with desk.pool.acquire() as connection:
        await delivery_log.forget_old(connection, desk.office.moment)
    assert [state for _, state, _ in await desk.states()] == ["delivered", "delivered", "failed"]


async def test_facts_of_one_card_arrive_in_their_order_though_many_are_sent_at_once(desk: Desk) -> None:
    await desk.subscribe("*")

    async def later(request: web.Request) -> web.Response:
        await asyncio.sleep(0.02 if len(desk.receiver.got) % 2 else 0)
        return web.Response()

    desk.receiver.answer = later
    await desk.tell(*(note(n, contact=n % 2) for n in range(12)))
    await desk.send(timedelta(0))

    for card in (0, 1):
        assert [m["data"]["n"] for m in desk.receiver.got if m["data"]["n"] % 2 == card] == list(range(card, 12, 2))


async def test_a_receiver_that_hangs_is_asked_a_few_times_at_once_and_holds_up_nobody_else(desk: Desk) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with receiving() as hanging:
        hanging.answer = hang
        await desk.subscribe("*", url=hanging.url)
        await desk.subscribe("*")
        sends = asyncio.create_task(desk.sending.run())
        try:
            await desk.tell(*(note(n) for n in range(30)))
            async with asyncio.timeout(1.9):  # before the hanging ones have even timed out
                while len(desk.receiver.got) < 30:
                    await asyncio.sleep(0.02)
            assert hanging.most_at_once == AT_ONCE
        finally:
            sends.cancel()
            await asyncio.wait({sends})


async def test_two_nodes_send_everything_once(desk: Desk) -> None:
    await desk.subscribe("*")
    async with open_sender(allowed=["127.0.0.1"]) as sender:
        other = Sending(desk.pool, sender, desk.office.site.live, lambda: desk.office.moment)
        await desk.tell(*(note(n) for n in range(60)))

        await asyncio.gather(desk.sending.drain(), other.drain(), desk.sending.drain())
        await desk.send(timedelta(0))

    assert sorted(m["data"]["n"] for m in desk.receiver.got) == list(range(60))


async def test_what_a_receiver_missed_while_it_was_off_is_sent_when_asked_for(desk: Desk) -> None:
    id_ = await desk.subscribe("test.*")
    began = datetime.now(UTC) - SECOND
    await desk.tell(note(1))
    await desk.send(timedelta(0))
    await desk.pool.execute("update webhook set state = 'off'")
    await desk.tell(note(2), note(3, kind="other.happened"))
    await desk.pool.execute("update webhook set state = 'active'")

    async with desk.pool.acquire() as connection, connection.transaction():
        queued = await delivery_log.send_all_again(
            connection, id_, since=began, delivered_too=False, now=desk.office.moment
        )
    await desk.send(timedelta(0))

    assert (queued, [m["data"]["n"] for m in desk.receiver.got]) == (1, [1, 2])


async def test_while_a_secret_is_replaced_messages_are_signed_with_both(desk: Desk) -> None:
    old, new = new_secret(), new_secret()
    id_ = await desk.subscribe("*", secret=old)
    until = desk.office.moment + timedelta(hours=1)
    async with desk.pool.acquire() as connection:
        await webhooks.replace_secret(connection, id_, secret=new, old_until=until)

    for secret in (old, new):
        desk.receiver.secret = secret
        await desk.tell(note())
        await desk.send(timedelta(0))
    desk.receiver.secret = ""
    await desk.tell(note())
    await desk.send(timedelta(hours=2))

    assert [h["webhook-signature"].count("v1,") for h in desk.receiver.headers] == [2, 2, 1]


async def test_a_message_that_cannot_be_made_fails_alone(desk: Desk) -> None:
    await desk.subscribe("*")
    await desk.tell(NewFact(kind="call.ended", body={"managers": "damaged", "state": "ended"}), note(2))

    await desk.send()

    assert [m["data"].get("n") for m in desk.receiver.got] == [2]
    assert ("call.ended", "waiting", 1) in await desk.states()
