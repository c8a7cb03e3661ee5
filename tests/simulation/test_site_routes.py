"""A synthetic day by the site's own routes and hours: who rings, when it is closed, and every call accounted for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.routing import EVERY_NUMBER, Group, OwnManager, Route, RouteStepKind, Step, Strategy
from gateway.domain.working_time import WorkingTime, always, read_working_time
from gateway.settings import Settings
from gateway.simulation.account import Seen, account_of
from gateway.simulation.plan import Origin, Wishes, extension_of, plan_day
from gateway.simulation.quick import House, live_through
from gateway.simulation.site_routes import SiteRoutes, opening_before, read_site, told_of
from gateway.store.database import open_pool
from gateway.store.routing import add_group, add_route, step_row
from gateway.store.staff import add_user, give_extension
from gateway.store.working_time import OfficeHours
from tests.simulation.test_simulate import BEGINS, folded

ZONE = ZoneInfo("Europe/Moscow")
OFFICE = read_working_time(ZONE, [["09:00-18:00"]] * 5 + [[], []], {})
ANNA, BORIS, CLARA = 71, 72, 73
DID = "74957770001"


def step(kind: RouteStepKind, **more: object) -> Step:
    return Step(kind=kind, **more)  # type: ignore[arg-type]


def site(*steps: Step, hours: WorkingTime | None = None, group: tuple[int, ...] = (ANNA, BORIS), **more: object):
    """One route for one number, with a group that is rung in turn."""
    route = Route(
        id=1,
        name="sales",
        did=more.pop("did", DID),  # type: ignore[arg-type]
        record=True,
        notice=False,
        hours=hours,
        steps=steps,
        closed_steps=(step(RouteStepKind.HANG_UP),),
    )
    strategy = more.pop("strategy", Strategy.TURN)
    return SiteRoutes(
        routes={1: route},
        groups={5: Group(id=5, name="sales", strategy=strategy, members=group)},  # type: ignore[arg-type]
        hours=OfficeHours(company=always(ZONE), dids={}, users={}),
        notice="",
        people=(ANNA, BORIS, CLARA),
        sounds=Path("/nowhere"),
    )


def lived(routes: SiteRoutes | None, **wishes: object) -> House:
    day: dict[str, object] = {"managers": 4, "clients": 100, "calls_per_hour": 90, "minutes": 240, "seed": 3, **wishes}
    return live_through(plan_day(Wishes(**day)), begins=BEGINS, folder=Path("/nowhere"), site=routes)  # type: ignore[arg-type]


def inbound(house: House) -> Iterator[Seen]:
    """Calls of clients, but for those that a manager sent on: there others ring too."""
    return (call for call in house.seen if call.origin is Origin.CLIENT and not call.sent_on)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_route_every_call_folds_to_what_the_phones_saw(seed: int) -> None:
    steps = (step(RouteStepKind.OWNER, whose=OwnManager.LAST, seconds=10), step(RouteStepKind.GROUP, group=5))
    house = lived(site(*steps), seed=seed)
    account = account_of(house.seen, folded(house))

    assert account.calls > 200
    assert account.whole, (account.wrong[:3], account.lost[:3], account.extra[:3])


def test_only_those_ring_whom_the_route_names() -> None:
    rung = {who for call in inbound(lived(site(step(RouteStepKind.GROUP, group=5)))) for who in call.rang}

    assert rung == {extension_of(0), extension_of(1)}


def test_a_group_in_turn_rings_one_after_the_other_and_a_group_together_all_at_once() -> None:
    def phones(strategy: Strategy) -> float:
        house = lived(site(step(RouteStepKind.GROUP, group=5), strategy=strategy), calls_per_hour=20)
        rang = [len(call.rang) for call in inbound(house)]
        return sum(rang) / len(rang)

    assert phones(Strategy.ALL) > 1.2 * phones(Strategy.TURN)


def test_who_talked_with_a_client_last_is_rung_first() -> None:
    own, group = step(RouteStepKind.OWNER, whose=OwnManager.LAST, seconds=10), step(RouteStepKind.GROUP, group=5)

    assert share_by_the_same(lived(site(own, group), clients=20)) > 1.15 * share_by_the_same(
        lived(site(group), clients=20)
    )


def share_by_the_same(house: House) -> float:
    """How often a client who calls again rings first with whom he talked last."""
    before: dict[str, str] = {}
    first: list[bool] = []
    for call in sorted(house.seen, key=lambda call: call.begins):
        if call.origin is Origin.CLIENT and call.client in before and call.rang:
            first.append(call.rang[0] == before[call.client])
        if call.origin is Origin.CLIENT and call.taken_by:
            before[call.client] = call.taken_by[-1]
    assert len(first) > 50
    return sum(first) / len(first)


def test_a_client_who_calls_when_it_is_closed_is_turned_away_and_rings_nobody() -> None:
    house = lived(site(step(RouteStepKind.GROUP, group=5), hours=OFFICE), minutes=12 * 60)  # 9:00 to 21:00 in Moscow
    closed = [call for call in inbound(house) if call.begins.astimezone(ZONE).hour >= 18]

    assert len(closed) > 50
    assert not any(call.rang or call.answered for call in closed)
    assert any(call.answered for call in inbound(house))


def test_everybody_busy_lets_a_client_wait_for_as_long_as_the_step_says() -> None:
    at_once = lived(site(step(RouteStepKind.GROUP, group=5)), calls_per_hour=150)
    waits = lived(site(step(RouteStepKind.GROUP, group=5, wait_seconds=60)), calls_per_hour=150)

    def answered(house: House) -> float:
        calls = list(inbound(house))
        return sum(call.answered for call in calls) / len(calls)

    assert answered(waits) > answered(at_once)


def test_a_number_without_a_route_rings_every_phone() -> None:
    house = lived(site(step(RouteStepKind.GROUP, group=5), did="sales-queue"))

    assert {who for call in inbound(house) for who in call.rang} == {extension_of(n) for n in range(4)}


def test_a_route_that_leaves_the_call_to_the_house_rings_every_phone() -> None:
    house = lived(site(step(RouteStepKind.SITE), did=EVERY_NUMBER))

    assert {who for call in inbound(house) for who in call.rang} == {extension_of(n) for n in range(4)}


def test_people_without_a_manager_of_the_day_are_told_and_rung_by_nobody() -> None:
    routes = site(step(RouteStepKind.GROUP, group=5), group=(BORIS, CLARA))
    house = lived(routes, managers=2)

    assert {who for call in inbound(house) for who in call.rang} == {extension_of(1)}
    assert "3 people" in told_of(routes, 2)
    assert "1 of them by nobody" in told_of(routes, 2)
    assert "1 of whom no route rings" in told_of(routes, 4)
    assert told_of(None, 4).startswith("the site has no inbound routes")


def test_a_day_begins_with_the_last_shift_that_it_fits_behind() -> None:
    monday = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
    friday = datetime(2026, 11, 20, 9, 0, tzinfo=ZONE).astimezone(UTC)

    assert opening_before(OFFICE, monday, timedelta(hours=8)) == friday
    assert opening_before(OFFICE, monday + timedelta(hours=9), timedelta(hours=8)) == monday.astimezone(UTC)
    assert opening_before(always(ZONE), monday, timedelta(hours=8)) is None


async def enter_route(database: str) -> None:
    """Anna at 102 and Boris at 101, rung together by one route."""
    async with open_pool(database) as pool, pool.acquire() as connection, connection.transaction():
        people = []
        for login, extension in (("anna", "102"), ("boris", "101")):
            people.append(await add_user(connection, login=login, name=login.title(), role="manager"))
            await give_extension(
                connection, pbx="embedded", extension=extension, user_id=people[-1], patterns=[extension]
            )
        body = {"name": "sales", "strategy": Strategy.ALL, "members": people}
        now = datetime.now(UTC)
        group = await add_group(connection, body, by="test", now=now)
        steps = [step_row(step(RouteStepKind.GROUP, group=group))]
        route = {"name": "sales", "did": DID, "record": True, "notice": False, "hours": None}
        await add_route(connection, {**route, "steps": steps, "closed_steps": steps}, by="test", now=now)


async def test_the_routes_of_the_site_are_read_with_their_people_by_extension(database: str) -> None:
    empty = await read_site(Settings(database={"url": database}))  # type: ignore[arg-type]
    await enter_route(database)
    found = await read_site(Settings(database={"url": database}))  # type: ignore[arg-type]
    async with open_pool(database) as pool:
        logins = [await pool.fetchval("select login from users where id = $1", user) for user in found.people]

    assert empty is None
    assert logins == ["boris", "anna"]
    assert found.dids == (DID,)


async def test_a_site_whose_database_is_away_has_no_routes() -> None:
    assert await read_site(Settings(database={"url": "postgresql://x@127.0.0.1:9/x"})) is None  # type: ignore[arg-type]
