"""Scheduled calls on a clock that is moved: rung once at their moment, put off, tried again, late, handed over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from gateway.aftercare.duties import Duty
from gateway.aftercare.parts import duties_of
from gateway.aftercare.scheduled_calls import ScheduledCalls
from gateway.aftercare.scheduled_dialling import ScheduledDialling
from gateway.commands.orders import CallOrder
from gateway.domain.local_time import ClientHours, wall_of
from gateway.domain.manager_states import BY_WORKING_TIME, Choice, Chosen
from gateway.domain.scheduled import Scheduled, ZoneFrom
from gateway.store import scheduled as store
from gateway.store.commands import store_command
from gateway.store.database import open_pool
from gateway.store.manager_states import add_choices, refold
from gateway.store.scheduled import NewScheduled, Overlap
from tests.gateway.desk import Desk
from tests.gateway.office import Office, open_office

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
MOSCOW = ZoneInfo("Europe/Moscow")
NUMBER = "+74951234567"
PEOPLE = ("anna", "boris", "head")


@dataclass(slots=True)
class Playground:
    """An office with a desk that places its calls."""

    office: Office
    desk: Desk

    async def at(self, moment: datetime) -> None:
        """Let the clock show a moment, each duty twice, as it would look again a second later."""
        await self.through(moment, moment)
        await self.through(moment, moment)

    async def through(self, since: datetime, until: datetime, step: timedelta = timedelta(seconds=20)) -> None:
        """Let time pass."""
        duties = [d for d in self.office.duties if "scheduled" in d.name]
        while since <= until:
            self.office.moment = since
            for duty in duties:
                await duty.look(since)
            since += step

    async def plan(self, at: datetime, who: str = "anna", **values: object) -> Scheduled:
        """Plan a call."""
        zone = ZoneInfo(str(values.get("zone", "Europe/Moscow")))
        new = NewScheduled(
            **{
                "user_id": self.office.site.users[who],
                "contact_id": None,
                "number": NUMBER,
                "at": at,
                "minutes": 15,
                "zone": zone.key,
                "zone_from": ZoneFrom.NUMBER,
                "wall": wall_of(at, zone),
                "second": False,
                "any_hour": False,
                "note": "ask about the offer",
                "pbx": None,
                "made_by": "user:1",
                **values,
            }  # type: ignore[arg-type]
        )
        async with self.office.pool.acquire() as connection, connection.transaction():
            made = await store.add_scheduled(connection, new, await store.read_rule(connection), self.office.moment)
        assert not isinstance(made, Overlap)
        return made

    async def now(self, call: Scheduled) -> Scheduled:
        """The call as it is."""
        found = await store.read_scheduled(self.office.pool, call.id)
        assert found is not None
        return found

    async def told(self) -> list[str]:
        """The facts of scheduled calls, by the word behind the dot."""
        rows = await self.office.pool.fetch("select kind from fact where kind like 'scheduled.%' order by id")
        return [r["kind"].partition(".")[2] for r in rows]

    async def rule(self, **changes: object) -> None:
        """Change the rule of the site."""
        async with self.office.pool.acquire() as connection, connection.transaction():
            rule = replace(await store.read_rule(connection), **changes)  # type: ignore[arg-type]
            assert await store.save_rule(connection, rule, by="test", now=self.office.moment)

    async def choose(self, who: str, chosen: Chosen, by: str = "user:1") -> None:
        """Let a manager, or a rule, choose how he is."""
        choice = Choice(at=self.office.moment, chosen=chosen, by=by, reason="")
        async with self.office.pool.acquire() as connection, connection.transaction():
            changed = await add_choices(connection, [(self.office.site.users[who], choice)])
            await refold(connection, changed, self.office.moment)


def with_desk(office: Office, desk: Desk) -> list[Duty]:
    """The office's duties, with somebody who places calls."""

    def clock() -> datetime:
        return office.moment

    return duties_of(office.settings, office.site.pool, office.site.live, clock, placer=desk)


