"""The roll-ups: moved by the difference a transaction makes, never computed from scratch but for a recount."""

from gateway.domain.figures import COMPANY_SUMS, SUMS, Delta
from gateway.store.database import Connection, Pool, Row


def delta_rows(delta: Delta) -> dict[str, list[Row]]:
    """What a transaction moves, as `enter_book` takes it, in one order: two writers never wait crosswise."""
    return {
        "managers": [
            {"user_id": user, "day": str(day), "direction": direction, **{n: sums[n] for n in SUMS}}
            for (user, day, direction), sums in sorted(delta.managers.items())
        ],
        "numbers": [
            {"user_id": user, "day": str(day), "direction": direction, "number": number, "n": n, "n_long": n_long}
            for (user, day, direction, number), (n, n_long) in sorted(delta.numbers.items())
        ],
        "company": [
            {"day": str(day), "direction": direction, **{n: sums[n] for n in COMPANY_SUMS}}
            for (day, direction), sums in sorted(delta.company.items())
        ],
    }


_RECOUNT_SECONDS = 6 * 3600.0
"""A recount of ten million calls takes minutes; the pool's ordinary limit would end it."""
_RECOUNT = (
    "truncate manager_day, number_day, distinct_day, company_day",
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
_DISTINCT = """insert into distinct_day
    with state as (
        select user_id, direction, number, day, n_long > 0 as long from number_day where n > 0
        union all
        select user_id, 'any', number, day, bool_or(n_long > 0) from number_day where n > 0
        group by user_id, number, day
    ), each as (
        select user_id, direction, day, long, day_number(lag(day) over each_number) as before,
            day_number(
                max(day) filter (where long) over (each_number rows between unbounded preceding and 1 preceding)
                ) as before_long
        from state window each_number as (partition by user_id, direction, number collate "C" order by day)
    )
    select user_id, direction, day, array_agg(before order by before),
        coalesce(array_agg(before_long order by before_long) filter (where long), '{}')
    from each group by user_id, direction, day"""
"""For each number of a day the day before on which it was counted last; see migration 0009."""


async def recount(connection: Connection, *, long_seconds: int, zone: str) -> None:
    """Compute all roll-ups again from the calls, in the caller's transaction; for a changed rule and for proof."""
    clear, numbers, managers, company = _RECOUNT
    await connection.execute(clear)
    await connection.execute(numbers, long_seconds, timeout=_RECOUNT_SECONDS)
    await connection.execute(_DISTINCT, timeout=_RECOUNT_SECONDS)
    await connection.execute(managers, long_seconds, timeout=_RECOUNT_SECONDS)
    await connection.execute(company, zone, timeout=_RECOUNT_SECONDS)
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
