"""Since when a client is held: told live, kept, and over when he is taken back or the call ends."""

from datetime import UTC, datetime, timedelta

import pytest_asyncio

from gateway.domain.call_view import moment
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.store.reading import read_call
from tests.gateway.site import Site, open_site, rows_of


@pytest_asyncio.fixture
async def site(database: str):
    async with open_site(database) as site:
        yield site


async def talking(site: Site) -> tuple[str, str, datetime]:
    """A call in which Anna talks: its id, her leg, when it was answered."""
    await site.take_all(rows_of("in_answered")[:8])
    row = await site.pool.fetchrow(
        "select c.id, l.id as leg, c.answered_at from call c join leg l on l.call_id = c.id and l.role = 'manager'"
        " where c.state = 'talking'"
    )
    return row["id"], row["leg"], row["answered_at"]


def noted(kind: LegEventKind, leg: str, at: datetime) -> LegEvent:
    return LegEvent(at=at, kind=kind, leg=leg, family=leg)


async def test_a_held_client_is_told_with_the_moment_and_taken_back(site: Site) -> None:
    call, leg, answered = await talking(site)
    at = answered.astimezone(UTC) + timedelta(seconds=1)
    with site.live.listening() as listener:
        await site.pipeline.note(noted(LegEventKind.HELD, leg, at))
        told = listener.queue.get_nowait()

    assert (told.kind, told.body["held_since"]) == ("call.changed", moment(at))
    assert (await read_call(site.pool, call)).view["held_since"] == moment(at)  # type: ignore[union-attr]
    await site.pipeline.note(noted(LegEventKind.RESUMED, leg, at + timedelta(seconds=1)))
    again = at + timedelta(seconds=2)
    with site.live.listening() as listener:
        await site.pipeline.note(noted(LegEventKind.HELD, leg, again))
        told = listener.queue.get_nowait()
    assert told.body["held_since"] == moment(again), "the second time, too"


async def test_a_call_that_ended_while_held_is_held_no_more(site: Site) -> None:
    call, leg, answered = await talking(site)
    await site.pipeline.note(noted(LegEventKind.HELD, leg, answered.astimezone(UTC) + timedelta(milliseconds=1)))

    await site.take_all(rows_of("in_answered")[8:])

    view = (await read_call(site.pool, call)).view  # type: ignore[union-attr]
    assert (view["state"], view["held_since"]) == ("ended", None)


async def test_a_call_that_is_not_held_says_so(site: Site) -> None:
    call, _, _ = await talking(site)

    assert (await read_call(site.pool, call)).view["held_since"] is None  # type: ignore[union-attr]