@pytest_asyncio.fixture
async def play(database: str) -> AsyncIterator[Playground]:
    """An office at nine in the morning."""
    async with open_office(database, moment=NINE) as office:
        desk = Desk(office.pool)
        office.duties = with_desk(office, desk)
        yield Playground(office, desk)


def later(minutes: float, of: datetime = NINE) -> datetime:
    return of + timedelta(minutes=minutes)


async def test_at_its_moment_it_is_rung_once_after_a_reminder(play: Playground) -> None:
    """Requirements 5, 8 and 14."""
    call = await play.plan(later(60))
    await play.through(later(50), later(64))

    (order,) = play.desk.orders
    assert (order.user_id, order.number, order.source) == (call.user_id, NUMBER, "scheduled")
    assert play.desk.moments == [later(60)]
    assert len(order.id) <= 30
    assert await play.told() == ["reminded", "called"]
    rows = await play.office.pool.fetch("select body, users from fact where kind = 'scheduled.called'")
    assert (rows[0]["body"]["command_id"], rows[0]["users"]) == (order.id, [call.user_id])

    await play.desk.ends("ended", "answered")
    await play.at(later(70))
    assert ((await play.now(call)).state, await play.told()) == ("done", ["reminded", "called", "done"])


async def test_a_miss_is_tried_again_by_rule_and_then_becomes_a_task(play: Playground) -> None:
    """Requirement 8."""
    call = await play.plan(later(60), contact_id=None)
    for reason in ("no_answer", "client_no_answer", "client_busy"):
        await play.through((await play.now(call)).at, later(1, (await play.now(call)).at))
        await play.desk.ends("refused" if reason == "no_answer" else "ended", reason)
        await play.at(later(2, (await play.now(call)).at))

    assert [m - later(60) for m in play.desk.moments] == [timedelta(0), timedelta(minutes=20), timedelta(minutes=40)]
    assert len({o.id for o in play.desk.orders}) == 3
    missed = await play.now(call)
    assert (missed.state, missed.attempts, missed.reason) == ("missed", 3, "client_busy")
    assert (await play.told())[-1] == "missed"
    task = await play.office.pool.fetchrow("select * from task where id = $1", missed.task_id)
    assert (task["kind"], task["origin"], task["owner_id"], task["number"], task["note"]) == (
        "call_back", "scheduled", call.user_id, NUMBER, "ask about the offer",
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["no_such_number", "number_changed"])
async def test_what_cannot_succeed_is_not_tried_again(play: Playground, reason: str) -> None:
    call = await play.plan(later(60))
    await play.at(later(60))
    await play.desk.ends("ended", reason)
    await play.at(later(61))

    assert ((await play.now(call)).state, (await play.now(call)).reason) == ("missed", reason)


async def test_an_order_of_which_nobody_can_know_is_never_dialled_again(play: Playground) -> None:
    call = await play.plan(later(60))
    await play.at(later(60))
    await play.desk.ends("unknown", "connection_lost")
    await play.at(later(61))
    assert (await play.now(call)).state == "calling"

    await play.at(later(75))
    assert ((await play.now(call)).state, (await play.now(call)).reason) == ("missed", "unknown")
    assert len(play.desk.orders) == 1


@pytest.mark.parametrize("chosen", [Chosen.BREAK, Chosen.OFF])
async def test_while_the_manager_cannot_it_is_put_off_and_told(play: Playground, chosen: Chosen) -> None:
    call = await play.plan(later(60))
    await play.choose("anna", chosen)
    await play.through(later(60), later(62))
    put_off = await play.now(call)
    assert (play.desk.orders, put_off.at, put_off.put_offs) == ([], later(65), 1)
    assert (put_off.reason, (await play.told())[-1]) == (f"manager_{chosen}", "replanned")

    play.office.moment = later(63)
    await play.choose("anna", Chosen.AVAILABLE)
    await play.through(later(64), later(66))
    assert play.desk.moments == [later(65)]


