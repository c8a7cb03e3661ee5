"""Distinct numbers of any span of days without counting each number of each day again.

Of every number that a manager had on a day the day is kept on which he had it last before. A number is new to a span
on exactly one of its days: the one before which it was last had outside the span. So the distinct numbers of a span
are, day by day, how many of those earlier days lie before the span, and a sorted array says that in a few steps
(`width_bucket`). One row a manager, day and direction is read, as for the sums; `any` is all directions together.

A number that comes in late stands between two days of that number, so the next day's array changes as well. What was
true before the page and what is true after it are both found from the ledger, and the arrays move by the difference.
Pages of two PBXs may concern one manager, so his ledger is moved by one page at a time (an advisory lock, taken in
the order of the ids).

The ledger's key changes its order: a manager's days of one number now stand together.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = (
    "alter table number_day drop constraint number_day_pkey",
    "alter table number_day add primary key (user_id, number, day, direction)",
    """create table distinct_day (
        user_id bigint not null,
        direction text not null,
        day date not null,
        before smallint[] not null,
        before_long smallint[] not null,
        primary key (user_id, direction, day)
    ) partition by list (direction)""",
    *(
        f"create table distinct_day_{direction} partition of distinct_day for values in ('{direction}')"
        " with (fillfactor = 70)"
        for direction in ("inbound", "outbound", "any")
    ),
    "create index distinct_day_of_day on distinct_day_any (day)",
)

DAY = """
create function day_number(day date) returns smallint language sql immutable parallel safe
return case when day is null then -32768 else greatest(-32767, least(32767, day - date '2000-01-01')) end::smallint
"""
"""Days are kept in two bytes, counted from 2000; none, never, is the least of them. A date that a broken clock wrote
stays at the end of the range."""

MOVED = """
create function days_moved(held smallint[], more smallint[], less smallint[]) returns smallint[] language sql immutable
return case
    when cardinality(less) = 0 then
        (select coalesce(array_agg(d order by d), '{}') from unnest(held || more) as d)
    else
        (select coalesce(array_agg(d order by d), '{}')
         from (select unnest(held || more) as d except all select unnest(less)) as kept)
    end
"""

LEDGER = """
create function move_numbers(numbers_in json)
returns table (user_id bigint, day date, direction text, numbers bigint, numbers_long bigint) language plpgsql as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(7461, (u.id % 2147483647)::int)
        from (select distinct d.user_id as id from json_to_recordset(numbers_in) as d(user_id bigint) order by 1) u;

    insert into number_day as t (user_id, day, direction, number, n, n_long)
        select * from json_to_recordset(numbers_in)
            as d(user_id bigint, day date, direction text, number text, n int, n_long int)
        on conflict (user_id, number, day, direction)
            do update set n = t.n + excluded.n, n_long = t.n_long + excluded.n_long;

    return query
    with delta as (
        select * from json_to_recordset(numbers_in)
            as d(user_id bigint, day date, direction text, number text, n int, n_long int)
    ), touched as (
        select t.user_id, t.number, t.day, t.direction, t.n, t.n_long,
            t.n - coalesce(d.n, 0) as stood, t.n_long - coalesce(d.n_long, 0) as stood_long
        from (select distinct user_id, number, day from delta) k
        join number_day t using (user_id, number, day)
        left join delta d using (user_id, number, day, direction)
    ), state as (
        select user_id, number, day, direction, n > 0 as stands, stood > 0 as stood, n_long > 0 as stands_long,
            stood_long > 0 as stood_long
        from touched
        union all
        select user_id, number, day, 'any', bool_or(n > 0), bool_or(stood > 0), bool_or(n_long > 0),
            bool_or(stood_long > 0)
        from touched group by user_id, number, day
    ), flip as (
        select user_id, number, direction, day, false as long, stands from state where stands <> stood
        union all
        select user_id, number, direction, day, true, stands_long from state where stands_long <> stood_long
    ), concerned as (
        select user_id, number, direction, long, day, bool_or(stands) as stands, bool_or(stood) as stood from (
            select user_id, number, direction, long, day, stands, not stands as stood from flip
            union all
            select f.user_id, f.number, f.direction, f.long, later.day, true, null
            from flip f cross join lateral (
                select t.day from number_day t
                where t.user_id = f.user_id and t.number = f.number and t.day > f.day
                    and t.n > 0 and (not f.long or t.n_long > 0)
                    and (f.direction = 'any' or t.direction = f.direction)
                order by t.day limit 1) later
        ) as every
        group by user_id, number, direction, long, day
    ), moved as (
        select c.user_id, c.direction, c.day, c.long,
            case when c.stands then day_number(now.day) end as more,
            case when coalesce(c.stood, true) then day_number(greatest(stayed.day, went.day)) end as less
        from concerned c
        left join lateral (
            select t.day from number_day t
            where t.user_id = c.user_id and t.number = c.number and t.day < c.day
                and t.n > 0 and (not c.long or t.n_long > 0)
                and (c.direction = 'any' or t.direction = c.direction)
            order by t.day desc limit 1) now on true
        left join lateral (
            select t.day from number_day t
            where t.user_id = c.user_id and t.number = c.number and t.day < c.day
                and t.n > 0 and (not c.long or t.n_long > 0)
                and (c.direction = 'any' or t.direction = c.direction)
                and not exists (
                    select from flip f where f.stands and f.user_id = c.user_id and f.number = c.number
                        and f.direction = c.direction and f.long = c.long and f.day = t.day)
            order by t.day desc limit 1) stayed on true
        left join lateral (
            select max(f.day) as day from flip f where not f.stands and f.user_id = c.user_id and f.number = c.number
                and f.direction = c.direction and f.long = c.long and f.day < c.day) went on true
    ), arrays as (
        select user_id, direction, day,
            coalesce(array_agg(more) filter (where more is not null and not long), '{}') as more,
            coalesce(array_agg(less) filter (where less is not null and not long), '{}') as less,
            coalesce(array_agg(more) filter (where more is not null and long), '{}') as more_long,
            coalesce(array_agg(less) filter (where less is not null and long), '{}') as less_long
        from moved where more is distinct from less group by user_id, direction, day
    ), written as (
        insert into distinct_day as t (user_id, direction, day, before, before_long)
        select user_id, direction, day, days_moved('{}', more, less), days_moved('{}', more_long, less_long)
        from arrays
        on conflict (user_id, direction, day) do update set
            before = (select days_moved(t.before, a.more, a.less) from arrays a
                where (a.user_id, a.direction, a.day) = (t.user_id, t.direction, t.day)),
            before_long = (select days_moved(t.before_long, a.more_long, a.less_long) from arrays a
                where (a.user_id, a.direction, a.day) = (t.user_id, t.direction, t.day))
        returning user_id, direction
    )
    select user_id, day, direction, sum((not long)::int * sign), sum(long::int * sign)
        from (select user_id, day, direction, long, stands::int - (not stands)::int as sign from flip
            where direction <> 'any') as flipped
        cross join (select count(*) from written) as forced
        group by user_id, day, direction;
