"""Distinct numbers of any span of days without counting each number of each day again.

Of every number that a manager had on a day the day is kept on which he had it last before. A number is new to a span
on exactly one of its days: the one before which it was last had outside the span. So the distinct numbers of a span
are, day by day, how many of those earlier days lie before the span, and a sorted array says that in a few steps
(`width_bucket`). One row a manager, day and direction is read, as for the sums; `any` is all directions together.

A number that comes in late stands between two days of that number, so the next day's array changes as well. Row by row
is a third of the cost of one statement for the page, whose plan alone takes longer. Pages of two PBXs may concern one
manager, so his ledger is moved by one page at a time (an advisory lock, taken in the order of the ids).

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

PUT_IN = """
create function day_put(held smallint[], put smallint) returns smallint[] language sql immutable
return held[1:width_bucket(put, held)] || put || held[width_bucket(put, held) + 1:]
"""

TAKEN_OUT = """
create function day_taken(held smallint[], taken smallint) returns smallint[] language sql immutable
return held[1:array_position(held, taken) - 1] || held[array_position(held, taken) + 1:]
"""

MOVED = """
create function move_day(whose bigint, way text, on_day date, sign int, earlier date, later date,
    sign_long int, earlier_long date, later_long date) returns void language plpgsql as $$
begin
    if sign > 0 or sign_long > 0 then
        insert into distinct_day as t values (whose, way, on_day,
                case when sign > 0 then array[day_number(earlier)] else '{}' end,
                case when sign_long > 0 then array[day_number(earlier_long)] else '{}' end)
            on conflict (user_id, direction, day) do update set
                before = case when sign > 0 then day_put(t.before, day_number(earlier)) else t.before end,
                before_long = case when sign_long > 0
                    then day_put(t.before_long, day_number(earlier_long)) else t.before_long end;
    end if;
    if sign < 0 or sign_long < 0 then
        update distinct_day set
                before = case when sign < 0 then day_taken(before, day_number(earlier)) else before end,
                before_long = case when sign_long < 0
                    then day_taken(before_long, day_number(earlier_long)) else before_long end
            where user_id = whose and direction = way and day = on_day;
    end if;
    if sign <> 0 and later is not null then
        update distinct_day set before = case when sign > 0
                then day_put(day_taken(before, day_number(earlier)), day_number(on_day))
                else day_put(day_taken(before, day_number(on_day)), day_number(earlier)) end
            where user_id = whose and direction = way and day = later;
    end if;
    if sign_long <> 0 and later_long is not null then
        update distinct_day set before_long = case when sign_long > 0
                then day_put(day_taken(before_long, day_number(earlier_long)), day_number(on_day))
                else day_put(day_taken(before_long, day_number(on_day)), day_number(earlier_long)) end
            where user_id = whose and direction = way and day = later_long;
    end if;
end $$
"""
"""A number came to a day (sign 1) or left it (-1): the day itself, and the next one of that number."""

LEDGER = """
create function move_numbers(numbers_in json)
returns table (user_id bigint, day date, direction text, numbers int, numbers_long int) language plpgsql as $$
#variable_conflict use_column
declare
    r record;
    found record;
    locked bigint;
begin
    for r in select * from json_to_recordset(numbers_in)
            as d(user_id bigint, day date, direction text, number text, n int, n_long int) loop
        if r.user_id is distinct from locked then
            locked := r.user_id;
            perform pg_advisory_xact_lock(7461, (locked % 2147483647)::int);
        end if;
        insert into number_day as t values (r.user_id, r.day, r.direction, r.number, r.n, r.n_long)
            on conflict (user_id, number, day, direction)
                do update set n = t.n + r.n, n_long = t.n_long + r.n_long
            returning (t.n > 0)::int - (t.n - r.n > 0)::int, (t.n_long > 0)::int - (t.n_long - r.n_long > 0)::int
            into numbers, numbers_long;
        continue when numbers = 0 and numbers_long = 0;
        select max(t.day) filter (where t.day < r.day and t.direction = r.direction) as earlier,
                max(t.day) filter (where t.day < r.day) as earlier_any,
                min(t.day) filter (where t.day > r.day and t.direction = r.direction) as later,
                min(t.day) filter (where t.day > r.day) as later_any,
                bool_or(t.day = r.day) as other,
                max(t.day) filter (where t.n_long > 0 and t.day < r.day and t.direction = r.direction) as earlier_long,
                max(t.day) filter (where t.n_long > 0 and t.day < r.day) as earlier_any_long,
                min(t.day) filter (where t.n_long > 0 and t.day > r.day and t.direction = r.direction) as later_long,
                min(t.day) filter (where t.n_long > 0 and t.day > r.day) as later_any_long,
                bool_or(t.n_long > 0 and t.day = r.day) as other_long
            into found from number_day t
            where t.user_id = r.user_id and t.number = r.number and t.n > 0
                and (t.day, t.direction) is distinct from (r.day, r.direction);
        perform move_day(r.user_id, r.direction, r.day, numbers, found.earlier, found.later,
            numbers_long, found.earlier_long, found.later_long);
        perform move_day(r.user_id, 'any', r.day,
            case when found.other then 0 else numbers end, found.earlier_any, found.later_any,
            case when found.other_long then 0 else numbers_long end, found.earlier_any_long, found.later_any_long);
        user_id := r.user_id;
        day := r.day;
        direction := r.direction;
        return next;
    end loop;
end $$
"""

FIGURES = """
create function move_managers(managers_in json, numbers_in json) returns void language sql as $$
    insert into manager_day as t (user_id, day, direction, calls, answered, missed, not_taken, lost, talk_us,
            wait_us, numbers, numbers_long)
        select m.user_id, m.day, m.direction, m.calls, m.answered, m.missed, m.not_taken, m.lost, m.talk_us,
            m.wait_us, coalesce(v.numbers, 0), coalesce(v.numbers_long, 0)
        from json_populate_recordset(null::manager_day, managers_in) as m
        left join (select user_id, day, direction, sum(numbers) as numbers, sum(numbers_long) as numbers_long
            from move_numbers(numbers_in) group by user_id, day, direction) as v using (user_id, day, direction)
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
    for statement in (*TABLES, DAY, PUT_IN, TAKEN_OUT, MOVED, LEDGER, FIGURES, PUT, COUNT):
        op.execute(statement)