async def test_put_off_too_often_it_becomes_a_task(play: Playground) -> None:
    await play.rule(put_offs_max=3)
    call = await play.plan(later(60))
    await play.choose("anna", Chosen.OFF)
    await play.through(later(60), later(80), timedelta(seconds=60))

    assert ((await play.now(call)).state, play.desk.orders) == ("missed", [])


@pytest.mark.parametrize("reason", ["colleague_talks", "in_flight", "not_connected", "user_hour"])
async def test_what_passes_puts_it_off(play: Playground, reason: str) -> None:
    call = await play.plan(later(60))
    play.desk.refuses = reason
    await play.through(later(60), later(61))
    assert ((await play.now(call)).state, (await play.now(call)).reason) == ("planned", reason)

    play.desk.refuses = ""
    await play.through(later(64), later(66))
    assert play.desk.moments == [later(65)]


@pytest.mark.parametrize("reason", ["premium", "country", "no_extension"])
async def test_what_may_not_be_dialled_becomes_a_task_with_its_reason(play: Playground, reason: str) -> None:
    call = await play.plan(later(60))
    play.desk.refuses = reason
    await play.at(later(60))

    assert ((await play.now(call)).state, (await play.now(call)).reason) == ("missed", reason)


async def test_after_downtime_fifty_late_calls_are_planned_anew_and_none_is_rung_late(play: Playground) -> None:
    plans = [await play.plan(later(60 + 20 * n), who) for n in range(17) for who in ("anna", "boris", "head")]
    await play.rule(hours=ClientHours(since=0, until=1440))
    back = later(8 * 60)
    await play.at(back)

    assert play.desk.orders == []
    calls = [await play.now(call) for call in plans]
    assert {c.state for c in calls} == {"planned"}
    assert min(c.at for c in calls) >= back + timedelta(minutes=10)
    assert {c.agreed_at for c in calls} == {p.at for p in plans}
    assert (await play.told()).count("late") == len(plans)
    for who in {c.user_id for c in calls}:
        his = sorted((c.at, c.ends_at) for c in calls if c.user_id == who)
        assert all(until <= since for (_, until), (since, _) in pairwise(his))


async def test_many_at_one_moment_are_placed_no_faster_than_the_rule_says(play: Playground) -> None:
    await play.rule(per_minute=2)
    for who in ("anna", "boris", "head"):
        await play.plan(later(60), who, number=f"+7495123456{len(who)}")
    await play.through(later(60), later(63), timedelta(seconds=5))

    assert [m - later(60) for m in play.desk.moments][:2] == [timedelta(0)] * 2
    assert play.desk.moments[2] - later(60) >= timedelta(minutes=1)


async def die(play: Playground, moment: datetime) -> None:
    """Run the duty that rings until the gateway is killed."""
    play.office.moment = moment
    (duty,) = (d for d in play.office.duties if d.name == "scheduled calls")
    with pytest.raises(SystemExit):
        await duty.look(moment)


def restart(play: Playground) -> None:
    """A new gateway on the same database."""
    play.desk.dies = play.desk.dies_after = False
    play.office.duties = with_desk(play.office, play.desk)


async def test_killed_before_the_order_was_sent_it_is_sent_once_after_the_restart(play: Playground) -> None:
    call = await play.plan(later(60))
    play.desk.dies = True
    await die(play, later(60))
    claimed = await play.now(call)
    assert (claimed.state, play.desk.orders) == ("calling", [])

    restart(play)
    await play.through(later(60.1), later(64))
    assert [o.id for o in play.desk.orders] == [claimed.order_id]
    assert await play.told() == ["called"]


async def test_killed_after_the_order_was_sent_it_is_not_sent_again(play: Playground) -> None:
    call = await play.plan(later(60))
    play.desk.dies_after = True
    await die(play, later(60))

    restart(play)
    await play.through(later(60.1), later(64))
    assert len(play.desk.orders) == 1
    assert (await play.now(call)).call_id is not None
    await play.desk.ends("ended", "answered")
    await play.at(later(70))
    assert (await play.now(call)).state == "done"


