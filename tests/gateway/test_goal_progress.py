"""Goals move while calls end; what is told is what a count by hand gives. Requirement 46."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.aftercare.goal_history import past
from gateway.aftercare.goal_progress import read_office, standings
from gateway.domain.goals import Goal, GoalVersion, GoalWay, Measure, Rule, Whose
from gateway.domain.periods import Period, Step
from gateway.settings import Settings
from gateway.store.facts import facts_after
from gateway.store.goals import change_goal, make_goal
from gateway.store.teams import Membership, make_team, set_members
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import Office, open_office

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # of a Friday in Moscow
TODAY = date(2026, 11, 20)


def call(
    minutes: int, number: str, talk: float = 0.0, extension: str = "101", scenario: str = "out_answered"
) -> Placed:
    return Placed(
        scenario=scenario,
        at=NOON + timedelta(minutes=minutes),
        number=f"+7903{number:0>7}",
        extensions={"101": extension},
        talk=talk,
    )


async def play(office: Office, *calls: Placed) -> None:
    for placed in calls:
        await office.take_rows(placed.rows())


async def told(office: Office, *kinds: str) -> list[dict[str, Any]]:
    facts = await facts_after(office.pool, None, 10_000)
    return [{**f.body, "users": f.users} for f in facts if f.kind in kinds]


def small(count: int = 2) -> Settings:
    return Settings(goals={"count": count, "seconds": 120})


async def new_goal(
    office: Office, measure: Measure, target: int, *, period: Step = Step.DAY, since: date = TODAY, **values: Any
) -> int:
    whose = {name: values.pop(name) for name in ("whose", "user_id", "team_id", "together") if name in values}
    rule = Rule(**({"way": GoalWay.BOTH, "seconds": None, "kind": None} | values), measure=measure, target=target)
    version = GoalVersion(version=1, since=since, until=None, name="", rule=rule, by="user:1", at=None)
    own = {"whose": Whose.EVERYBODY, "user_id": None, "team_id": None, "together": False} | whose
    async with office.pool.acquire() as connection, connection.transaction():
        return await make_goal(connection, Goal(id=0, period=period, versions=(version,), **own), now=NOON)


async def amounts(office: Office, goal: int, now: datetime = NOON) -> dict[int | None, int]:
    read = await read_office(office.pool, office.settings)
    found = await standings(office.pool, read, now=now, only=lambda g: g.id == goal)
    return {entry.user_id: entry.standing.amount for entry in found}


async def team(office: Office, name: str, head: str | None, *members: tuple[str, date | None, date | None]) -> int:
    users = office.site.users
    async with office.pool.acquire() as connection, connection.transaction():
        made = await make_team(connection, name=name, head_id=users[head] if head else None, made_by="user:1")
        times = [Membership(user_id=users[who], since=since, until=until) for who, since, until in members]
        await set_members(connection, made, times)
    return made


async def test_the_goal_of_the_day_moves_and_is_reached_once(database: str) -> None:
    async with open_office(database, settings=small(), moment=NOON) as office:
        await play(office, call(0, "1", 130), call(10, "1", 300), call(20, "2", 60), call(30, "2", 130))
        await play(office, call(40, "3", 140))

        anna = office.site.users["anna"]
        moved = await told(office, "goal.progress")
        assert [(m["user"], m["done"], m["left"], m["reached"]) for m in moved] == [
            (anna, 1, 1, False),
            (anna, 2, 0, True),
            (anna, 3, 0, True),
        ]
        (reached,) = await told(office, "goal.reached")
        assert (reached["goal"], reached["user"], reached["done"], reached["since"]) == (0, anna, 2, "2026-11-20")


async def test_the_person_and_the_head_of_his_team_are_told_and_nobody_else(database: str) -> None:
    async with open_office(database, settings=small(1), moment=NOON) as office:
        await team(office, "North", "head", ("anna", None, None), ("boris", None, TODAY - timedelta(days=1)))
        await play(office, call(0, "1", 130), call(10, "2", 130, extension="102"))

        users = office.site.users
        assert [m["users"] for m in await told(office, "goal.reached")] == [
            tuple(sorted((users["anna"], users["head"]))),
            (users["boris"],),
        ]


async def test_a_goal_that_moved_back_and_on_again_is_not_reached_twice(database: str) -> None:
    async with open_office(database, settings=small(1), moment=NOON) as office:
        first = call(0, "1", 130)
        await play(office, first)
        await office.pool.execute("update call_manager set talk_us = 1")
        async with office.pool.acquire() as connection, connection.transaction():
            from gateway.store.figures import recount

            await recount(connection, long_seconds=120, zone="Europe/Moscow")
        await play(office, call(10, "2"), call(20, "3", 130))

        assert [m["done"] for m in await told(office, "goal.progress")] == [1, 0, 1]
        assert len(await told(office, "goal.reached")) == 1


async def test_a_day_ends_at_the_managers_midnight(database: str) -> None:
    async with open_office(database, settings=small(1), moment=NOON) as office:
        users = office.site.users
        await office.pool.execute("update users set timezone = 'Asia/Vladivostok' where id = $1", users["boris"])
        await office.site.restart()
        midnight = int((datetime(2026, 11, 20, 14, 0, tzinfo=UTC) - NOON).total_seconds() // 60)  # in Vladivostok
        calls = [call(midnight - 5, e, 130, extension=e) for e in ("101", "102")]
        calls += [call(midnight + 5, "7" + e, 130, extension=e) for e in ("101", "102")]
        office.moment = NOON + timedelta(minutes=midnight + 10)
        await play(office, *calls)

        reached = {(m["user"], m["since"]) for m in await told(office, "goal.reached")}
        assert reached == {
            (users["anna"], "2026-11-20"),
            (users["boris"], "2026-11-20"),
            (users["boris"], "2026-11-21"),
        }
        assert await amounts(office, 0, office.moment) == {users["anna"]: 2, users["boris"]: 1}


async def test_each_measure_counts_what_it_says(database: str) -> None:
    async with open_office(database, moment=NOON) as office:
        anna = office.site.users["anna"]
        made: Sequence[tuple[Measure, dict[str, Any], int]] = (
            (Measure.NUMBERS, {}, 3),
            (Measure.NUMBERS, {"seconds": 120}, 2),
            (Measure.NUMBERS, {"seconds": 60}, 2),
            (Measure.NUMBERS, {"seconds": 200}, 1),
            (Measure.NUMBERS, {"seconds": 120, "way": GoalWay.INBOUND}, 0),
            (Measure.CALLS, {}, 4),
            (Measure.CALLS, {"way": GoalWay.INBOUND}, 1),
            (Measure.CALLS, {"seconds": 200}, 1),
            (Measure.ANSWERED, {}, 4),
            (Measure.ANSWERED, {"way": GoalWay.OUTBOUND}, 3),
        )
        ids = [await new_goal(office, measure, 1, **values) for measure, values, _ in made]
        talk = await new_goal(office, Measure.TALK_MINUTES, 5)
        await play(office, call(0, "1", 130), call(10, "1", 300), call(20, "2", 130))
        await play(office, call(40, "3", scenario="in_answered"))

        for id_, (measure, values, expected) in zip(ids, made, strict=True):
            assert (await amounts(office, id_))[anna] == expected, (measure, values)
        seconds = await office.pool.fetchval("select sum(talk_us) from call_manager where user_id = $1", anna)
        assert (await amounts(office, talk))[anna] == seconds > 560_000_000


async def test_weeks_and_months_count_each_number_once(database: str) -> None:
    async with open_office(database, moment=NOON) as office:
        anna, day = office.site.users["anna"], 24 * 60
        week = await new_goal(office, Measure.NUMBERS, 5, period=Step.WEEK, seconds=120)
        month = await new_goal(office, Measure.NUMBERS, 5, period=Step.MONTH, seconds=120)
        other = await new_goal(office, Measure.NUMBERS, 5, period=Step.WEEK, seconds=119)
        calls = [call(-10 * day, "1", 130), call(-5 * day, "1", 130), call(-day, "1", 130), call(0, "1", 130)]
        await play(office, *calls, call(5, "2", 130))

        assert [(await amounts(office, g))[anna] for g in (week, month, other)] == [2, 2, 2]
        read = await read_office(office.pool, office.settings)
        span = Period(first=TODAY - timedelta(days=14), last=TODAY)
        goal = next(g for g in read.goals if g.id == week)
        weeks = await past(office.pool, read, goal, span, today=TODAY, users=[anna])
        assert [w.period.first.isoformat() for w in weeks] == ["2026-11-16"]  # before, there was no goal
        async with office.pool.acquire() as connection, connection.transaction():
            version = GoalVersion(
                version=2, since=date(2026, 1, 1), until=None, name="", rule=goal.versions[0].rule, by="x", at=None
            )
            assert await change_goal(connection, week, version, now=NOON)
        read = await read_office(office.pool, office.settings)
        goal = next(g for g in read.goals if g.id == week)
        weeks = await past(office.pool, read, goal, span, today=TODAY, users=[anna])
        assert [(w.period.first.isoformat(), w.amount) for w in weeks] == [
            ("2026-11-02", 0),
            ("2026-11-09", 1),
            ("2026-11-16", 2),
        ]


async def test_a_team_works_on_one_goal_and_each_day_of_membership_counts(database: str) -> None:
    async with open_office(database, moment=NOON) as office:
        users, day = office.site.users, 24 * 60
        yesterday = TODAY - timedelta(days=1)
        north = await team(office, "North", "head", ("anna", None, None), ("boris", None, yesterday))
        own = {"whose": Whose.TEAM, "team_id": north, "period": Step.WEEK}
        numbers = await new_goal(office, Measure.NUMBERS, 2, together=True, **own)
        calls = await new_goal(office, Measure.CALLS, 9, together=True, **own)
        each = await new_goal(office, Measure.CALLS, 9, **own)
        await play(office, call(-day, "1"), call(-day + 5, "1", extension="102"), call(-day + 9, "2", extension="102"))
        await play(office, call(0, "3", extension="102"), call(5, "1"))

        assert await amounts(office, numbers) == {None: 2}
        assert await amounts(office, calls) == {None: 4}
        assert await amounts(office, each) == {users["anna"]: 2}
        (reached,) = [m for m in await told(office, "goal.reached") if m["goal"] == numbers]
        assert (reached["team"], reached["user"]) == (north, None)
        assert reached["users"] == tuple(sorted((users["anna"], users["boris"], users["head"])))


async def test_tasks_and_touches_count_by_their_moments_in_his_zone(database: str) -> None:
    async with open_office(database, moment=NOON) as office:
        anna = office.site.users["anna"]
        tasks = await new_goal(office, Measure.TASKS, 2, kind="call")
        touches = await new_goal(office, Measure.TOUCHES, 2, kind="letter", way=GoalWay.OUTBOUND)
        midnight = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
        for seconds, kind, state in (
            (-1, "call", "done"),
            (0, "call", "done"),
            (9, "letter", "done"),
            (9, "call", "failed"),
        ):
            await office.pool.execute(
                "insert into task (kind, state, owner_id, made_by, created_at, changed_at, ended_at)"
                " values ($1, $2, $3, 'x', $4, $4, $4)",
                kind,
                state,
                anna,
                midnight + timedelta(seconds=seconds),
            )
            await office.pool.execute(
                "insert into touch (kind, at, user_id, direction, made_by) values ('letter', $1, $2, $3, 'x')",
                midnight + timedelta(seconds=seconds),
                anna,
                "inbound" if state == "failed" else "outbound",
            )

        assert (await amounts(office, tasks))[anna] == 1
        assert (await amounts(office, touches))[anna] == 2
