"""Legs whose end no journal will tell: when they are closed, and when not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from gateway.domain.legs import LegEvent, LegEventKind
from gateway.reconcile import Look, OpenLeg, Reconciler, plan, plan_without_ami
from tests.gateway.site import Site, open_site, rows_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a PBX says."""

    at: datetime = NOW
    legs: frozenset[str] | None = frozenset()
    started_at: datetime | None = NOW - timedelta(days=3)
    clock_offset: timedelta | None = timedelta()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def leg(id: str = "1.1", *, began: float = -300, last: float = -60) -> OpenLeg:
    first = LegEvent(at=at(began), kind=LegEventKind.STARTED, leg=id, family="1.1", channel="PJSIP/trunk-1")
    return OpenLeg(first=first, last_row_at=at(last))


def reasons(look: Look, *legs: OpenLeg, missed: dict[str, datetime] | None = None) -> list[tuple[str, str]]:
    return [(event.leg, event.reason) for event in plan(legs, look, missed or {}).lost]


def test_a_leg_the_pbx_lists_stays_open() -> None:
    assert reasons(Told(legs=frozenset({"1.1"})), leg(), missed={"1.1": at(-60)}) == []


def test_a_leg_missed_once_is_looked_for_again() -> None:
    made = plan([leg()], Told(), {})

    assert (made.lost, dict(made.missed)) == ((), {"1.1": NOW})


def test_a_leg_missed_twice_ends_at_its_familys_last_row() -> None:
    (event,) = plan([leg(last=-60.5)], Told(), {"1.1": at(-11)}).lost

    assert (event.kind, event.at, event.reason) == (LegEventKind.LOST, at(-60.5), "end_not_seen")
    assert (event.leg, event.family, event.channel) == ("1.1", "1.1", "PJSIP/trunk-1")


def test_two_looks_in_a_row_are_not_enough() -> None:
    assert reasons(Told(), leg(), missed={"1.1": at(-2)}) == []


def test_a_leg_older_than_asterisk_is_closed_at_once() -> None:
    assert reasons(Told(started_at=at(-30)), leg(), leg("1.2", began=-20, last=-15)) == [("1.1", "pbx_restarted")]


def test_a_family_that_was_written_to_just_now_is_left_alone() -> None:
    made = plan([leg(last=-5)], Told(started_at=at(-3)), {"1.1": at(-60)})

    assert made.lost == ()
    assert "1.1" in made.missed


def test_the_pbxs_clock_decides_how_old_a_row_is() -> None:
    behind = Told(clock_offset=timedelta(seconds=-55))

    assert reasons(behind, leg(last=-60), missed={"1.1": at(-60)}) == []


def test_an_answer_that_is_not_whole_closes_nothing() -> None:
    made = plan([leg()], Told(legs=None, started_at=at(-1)), {"1.1": at(-60)})

    assert (made.lost, dict(made.missed)) == ((), {"1.1": at(-60)})


def test_a_row_of_whole_seconds_stays_before_the_end() -> None:
    (event,) = plan([leg(last=-60)], Told(), {"1.1": at(-11)}).lost

    assert event.at - at(-60) == timedelta(microseconds=1)


def test_without_ami_silence_of_twelve_hours_is_the_end() -> None:
    hours = 3600
    made = plan_without_ami([leg("1.1", last=-13 * hours), leg("1.2", last=-11 * hours)], NOW)

    assert [(event.leg, event.reason) for event in made.lost] == [("1.1", "end_not_seen")]


# The shell, over a real pipeline


@pytest_asyncio.fixture
async def site(database: str) -> AsyncIterator[Site]:
    """Anna talks; the last rows of the call are missing, as after a killed Asterisk."""
    async with open_site(database) as opened:
        rows = rows_of("in_answered")
        cut = next(n for n, row in enumerate(rows) if row.startswith(b'"BRIDGE_EXIT"'))
        await opened.take_all(rows[:cut])
        yield opened


class Pbx:
    """A PBX that tells what the test wants."""

    def __init__(self, told: Told | None) -> None:
        self.told = told

    async def standing(self) -> Told | None:
        return self.told


def reconciler(site: Site, pbx: Pbx | None, *, behind: bool = False) -> Reconciler:
    return Reconciler(
        pbx="pbx1",
        pool=site.pool,
        standing=pbx.standing if pbx else None,
        open_legs=site.pipeline.open_legs,
        note=site.pipeline.note,
        is_behind=lambda: behind,
    )


async def states(site: Site) -> list[tuple[object, ...]]:
    return [tuple(r) for r in await site.pool.fetch("select state, complete, result from call")]


async def an_hour_later(site: Site) -> datetime:
    """An hour after the last row."""
    last: datetime = await site.pool.fetchval("select max(last_at) from family")
    return last + timedelta(hours=1)


async def test_a_call_of_a_restarted_asterisk_ends_and_is_marked(site: Site) -> None:
    after = await an_hour_later(site)
    last = await site.pool.fetchval("select last_at from family")

    closed = await reconciler(site, Pbx(Told(at=after, started_at=after))).look()

    assert closed == 2
    assert await states(site) == [("ended", False, "answered")]
    assert await site.pool.fetchval("select ended_at from call") == last
    assert site.pipeline.open_legs() == {}


async def test_what_was_closed_stays_closed_after_a_restart_of_the_gateway(site: Site) -> None:
    after = await an_hour_later(site)
    pbx = Pbx(Told(at=after, started_at=after))
    await reconciler(site, pbx).look()
    await site.restart()
    await site.take_all([])

    assert await reconciler(site, pbx).look() == 0
    assert await states(site) == [("ended", False, "answered")]


async def test_two_looks_close_what_asterisk_has_forgotten(site: Site) -> None:
    after = await an_hour_later(site)
    told = Told(at=after, started_at=None)
    pbx = Pbx(told)
    looks = reconciler(site, pbx)

    first = await looks.look()
    pbx.told = replace(told, at=after + timedelta(seconds=11))
    second = await looks.look()

    assert (first, second, looks.closed) == (0, 2, 2)


@pytest.mark.parametrize("told", [None, Told(legs=None)])
async def test_a_pbx_that_cannot_be_asked_closes_nothing(site: Site, told: Told | None) -> None:
    looks = reconciler(site, Pbx(told))

    assert [await looks.look(), await looks.look()] == [0, 0]
    assert (await states(site))[0][0] == "talking"


async def test_nothing_is_closed_while_rows_wait_to_be_read(site: Site) -> None:
    after = await an_hour_later(site)

    assert await reconciler(site, Pbx(Told(at=after, started_at=after)), behind=True).look() == 0


async def test_a_pbx_without_ami_is_closed_by_age(site: Site) -> None:
    after = await an_hour_later(site)

    assert await reconciler(site, None).look(after + timedelta(hours=10)) == 0
    assert await reconciler(site, None).look(after + timedelta(hours=12)) == 2


async def test_a_clock_that_is_off_is_an_alarm(site: Site) -> None:
    pbx = Pbx(Told(clock_offset=timedelta(seconds=-2.5)))
    looks = reconciler(site, pbx)
    await looks.look()
    off = looks.clock_is_off
    pbx.told = Told(clock_offset=timedelta(seconds=1.5))
    await looks.look()

    assert (off, looks.clock_is_off) == (True, False)