async def test_killed_before_the_order_and_back_hours_later_it_is_late(play: Playground) -> None:
    call = await play.plan(later(60))
    play.desk.dies = True
    await die(play, later(60))

    restart(play)
    await play.at(later(180))
    found = await play.now(call)
    assert (found.state, found.reason, found.at, play.desk.orders) == ("planned", "late", later(190), [])
    await play.through(later(189), later(191))
    assert play.desk.moments == [later(190)]


async def test_the_clients_hours_are_looked_at_again_when_it_is_dialled(play: Playground) -> None:
    """Requirement 11."""
    call = await play.plan(later(60))  # 13:00 in Moscow
    await play.rule(hours=ClientHours(since=14 * 60, until=20 * 60))
    await play.at(later(60))

    moved = await play.now(call)
    assert (moved.at, moved.reason, play.desk.orders) == (later(120), "client_hours", [])
    assert moved.wall.isoformat() == "2026-11-23T14:00:00"


async def test_a_call_at_the_clients_own_wish_knows_no_hours(play: Playground) -> None:
    await play.rule(hours=ClientHours(since=14 * 60, until=20 * 60))
    await play.plan(later(60), any_hour=True)
    await play.at(later(60))

    assert play.desk.moments == [later(60)]


async def card(play: Playground, zone: str | None) -> int:
    found: int = await play.office.pool.fetchval(
        "insert into contact (name, timezone) values ('Ivan', $1) returning id", zone
    )
    return found


async def test_a_cards_new_zone_moves_the_instant_and_not_the_wall(play: Playground) -> None:
    """Requirements 11 and 13."""
    contact = await card(play, "Europe/Moscow")
    call = await play.plan(later(60), contact_id=contact, zone_from=ZoneFrom.CARD)
    asked = await play.plan(later(120), contact_id=contact, zone_from=ZoneFrom.ASKED)
    await play.office.pool.execute("update contact set timezone = 'Europe/Warsaw' where id = $1", contact)
    await play.at(later(5))

    moved = await play.now(call)
    assert (moved.wall, moved.at, moved.zone) == (call.wall, later(180), "Europe/Warsaw")
    assert (await play.now(asked)).at == asked.at
    fact = await play.office.pool.fetchrow("select body from fact where kind = 'scheduled.moved'")
    assert (fact["body"]["why"], fact["body"]["wall"]) == ("zone_changed", "2026-11-23T13:00")


async def test_a_new_zone_that_brings_two_calls_together_moves_one_to_free_time(play: Playground) -> None:
    contact = await card(play, "Europe/Moscow")
    call = await play.plan(later(60), contact_id=contact, zone_from=ZoneFrom.CARD)
    await play.plan(later(180), contact_id=None, number="+74957654321")
    await play.office.pool.execute("update contact set timezone = 'Europe/Warsaw' where id = $1", contact)
    await play.at(later(5))

    assert (await play.now(call)).at == later(195)


async def test_a_dismissed_managers_calls_go_to_the_head_of_his_team(play: Playground) -> None:
    """Requirement 79."""
    pool, users = play.office.pool, play.office.site.users
    team = await pool.fetchval(
        "insert into team (name, head_id, made_by) values ('N', $1, 't') returning id", users["boris"]
    )
    await pool.execute("insert into team_member (team_id, user_id) values ($1, $2)", team, users["anna"])
    call, other = await play.plan(later(60)), await play.plan(later(90))
    taken = await play.plan(later(85), "boris")
    await pool.execute("update users set active = false where id = $1", users["anna"])
    await play.at(later(1))

    assert [(await play.now(c)).user_id for c in (call, other)] == [users["boris"]] * 2
    assert ((await play.now(call)).at, (await play.now(other)).at) == (later(60), taken.ends_at)
    rows = await pool.fetch("select users from fact where kind = 'scheduled.handed_over'")
    assert [set(r["users"]) for r in rows] == [{users["anna"], users["boris"]}] * 2


