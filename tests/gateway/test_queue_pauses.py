"""The PBX's own queues, paused in step with the states of managers.

`Switch` is an engine's `QueueMembers` that we can break; tests/sip has the same orders at a real Asterisk.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.domain.errors import TryAgain
from gateway.domain.manager_states import Chosen, State
from gateway.domain.ports import OrderOutcome, OrderState
from gateway.live import Happening
from gateway.queue_pauses import QueuePauses
from tests.gateway.office import Office, open_office
from tests.gateway.test_manager_states import CALL, SECOND, chosen, office_with_states, state


class LineBroken(TryAgain):
    """The connection broke while it was told."""


@dataclass
class Switch:
    """A PBX with queues, as it was told to behave."""

    connected: bool = True
    answer: OrderState = OrderState.ACCEPTED
    breaks: bool = False
    orders: list[tuple[str, bool, str]] = field(default_factory=list)
    paused: dict[str, str] = field(default_factory=dict)

    async def pause_in_queues(self, *, endpoint: str, extension: str, paused: bool, reason: str) -> OrderOutcome:
        """Write the order down and answer it."""
        if self.breaks:
            raise LineBroken
        self.orders.append((endpoint, paused, reason))
        if self.answer is OrderState.ACCEPTED:
            self.paused.pop(endpoint, None)
            self.paused |= {endpoint: reason} if paused else {}
        reason = "" if self.answer is OrderState.ACCEPTED else "not_allowed"
        return OrderOutcome(state=self.answer, reason=reason, at=datetime.now(UTC))


def queues(office: Office, switch: Switch) -> QueuePauses:
    """The part that keeps this PBX's queues in step."""
    return QueuePauses(
        office.pool,
        office.site.live,
        "pbx1",
        switch,
        is_connected=lambda: switch.connected,
        clock=lambda: office.moment,
    )


async def test_a_break_pauses_every_phone_of_his_and_being_available_resumes_them(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        part = queues(office, switch)
        await part.look()
        assert switch.paused == {}
        assert {endpoint for endpoint, paused, _ in switch.orders} == {"101", "101-WS", "anna-desk", "102"}

        await chosen(office, "anna", Chosen.BREAK, reason="lunch")
        await part.look()
        assert switch.paused == dict.fromkeys(("101", "101-WS", "anna-desk"), "break lunch")

        office.moment += timedelta(minutes=30)
        await chosen(office, "anna", Chosen.AVAILABLE)
        await part.look()
        assert switch.paused == {}


async def test_after_a_talk_he_is_paused_until_the_after_call_time_is_over(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        part = queues(office, switch)
        rows = CALL.rows()
        office.moment = CALL.ended - SECOND
        await office.take_rows(rows[:-6])
        await part.look()
        assert switch.paused == {}

        office.moment = CALL.ended
        await office.take_rows(rows)
        await part.look()
        assert switch.paused["101"] == "after_call"

        await office.at(CALL.ended + 16 * SECOND)
        await part.look()
        assert switch.paused == {}


async def test_the_queues_of_who_never_used_a_state_are_left_alone(database: str) -> None:
    async with open_office(database, moment=CALL.ended) as office:
        switch = Switch()
        part = queues(office, switch)
        await office.take_rows(CALL.rows())
        assert await state(office, "anna") is State.AFTER_CALL
        await part.look()

        assert switch.orders == []


async def test_a_pause_that_nothing_wants_any_more_is_taken_back(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        await chosen(office, "boris", Chosen.BREAK)
        await queues(office, switch).look()
        assert switch.paused == {"102": "break"}

        await office.pool.execute("delete from state_choice")
        await office.pool.execute("update manager_state set until = now() where until is null")
        await queues(office, switch).look()

        assert switch.paused == {}


async def test_a_call_taken_on_a_break_leaves_him_paused(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        part = queues(office, switch)
        await chosen(office, "anna", Chosen.BREAK)
        await part.look()
        told = len(switch.orders)

        office.moment = CALL.ended - SECOND
        await office.take_rows(CALL.rows()[:-6])
        await part.look()
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        await part.look()

        assert len(switch.orders) == told
        assert switch.paused["101"] == "break"


async def test_after_a_connect_everybody_is_told_anew(database: str) -> None:
    """The PBX may have been started anew meanwhile, and knows nothing."""
    async with office_with_states(database) as office:
        switch = Switch()
        part = queues(office, switch)
        await chosen(office, "anna", Chosen.OFF)
        await part.look()
        switch.connected = False
        await chosen(office, "boris", Chosen.BREAK)
        await part.look()
        assert "102" not in switch.paused
        switch.paused.clear()

        switch.connected = True
        part.look_now()
        await part.look()

        assert switch.paused["101"] == "off"
        assert switch.paused["102"] == "break"


async def test_a_pbx_that_refuses_disturbs_nothing_and_its_answer_is_kept(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch(answer=OrderState.REFUSED)
        part = queues(office, switch)
        await chosen(office, "anna", Chosen.BREAK)
        await part.look()
        asked = len(switch.orders)
        await part.look()
        assert len(switch.orders) == asked  # not again at once

        kept = await office.pool.fetchrow("select paused, outcome, fault from queue_pause where endpoint = '101'")
        assert tuple(kept) == (True, "refused", "not_allowed")
        switch.answer = OrderState.ACCEPTED
        office.moment += timedelta(minutes=1)
        await chosen(office, "anna", Chosen.AVAILABLE)
        await part.look()
        assert ("101", False, "") in switch.orders


async def test_a_connection_that_breaks_while_it_is_told_is_told_later(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch(breaks=True)
        part = queues(office, switch)
        await chosen(office, "anna", Chosen.BREAK)
        await part.look()
        assert await office.pool.fetchval("select fault from queue_pause where endpoint = '101'") == "LineBroken"

        switch.breaks = False
        part.look_now()
        await part.look()
        assert switch.paused["101"] == "break"


async def test_where_the_rule_says_so_only_our_own_pause_is_taken_back(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        part = queues(office, switch)
        await chosen(office, "anna", Chosen.BREAK)
        await part.look()
        await office.pool.execute("update manager_state_rule set pause_queues = false")
        switch.orders.clear()
        await part.look()
        assert sorted(switch.orders) == [("101", False, ""), ("101-WS", False, ""), ("anna-desk", False, "")]
        switch.orders.clear()
        await chosen(office, "boris", Chosen.BREAK)
        await part.look()
        assert switch.orders == []


@asynccontextmanager
async def running(part: QueuePauses) -> AsyncIterator[None]:
    """The part at work."""
    task = asyncio.create_task(part.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_change_is_told_as_soon_as_it_is_heard(database: str) -> None:
    async with office_with_states(database) as office:
        switch = Switch()
        async with running(queues(office, switch)), asyncio.timeout(3):
            while len(switch.orders) < 4:
                await asyncio.sleep(0.01)
            await chosen(office, "boris", Chosen.BREAK)
            office.site.live.publish(await last_told(office))
            while switch.paused.get("102") != "break":
                await asyncio.sleep(0.01)


async def last_told(office: Office) -> Happening:
    """The last fact, as the live bus tells it."""
    row = await office.pool.fetchrow("select kind, body from fact order by id desc limit 1")
    return Happening(kind=row["kind"], body=row["body"])
