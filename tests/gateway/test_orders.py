"""Click-to-calls whose end nobody told become what their legs say, or unknown; none is ever dialled again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.commands.following import CommandWatch
from gateway.domain.identity import call_id
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.ports import OrderState
from gateway.orders import OrderReview
from gateway.store.commands import settle_command, store_command
from gateway.store.database import Pool
from tests.faults.plant import configured, running_here, until
from tests.gateway.site import Site, open_site, rows_of
from tests.sip.ami_server import AmiServer, running

pytestmark = pytest.mark.asyncio
ORDER = "tl-1"
CLICKED = ("c2c_ami", b"crm-1795301661050"), ("c2c_ami_noanswer", b"crm-1795301666605")


@dataclass(slots=True, kw_only=True)
class Desk:
    """A site with one order of Anna's."""

    site: Site
    behind: bool = False

    @property
    def pool(self) -> Pool:
        return self.site.pool

    async def order(self, state: str, *, minutes: int = 3) -> None:
        """An order as it was left, so many minutes ago."""
        anna = self.site.users["anna"]
        async with self.pool.acquire() as connection:
            await store_command(connection, id=ORDER, pbx="pbx1", user_id=anna, extension="101", number="+79169998877")
        await settle_command(self.pool, ORDER, state, "connection_lost" if state == "unknown" else None)
        await self.pool.execute("update command set ordered_at = now() - make_interval(mins => $1)", minutes)

    async def look(self) -> tuple[str, str | None]:
        """Review once, as a gateway that was just started; state and reason of the order."""
        await OrderReview(self.pool, "pbx1", self.site.live, is_behind=lambda: self.behind).look()
        return await told(self.pool)


async def told(pool: Pool) -> tuple[str, str | None]:
    row = await pool.fetchrow("select state, reason from command")
    return row["state"], row["reason"]


def clicked(scenario: str, leg: bytes) -> list[bytes]:
    """The rows of a recorded order, under our order's id."""
    return [row.replace(leg, ORDER.encode()) for row in rows_of(scenario)]


@pytest_asyncio.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with open_site(database) as site:
        yield Desk(site=site)


async def test_an_order_whose_call_never_appeared_is_unknown(desk: Desk) -> None:
    await desk.order("accepted")

    assert await desk.look() == ("unknown", "not_seen")


async def test_an_order_is_given_its_time(desk: Desk) -> None:
    await desk.order("accepted", minutes=1)

    assert await desk.look() == ("accepted", None)


async def test_rows_that_wait_in_the_journal_are_read_first(desk: Desk) -> None:
    await desk.order("accepted")
    desk.behind = True

    assert await desk.look() == ("accepted", None)


@pytest.mark.parametrize("state", ["accepted", "unknown"])
async def test_an_order_that_was_answered_has_ended_with_its_call(desk: Desk, state: str) -> None:
    await desk.order(state)
    await desk.site.take_all(clicked(*CLICKED[0]))

    assert await desk.look() == ("ended", "answered")
    assert await desk.pool.fetchval("select call_id from command") == call_id("pbx1", ORDER)


@pytest.mark.parametrize("state", ["accepted", "unknown"])
@pytest.mark.parametrize(
    ("cause", "reason"),
    [(19, "no_answer"), (17, "busy"), (20, "no_phone"), (21, "refused"), (3, "no_phone"), (41, "failed")],
)
async def test_an_order_that_nobody_took_is_refused_for_the_journals_reason(
    desk: Desk, state: str, cause: int, reason: str
) -> None:
    await desk.order(state)
    told = f'hangupcause"":{cause}'.encode()
    await desk.site.take_all([row.replace(b'hangupcause"":19', told) for row in clicked(*CLICKED[1])])

    assert await desk.look() == ("refused", reason)


async def test_a_phone_that_still_rings_is_left_alone_until_its_end(desk: Desk) -> None:
    await desk.order("accepted")
    rows = clicked(*CLICKED[1])
    await desk.site.take_all(rows[:1])
    ringing = await desk.look()
    await desk.site.take_all(rows[1:])

    assert ringing == ("accepted", None)
    assert await desk.look() == ("refused", "no_answer")


async def test_an_order_that_was_given_up_becomes_what_a_late_journal_says(desk: Desk) -> None:
    await desk.order("accepted")
    early = await desk.look()
    await desk.site.take_all(clicked(*CLICKED[0]))

    assert early == ("unknown", "not_seen")
    assert await desk.look() == ("ended", "answered")


async def test_a_refusal_that_was_noted_and_not_settled_is_settled(desk: Desk) -> None:
    await desk.order("accepted")
    refusal = LegEvent(at=datetime.now(UTC), kind=LegEventKind.REFUSED, leg=ORDER, family=ORDER, reason="no_phone")
    await desk.site.pipeline.note(refusal)

    assert await desk.look() == ("refused", "failed")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("stored", ("refused", "not_sent")),
        ("sent", ("unknown", "interrupted")),
        ("refused", ("refused", None)),
        ("ended", ("ended", None)),
        ("cancelled", ("cancelled", None)),
    ],
)
async def test_what_was_never_sent_is_refused_and_what_has_ended_stays(
    desk: Desk, state: str, told: tuple[str, str | None]
) -> None:
    await desk.order(state)

    assert await desk.look() == told


@pytest.mark.parametrize("kind", ["hold", "transfer", "recording_pause", "barge"])
async def test_an_order_to_a_running_call_whose_answer_was_lost_is_unknown(desk: Desk, kind: str) -> None:
    await desk.order("sent")
    await desk.pool.execute("update command set kind = $1", kind)

    assert await desk.look() == ("unknown", "interrupted")


async def test_an_order_of_an_earlier_version_is_followed_to_its_end(desk: Desk) -> None:
    await desk.order("accepted")
    await desk.pool.execute("update command set call_id = null")
    await desk.site.take_all(clicked(*CLICKED[0]))
    watch = asyncio.ensure_future(CommandWatch(desk.pool, desk.site.live).run())

    async def ended() -> bool:
        return await told(desk.pool) == ("ended", "answered")

    await until(ended)
    watch.cancel()
    await asyncio.wait({watch})


async def test_an_order_cut_off_after_it_was_queued_is_unknown_after_the_reconnect_and_not_sent_again(
    database: str, tmp_path: Path
) -> None:
    async with running(AmiServer(originate_end=None)) as asterisk, open_site(database) as site:
        ami = f'ami = {{ port = {asterisk.port}, user = "gateway", secret = "right" }}'
        (tmp_path / "journal.csv").touch()
        async with running_here(configured(tmp_path, database=database, pbx=ami)) as gateway:
            engine = gateway.lines["pbx1"].asterisk
            assert engine is not None
            await until(lambda: engine.state.connected)
            await Desk(site=site).order("sent", minutes=0)
            outcome = await engine.originate(
                order_id=ORDER, endpoint="101", extension="101", number="79169998877", caller_id=""
            )
            await settle_command(site.pool, ORDER, outcome.state)
            asterisk.drop()
            await until(lambda: not engine.state.orders_waiting)
            cut_off = await told(site.pool)
            await site.pool.execute("update command set ordered_at = now() - interval '3 minutes'")

            async def settled() -> bool:
                return await told(site.pool) == ("unknown", "not_seen")

            await until(lambda: engine.state.connected)
            await until(settled)
            await asyncio.sleep(0.3)

        assert outcome.state is OrderState.ACCEPTED
        assert cut_off == ("accepted", None)
        assert len(asterisk.received("Originate")) == 1
        assert asterisk.connections == 2