async def test_an_absent_managers_calls_of_that_time_go_to_his_deputy(play: Playground) -> None:
    pool, users = play.office.pool, play.office.site.users
    inside, behind = await play.plan(later(60)), await play.plan(later(60 * 24 * 3))
    await pool.execute(
        "insert into absence (user_id, kind, since, until, deputy_id, hands_over, comes_back, state, made_by, made_at)"
        " values ($1, 'sick', $2, $3, $4, false, true, 'begun', 'test', $2)",
        users["anna"], NINE, later(60 * 24), users["boris"],
    )  # fmt: skip
    await play.at(later(1))

    assert (await play.now(inside)).user_id == users["boris"]
    assert (await play.now(behind)).user_id == users["anna"]


async def test_without_anybody_who_could_take_it_a_call_becomes_nobodys_task(play: Playground) -> None:
    pool = play.office.pool
    call = await play.plan(later(60))
    await pool.execute("update users set active = false")
    await play.at(later(1))
    assert (await play.now(call)).state == "planned"

    await play.at(later(60))
    missed = await play.now(call)
    assert (missed.state, missed.reason) == ("missed", "nobody")
    assert await pool.fetchval("select owner_id from task where id = $1", missed.task_id) is None


async def test_two_nodes_that_look_at_one_moment_place_each_call_once(play: Playground, database: str) -> None:
    calls = [await play.plan(later(60), who, number=f"+749512345{n:02}") for n, who in enumerate(PEOPLE)]
    async with open_pool(database) as pool:
        nodes = []
        for source in (play.office.pool, pool):
            works = ScheduledCalls(MOSCOW)
            nodes.append(ScheduledDialling(source, "scheduled calls", works, play.office.site.live, play.desk, every=1))
        for second in range(5):
            moment = later(60) + timedelta(seconds=second)
            await asyncio.gather(*(node.look(moment) for node in nodes))

    assert sorted(o.number for o in play.desk.orders) == sorted(c.number for c in calls)
    assert (await play.told()).count("called") == len(calls)


async def test_an_order_that_another_node_was_first_with_is_taken_for_placed(play: Playground) -> None:
    call = await play.plan(later(60))
    play.desk.dies = True
    await die(play, later(60))
    order = (await play.now(call)).order_id
    assert order is not None
    async with play.office.pool.acquire() as connection:
        await store_command(connection, id=order, pbx="pbx1", user_id=call.user_id, extension="101", number=call.number)
    play.desk.dies = False
    (duty,) = (d for d in play.office.duties if isinstance(d, ScheduledDialling))
    await duty.place(CallOrder(id=order, user_id=call.user_id, number=NUMBER, actor=f"schedule:{call.id}"), later(60))

    assert ((await play.now(call)).state, play.desk.orders, await play.told()) == ("calling", [], ["called"])


async def test_whoever_agreed_to_a_call_after_work_gets_it_though_his_hours_are_over(play: Playground) -> None:
    await play.choose("anna", Chosen.OFF, by=BY_WORKING_TIME)
    await play.plan(later(60))
    await play.at(later(60))
    assert play.desk.moments == [later(60)]


async def test_a_call_planned_by_a_key_counts_for_that_keys_limits(play: Playground) -> None:
    await play.plan(later(60), made_by="key:0a1b2c")
    await play.at(later(60))

    assert [o.key_id for o in play.desk.orders] == ["0a1b2c"]


async def test_where_nobody_places_calls_none_is_claimed(play: Playground) -> None:
    play.office.duties = duties_of(play.office.settings, play.office.pool, play.office.site.live, _clock(play.office))
    call = await play.plan(later(60))
    await play.at(later(60))
    assert (await play.now(call)).state == "planned"

    await play.at(later(66))
    assert (await play.now(call)).reason == "late"


def _clock(office: Office) -> Callable[[], datetime]:
    return lambda: office.moment
