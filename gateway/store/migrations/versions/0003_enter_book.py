"""One statement for everything a batch of journal rows changes: the hot path pays one round trip, not fifteen.

`enter_book(document)` runs as one transaction. The document is made by gateway/ledger.py; each list may be empty.
Cards are found or made first, so calls and facts of new numbers bear them; the function returns the cards.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

ENTER = """
create function enter_book(book json)
returns table (number text, contact_id bigint, made boolean) language plpgsql as $$
#variable_conflict use_column
declare
    cards jsonb := '{}';
begin
    insert into family (id, pbx, open, rows, first_at, last_at)
        select f.id, f.pbx, f.open, decode(f.rows, 'base64'), f.first_at, f.last_at
        from json_to_recordset(book->'families')
            as f(id uuid, pbx text, open boolean, rows text, first_at timestamptz, last_at timestamptz)
        on conflict (id) do update set open = excluded.open, rows = excluded.rows,
            first_at = excluded.first_at, last_at = excluded.last_at;

    if json_array_length(book->'joined') > 0 then
        update call c set family_id = j.kept
            from json_to_recordset(book->'joined') as j(kept uuid, gone uuid) where c.family_id = j.gone;
        update leg l set family_id = j.kept
            from json_to_recordset(book->'joined') as j(kept uuid, gone uuid) where l.family_id = j.gone;
        delete from family f using json_to_recordset(book->'joined') as j(kept uuid, gone uuid) where f.id = j.gone;
    end if;

    if json_array_length(book->'cards') > 0 then
        select jsonb_object_agg(k.number, jsonb_build_array(k.contact_id, k.made)) into cards
            from (select array_agg(w.number) as numbers, array_agg(w.name) as names
                  from json_to_recordset(book->'cards') as w(number text, name text)) as w,
            cards_for(w.numbers, w.names) as k;
        insert into fact (kind, body, contact_id)
            select 'card.created', jsonb_build_object('id', (k.value->>0)::bigint, 'number', k.key),
                (k.value->>0)::bigint
            from jsonb_each(cards) as k where (k.value->>1)::boolean;
    end if;

    if json_array_length(book->'calls') > 0 then
        -- a lateral join: written as (json_populate_record(...)).* it would run once a column
        insert into call select r.*
            from json_array_elements(book->'calls') as c
            cross join lateral json_populate_record(null::call, (c.value::jsonb
                || jsonb_build_object('contact_id',
                    coalesce((cards->(c.value->>'card_number')->>0)::bigint, (c.value->>'contact_id')::bigint),
                    'updated_at', now()))::json) as r
        on conflict (id) do update set
            family_id = excluded.family_id, kind = excluded.kind, direction = excluded.direction,
            state = excluded.state, client_number = excluded.client_number, client_kind = excluded.client_kind,
            client_raw = excluded.client_raw, client_name = excluded.client_name, contact_id = excluded.contact_id,
            did = excluded.did, trunk = excluded.trunk, result = excluded.result,
            missed_reason = excluded.missed_reason, answered_by = excluded.answered_by,
            responsible_id = excluded.responsible_id, wait_us = excluded.wait_us, talk_us = excluded.talk_us,
            hold_us = excluded.hold_us, ring_us = excluded.ring_us, outside_us = excluded.outside_us,
            transfers = excluded.transfers, hung_up_by = excluded.hung_up_by, complete = excluded.complete,
            started_at = excluded.started_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,
            linkedids = excluded.linkedids, unmapped = excluded.unmapped, command_id = excluded.command_id,
            merged_into = null, revision = excluded.revision, updated_at = excluded.updated_at;
    end if;

    if json_array_length(book->'legs') > 0 then
        insert into leg select * from json_populate_recordset(null::leg, book->'legs')
        on conflict (pbx, id) do update set
            family_id = excluded.family_id, call_id = excluded.call_id, channel = excluded.channel,
            role = excluded.role, extension = excluded.extension, dialled = excluded.dialled,
            started_at = excluded.started_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,
            cause = excluded.cause;
        update recording r set call_id = l.call_id
            from json_populate_recordset(null::leg, book->'legs') as l
            where r.pbx = l.pbx and r.name = l.id and r.call_id is distinct from l.call_id;
    end if;

    if json_array_length(book->'parted') > 0 then
        delete from call_manager m using json_array_elements_text(book->'parted') as p where m.call_id = p.value::uuid;
        insert into call_manager select * from json_populate_recordset(null::call_manager, book->'parts');
    end if;

    if json_array_length(book->'merged') > 0 then
        update call c set merged_into = m.into_id, updated_at = now()
            from json_to_recordset(book->'merged') as m(gone uuid, into_id uuid)
            where c.id = m.gone or c.merged_into = m.gone;
        update recording r set call_id = m.into_id
            from json_to_recordset(book->'merged') as m(gone uuid, into_id uuid) where r.call_id = m.gone;
        delete from call_manager p
            using json_to_recordset(book->'merged') as m(gone uuid, into_id uuid) where p.call_id = m.gone;
    end if;

    if json_array_length(book->'managers') > 0 then
        with delta as (
            select * from json_to_recordset(book->'numbers')
                as d(user_id bigint, day date, direction text, number text, n int, n_long int)
        ), ledger as (
            insert into number_day as t (user_id, day, direction, number, n, n_long) select * from delta
            on conflict (user_id, day, direction, number)
                do update set n = t.n + excluded.n, n_long = t.n_long + excluded.n_long
            returning user_id, day, direction, number, n, n_long
        ), moved as (
            select user_id, day, direction,
                sum((a.n > 0)::int - (a.n - d.n > 0)::int) as numbers,
                sum((a.n_long > 0)::int - (a.n_long - d.n_long > 0)::int) as numbers_long
            from ledger a join delta d using (user_id, day, direction, number) group by user_id, day, direction
        )
        insert into manager_day as t (user_id, day, direction, calls, answered, missed, not_taken, lost, talk_us,
                wait_us, numbers, numbers_long)
            select m.user_id, m.day, m.direction, m.calls, m.answered, m.missed, m.not_taken, m.lost, m.talk_us,
                m.wait_us, coalesce(v.numbers, 0), coalesce(v.numbers_long, 0)
            from json_populate_recordset(null::manager_day, book->'managers') as m
            left join moved v using (user_id, day, direction)
        on conflict (user_id, day, direction) do update set
            calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
            missed = t.missed + excluded.missed, not_taken = t.not_taken + excluded.not_taken,
            lost = t.lost + excluded.lost, talk_us = t.talk_us + excluded.talk_us,
            wait_us = t.wait_us + excluded.wait_us, numbers = t.numbers + excluded.numbers,
            numbers_long = t.numbers_long + excluded.numbers_long;
    end if;

    if json_array_length(book->'company') > 0 then
        insert into company_day as t select * from json_populate_recordset(null::company_day, book->'company')
        on conflict (day, direction) do update set
            calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
            missed = t.missed + excluded.missed, lost = t.lost + excluded.lost,
            talk_us = t.talk_us + excluded.talk_us, wait_us = t.wait_us + excluded.wait_us;
    end if;

    if json_array_length(book->'facts') > 0 then
        insert into fact (kind, body, call_id, contact_id, users)
            select f.kind,
                case when cards ? f.card_number
                    then jsonb_set(f.body, '{contact_id}', cards->f.card_number->0) else f.body end,
                f.call_id, coalesce((cards->f.card_number->>0)::bigint, f.contact_id), f.users
            from json_to_recordset(book->'facts') as f(
                kind text, body jsonb, call_id uuid, contact_id bigint, users bigint[], card_number text);
        perform pg_notify('trunkline_facts', '');
    end if;

    if book->>'cursor' is not null then
        insert into journal_cursor (pbx, cursor) values (book->>'pbx', (book->'cursor')::jsonb)
            on conflict (pbx) do update set cursor = excluded.cursor, updated_at = now();
    end if;

    insert into quarantine (pbx, reason, data)
        select book->>'pbx', q.reason, decode(q.data, 'base64')
        from json_to_recordset(book->'broken') as q(reason text, data text);

    return query select k.key, (k.value->>0)::bigint, (k.value->>1)::boolean from jsonb_each(cards) as k;
end $$;
"""


def upgrade() -> None:
    """Create the function."""
    op.execute(ENTER)
