"""A hundred managers and a hundred thousand calls of sixty days beside the day, for what must be quick then.

Calls are made by SQL in the shape that the pipeline leaves them, figures by the product's own recount.
"""

from gateway.store.database import Pool
from gateway.store.figures import recount

MANAGERS, CLIENTS, CALLS, DAYS = 100, 5_000, 100_000, 60

_PEOPLE = """
with made as (
    insert into users (login, name, role)
    select 'seller' || n,
        (array['Анна','Jan','Olga','Piotr','Мария','Tomasz','Иван','Zofia','Sergei','Ewa'])[1 + n % 10]
        || ' ' || (array['Nowak','Соколова','Lis','Ким','Wójcik','Орлова','Zając','Белов','Kaczmarek','Смирнова'])
            [1 + n / 10 % 10], 'manager'
    from generate_series(1, $1::int) as n returning id, login)
insert into extension (pbx, extension, user_id)
    select 'pbx1', (1000 + substr(login, 7)::int)::text, id from made"""

_CLIENTS = """
with made as (
    insert into contact (name, city, owner_id)
    select (array['Александр','Katarzyna','Дмитрий','Łukasz','Екатерина','Małgorzata','Николай','Paweł'])[1 + n % 8]
        || ' ' || (array['Иванов','Kowalska','Петров','Wiśniewski','Сидорова','Dąbrowska','Кузнецов','Zieliński'])
            [1 + n / 8 % 8] || ' ' || n, (array['Warszawa','Москва','Gdańsk','Казань','Kraków'])[1 + n % 5], u.id
    from generate_series(1, $1::int) as n
    join (select id, row_number() over (order by id) - 1 as place from users where login like 'seller%') u
        on u.place = n % $2 returning id)
insert into contact_phone (contact_id, number)
    select id, '+7917' || lpad((row_number() over (order by id))::text, 7, '0') from made"""

_NUMBERS = """
insert into contact_number (number, contact_id) select number, contact_id from contact_phone where number like '+7917%'
on conflict do nothing"""

_CALLS = """
with f as (
    insert into family (id, pbx, open, rows, first_at, last_at)
    values (gen_random_uuid(), 'pbx1', false, '', now(), now()) returning id),
given as (
    select i, abs(hashint8(i)) as h, now() - (i * $2::float8 / $1) * interval '1 day' as at, u.id as user_id,
        u.extension, p.number, p.contact_id, c.name as client_name
    from generate_series(1, $1::int) as i
    join (select x.id, e.extension, row_number() over (order by x.id) - 1 as place
        from users x join extension e on e.user_id = x.id where x.login like 'seller%') u on u.place = i % $3
    join (select contact_id, number, row_number() over (order by number) - 1 as place
        from contact_phone where number like '+7917%') p on p.place = abs(hashint8(i + 7)) % $4
    join contact c on c.id = p.contact_id),
said as (
    select *, h % 3 = 0 as inbound, case when h % 4 > 0 then 'answered' when h % 3 = 0 then 'missed'
        when h % 8 = 4 then 'busy' else 'no_answer' end as result,
        case when h % 4 > 0 then (10 + h % 590) * 1000000::bigint else 0 end as talk
    from given),
made as (
    insert into call (id, pbx, key, family_id, kind, direction, state, client_number, client_name, contact_id, did,
        result, answered_by, responsible_id, wait_us, talk_us, ring_us, outside_us, complete, started_at, answered_at,
        ended_at, managers)
    select md5('crowd' || i)::uuid, 'pbx1', 'crowd ' || i, f.id, 'client',
        case when inbound then 'inbound' else 'outbound' end, 'ended', number, client_name, contact_id,
        case when inbound then '+74955550101' end, result,
        case when talk > 0 then array[extension] else '{}' end, user_id, 5000000, talk, 7000000, talk, true, at,
        case when talk > 0 then at + interval '7 s' end, at + interval '7 s' + talk * interval '1 microsecond',
        jsonb_build_array(jsonb_build_object('extension', extension, 'user_id', user_id, 'rang_seconds', 7,
            'talk_seconds', talk / 1000000))
    from said, f returning id)
insert into call_manager
    select md5('crowd' || i)::uuid, extension, user_id, (at at time zone $5)::date,
        case when inbound then 'inbound' else 'outbound' end, number, true, talk > 0, inbound and talk = 0,
        false, false, 7000000, talk, 5000000, true, at from said"""


async def fill_crowd(pool: Pool, *, calls: int = CALLS, managers: int = MANAGERS, zone: str = "UTC") -> None:
    """Write them beside what is there.

    Args:
        pool: of a migrated database.
        calls: how many.
        managers: how many; their logins are seller1, seller2...
        zone: the company's.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_PEOPLE, managers)
        await connection.execute(_CLIENTS, CLIENTS, managers)
        await connection.execute(_NUMBERS)
        await connection.execute(_CALLS, calls, float(DAYS), managers, CLIENTS, zone, timeout=300)
        await recount(connection, long_seconds=120, zone=zone)
    await pool.execute("analyze", timeout=120)