end $$
"""

FIGURES = """
create function move_managers(managers_in json, numbers_in json) returns void language sql as $$
    insert into manager_day as t (user_id, day, direction, calls, answered, missed, not_taken, lost, talk_us,
            wait_us, numbers, numbers_long)
        select m.user_id, m.day, m.direction, m.calls, m.answered, m.missed, m.not_taken, m.lost, m.talk_us,
            m.wait_us, coalesce(v.numbers, 0), coalesce(v.numbers_long, 0)
        from json_populate_recordset(null::manager_day, managers_in) as m
        left join move_numbers(numbers_in) as v using (user_id, day, direction)
    on conflict (user_id, day, direction) do update set
        calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
        missed = t.missed + excluded.missed, not_taken = t.not_taken + excluded.not_taken,
        lost = t.lost + excluded.lost, talk_us = t.talk_us + excluded.talk_us,
        wait_us = t.wait_us + excluded.wait_us, numbers = t.numbers + excluded.numbers,
        numbers_long = t.numbers_long + excluded.numbers_long;
$$
"""

PUT = """
do $do$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
    first int := position('    if managers_in is not null then' in written);
    after int := position('    if company_in is not null then' in written);
begin
    if first = 0 or after < first then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute left(written, first - 1)
        || '    if managers_in is not null then perform move_managers(managers_in, numbers_in); end if;' || E'\\n\\n'
        || substr(written, after);
end $do$
"""

COUNT = """
insert into distinct_day
with state as (
    select user_id, direction, number, day, n_long > 0 as long from number_day where n > 0
    union all
    select user_id, 'any', number, day, bool_or(n_long > 0) from number_day where n > 0 group by user_id, number, day
), each as (
    select user_id, direction, day, long,
        day_number(lag(day) over each_number) as before,
        day_number(
            max(day) filter (where long) over (each_number rows between unbounded preceding and 1 preceding)
            ) as before_long
    from state window each_number as (partition by user_id, direction, number collate "C" order by day)
)
select user_id, direction, day, array_agg(before order by before),
    coalesce(array_agg(before_long order by before_long) filter (where long), '{}')
from each group by user_id, direction, day
"""


def upgrade() -> None:
    """Make the arrays, fill them from the ledger, and let each page move them."""
    for statement in (*TABLES, DAY, MOVED, LEDGER, FIGURES, PUT, COUNT):
        op.execute(statement)
