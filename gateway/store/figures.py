"""The roll-ups: moved by the difference a transaction makes, never computed from scratch but for a recount."""

from collections.abc import Sequence

from gateway.domain.figures import COMPANY_SUMS, SUMS, Delta
from gateway.store.database import Connection, Pool

_NUMBERS = """
with delta as (
    select * from unnest($1::bigint[], $2::date[], $3::text[], $4::text[], $5::int[], $6::int[])
        as d(user_id, day, direction, number, n, n_long)
), now_is as (
    insert into number_day as t (user_id, day, direction, number, n, n_long) select * from delta
    on conflict (user_id, day, direction, number)
        do update set n = t.n + excluded.n, n_long = t.n_long + excluded.n_long
    returning user_id, day, direction, number, n, n_long
)
select user_id, day, direction,
    sum((a.n > 0)::int - (a.n - d.n > 0)::int)::int as numbers,
    sum((a.n_long > 0)::int - (a.n_long - d.n_long > 0)::int)::int as numbers_long
from now_is a join delta d using (user_id, day, direction, number)
group by user_id, day, direction
"""


async def apply(connection: Connection, delta: Delta) -> None:
    """Move the roll-ups by what the transaction's calls add and take away."""
    distinct = await _ledger(connection, delta)
    keys = sorted(delta.managers)
    sums = [[delta.managers[key][name] for key in keys] for name in SUMS]
    numbers = [distinct.get(key, (0, 0)) for key in keys]
    if keys:
        columns = (*SUMS, "numbers", "numbers_long")
        await connection.execute(
            _upsert("manager_day", ("user_id bigint", "day date", "direction text"), columns),
            [k[0] for k in keys],
            [k[1] for k in keys],
            [str(k[2]) for k in keys],
            *sums,
            [n for n, _ in numbers],
            [n for _, n in numbers],
        )
    await _company(connection, delta)


async def _ledger(connection: Connection, delta: Delta) -> dict[tuple[object, ...], tuple[int, int]]:
    keys = sorted(delta.numbers)
    if not keys:
        return {}
    rows = await connection.fetch(
        _NUMBERS,
        [k[0] for k in keys],
        [k[1] for k in keys],
        [str(k[2]) for k in keys],
        [k[3] for k in keys],
        [delta.numbers[k][0] for k in keys],
        [delta.numbers[k][1] for k in keys],
    )
    return {(r["user_id"], r["day"], r["direction"]): (r["numbers"], r["numbers_long"]) for r in rows}


async def _company(connection: Connection, delta: Delta) -> None:
    keys = sorted(delta.company)
    if keys:
        await connection.execute(
            _upsert("company_day", ("day date", "direction text"), COMPANY_SUMS),
            [k[0] for k in keys],
            [str(k[1]) for k in keys],
            *[[delta.company[key][name] for key in keys] for name in COMPANY_SUMS],
        )


def _upsert(table: str, keys: Sequence[str], columns: Sequence[str]) -> str:
    """`insert ... on conflict do update` that adds the given sums, from one array a column."""
    types = [k.split()[1] for k in keys] + ["bigint"] * len(columns)
    names = [k.split()[0] for k in keys]
    arrays = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, start=1))
    added = ", ".join(f"{c} = t.{c} + excluded.{c}" for c in columns)
    return (
        f"insert into {table} as t ({', '.join([*names, *columns])}) select * from unnest({arrays})"
        f" on conflict ({', '.join(names)}) do update set {added}"
    )


_RECOUNT = (
    "truncate manager_day, number_day, company_day",
    """insert into number_day select user_id, day, direction, number, count(*),
        count(*) filter (where talk_us > $1 * 1000000::bigint)
        from call_manager where counted and number is not null group by 1, 2, 3, 4""",
    """insert into manager_day select user_id, day, direction, count(*), count(*) filter (where answered),
        count(*) filter (where missed), count(*) filter (where not_taken), count(*) filter (where lost),
        sum(talk_us), sum(wait_us), count(distinct number),
        count(distinct number) filter (where talk_us > $1 * 1000000::bigint)
        from call_manager where counted group by 1, 2, 3""",
    """insert into company_day select (started_at at time zone $1)::date, direction, count(*),
        count(*) filter (where result in ('answered', 'lost_in_transfer')),
        count(*) filter (where result = 'missed'), count(*) filter (where result = 'lost_in_transfer'),
        sum(talk_us), sum(coalesce(wait_us, 0))
        from call where kind = 'client' and state = 'ended' and merged_into is null group by 1, 2""",
)


async def recount(connection: Connection, *, long_seconds: int, zone: str) -> None:
    """Compute all roll-ups again from the calls, in the caller's transaction; for a changed rule and for proof."""
    clear, numbers, managers, company = _RECOUNT
    await connection.execute(clear)
    await connection.execute(numbers, long_seconds)
    await connection.execute(managers, long_seconds)
    await connection.execute(company, zone)
    await connection.execute(
        "insert into counting_rule (long_seconds) values ($1) on conflict (id) do update set long_seconds = $1",
        long_seconds,
    )


async def keep_rule(pool: Pool, *, long_seconds: int, zone: str) -> bool:
    """Recount the history where the rule for a long call is another than the one counted by.

    Returns:
        Whether a recount was made.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table counting_rule in exclusive mode")
        if await connection.fetchval("select long_seconds from counting_rule") == long_seconds:
            return False
        await connection.execute("lock table call, call_manager in share row exclusive mode")
        await recount(connection, long_seconds=long_seconds, zone=zone)
        return True
