"""Distinct numbers of any span equal a count of the ledger, whatever the order in which calls came, went and moved."""

import asyncio
import random
from datetime import date, timedelta

import asyncpg
import pytest

from gateway.store.database import Pool, open_pool
from gateway.store.figures import recount
from gateway.store.reports import Span, long_numbers, manager_totals

FIRST = date(2026, 12, 28)
DAYS, NUMBERS, USERS = 9, 4, 2
DIRECTIONS = ("inbound", "outbound")
LISTS = "select user_id, direction, day, before, before_long from distinct_day where before <> '{}' order by 1, 2, 3"


async def people(pool: Pool) -> list[int]:
    rows = await pool.fetch(
        "insert into users (login, name, role) select 's' || n, 'S' || n, 'manager' from generate_series(1, $1) n"
        " returning id",
        USERS,
    )
    return [r["id"] for r in rows]


def page_of(
    dice: random.Random, users: list[int], ledger: dict[tuple[object, ...], list[int]]
) -> list[dict[str, object]]:
    """Some calls more, some taken away again, never below none; long ones never more than all."""
    rows = []
    for key in {
        (
            dice.choice(users),
            FIRST + timedelta(dice.randrange(DAYS)),
            dice.choice(DIRECTIONS),
            f"+7{dice.randrange(NUMBERS)}",
        )
        for _ in range(dice.choice((1, 2, 12)))
    }:
        had = ledger.setdefault(key, [0, 0])
        n = dice.choice((0, 0, 1, 2))
        long = dice.randint(0, n)
        rows.append(
            dict(zip(("user_id", "day", "direction", "number"), (key[0], str(key[1]), *key[2:]), strict=True))
            | {"n": n - had[0], "n_long": long - had[1]}
        )
        had[:] = [n, long]
    return rows


@pytest.mark.parametrize("seed", range(12))
async def test_the_lists_of_days_before_equal_a_recount_after_every_page(database: str, seed: int) -> None:
    dice = random.Random(seed)
    ledger: dict[tuple[object, ...], list[int]] = {}
    async with open_pool(database) as pool:
        users = await people(pool)
        for _ in range(25):
            await pool.fetch("select * from move_numbers($1)", page_of(dice, users, ledger))
        moved = await pool.fetch(LISTS)
        async with pool.acquire() as connection:
            await entered_as_parts(connection, ledger)
            await recount(connection, long_seconds=120, zone="Europe/Moscow")
        assert [tuple(r) for r in moved] == [tuple(r) for r in await pool.fetch(LISTS)]
        for _ in range(20):
            since, until = sorted(FIRST + timedelta(dice.randrange(DAYS)) for _ in range(2))
            direction = dice.choice((None, *DIRECTIONS))
            found = await manager_totals(pool, Span(since=since, until=until, direction=direction), distinct=True)
            assert {f.user_id: (f.numbers, f.numbers_long) for f in found} == counted(ledger, since, until, direction)
        day, user = FIRST + timedelta(3), users[0]
        goal = counted(ledger, day, day, "outbound").get(user, (0, 0))[1]
        assert await long_numbers(pool, user=user, day=day, direction="outbound") == goal


async def entered_as_parts(connection: asyncpg.Connection, ledger: dict[tuple[object, ...], list[int]]) -> None:
    """The same calls as managers' parts, from which a recount is made."""
    await connection.execute("alter table call_manager drop constraint call_manager_call_id_fkey")
    await connection.executemany(
        "insert into call_manager select gen_random_uuid(), '101', $1, $2, $3, $4, true, true, false, false, false, 0,"
        " case when i <= $6 then 200000000 else 0 end, 0, true, now() from generate_series(1, $5::int) as i",
        [(*key, n, long) for key, (n, long) in ledger.items()],
    )


def counted(
    ledger: dict[tuple[object, ...], list[int]], since: date, until: date, direction: str | None
) -> dict[int, tuple[int, int]]:
    """Distinct numbers by user, counted in the plainest way."""
    every: dict[int, set[str]] = {}
    long: dict[int, set[str]] = {}
    for (user, day, way, number), (n, n_long) in ledger.items():
        if n and since <= day <= until and direction in (None, way):  # type: ignore[operator]
            every.setdefault(user, set()).add(number)  # type: ignore[call-overload]
            if n_long:
                long.setdefault(user, set()).add(number)  # type: ignore[call-overload]
    return {user: (len(numbers), len(long.get(user, ()))) for user, numbers in every.items()}


async def test_two_pages_at_once_of_one_manager_wait_for_each_other(database: str) -> None:
    def row(day: int) -> list[dict[str, object]]:
        when = str(FIRST + timedelta(day))
        return [{"user_id": user, "day": when, "direction": "inbound", "number": "+71", "n": 1, "n_long": 0}]

    async with open_pool(database) as pool:
        user = (await people(pool))[0]
        async with pool.acquire() as one, pool.acquire() as other:
            first = one.transaction()
            await first.start()
            await one.fetch("select * from move_numbers($1)", row(1))
            pid = await other.fetchval("select pg_backend_pid()")
            waiting = other.fetch("select * from move_numbers($1)", row(2))
            task = asyncio.ensure_future(waiting)
            while not await pool.fetchval("select cardinality(pg_blocking_pids($1)) > 0", pid):
                await asyncio.sleep(0.01)
            await first.commit()
            await task
        assert [r["before"] for r in await pool.fetch(LISTS + ", 4") if r["direction"] == "any"] == [
            [-32768],
            [(FIRST + timedelta(1) - date(2000, 1, 1)).days],
        ]
