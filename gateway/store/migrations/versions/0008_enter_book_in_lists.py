"""`enter_book` takes one list a table instead of one document: each list is read once, and an absent one not at all.

A statement that takes `document->'calls'` reads the whole document to find it; two dozen of them made half of the
function's time. Families come as arrays, since their packed rows are the longest part and need no writing as text.

A gateway that begins a family for legs which the database knows already would count their calls twice. Looking them
up first would cost every new call a round trip, so the function refuses such legs instead (SQLSTATE TL003) unless
the caller has looked (`legs_may_move`).

What a merged family and a merged call had is found by key or index: a scan of all legs or calls would make a call
dearer with each one stored.

The whole function stands here, with what migrations 0005 and 0007 put into it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

ENTER = """
create function enter_book(
    pbx_in text,
    number_in bigint,
    lease_in text,
    epoch_in bigint,
    cursor_in jsonb,
    families_in uuid[],
    open_in boolean[],
    rows_in bytea[],
    first_in timestamptz[],
    last_in timestamptz[],
    legs_may_move boolean,
    joined_in json,
    numbers_of_cards text[],
    names_of_cards text[],
    calls_in json,
    legs_in json,
    parted_in uuid[],
    parts_in json,
    merged_in json,
    managers_in json,
    numbers_in json,
    company_in json,
    facts_in json,
    broken_in json)
returns table (number text, contact_id bigint, made boolean) language plpgsql as $$
#variable_conflict use_column
declare
    cards jsonb := '{}';
    written bigint;
begin
    update journal_page set number = number + 1 where pbx = pbx_in and number = number_in;
    if not found then
        raise exception 'the page is not the next one' using errcode = 'TL001';
    end if;
    if lease_in is not null and not exists (
            select 1 from lease where name = lease_in and epoch = epoch_in) then
        raise exception 'the lease has another holder' using errcode = 'TL002';
    end if;

    insert into family (id, pbx, open, rows, first_at, last_at)
        select f.id, pbx_in, f.open, f.rows, f.first_at, f.last_at
        from unnest(families_in, open_in, rows_in, first_in, last_in) as f(id, open, rows, first_at, last_at)
        on conflict (id) do update set open = excluded.open, rows = excluded.rows,
            first_at = excluded.first_at, last_at = excluded.last_at;

    if joined_in is not null then
        update call c set family_id = j.kept
            from json_to_recordset(joined_in) as j(kept uuid, gone uuid) where c.family_id = j.gone;
        update leg l set family_id = j.kept
            from json_to_recordset(joined_in) as j(kept uuid, legs text[]), unnest(j.legs) as moved(id)
            where l.pbx = pbx_in and l.id = moved.id;
        delete from family f using json_to_recordset(joined_in) as j(kept uuid, gone uuid) where f.id = j.gone;
    end if;

    if numbers_of_cards is not null then
        select jsonb_object_agg(k.number, jsonb_build_array(k.contact_id, k.made)) into cards
            from cards_for(numbers_of_cards, names_of_cards) as k;
        insert into fact (kind, body, contact_id)
            select 'card.created', jsonb_build_object('id', (k.value->>0)::bigint, 'number', k.key),
                (k.value->>0)::bigint
            from jsonb_each(cards) as k where (k.value->>1)::boolean;
    end if;

    if calls_in is not null then
        insert into call (id, pbx, key, family_id, kind, direction, state, client_number, client_kind, client_raw,
                client_name, contact_id, did, trunk, result, missed_reason, answered_by, responsible_id, wait_us,
                talk_us, hold_us, ring_us, outside_us, transfers, hung_up_by, complete, started_at, answered_at,
                ended_at, linkedids, unmapped, command_id, managers, revision)
            select c.id, pbx_in, c.key, c.family_id, c.kind, c.direction, c.state, c.client_number, c.client_kind,
                c.client_raw, c.client_name, coalesce((cards->c.card_number->>0)::bigint, c.contact_id), c.did,
                c.trunk, c.result, c.missed_reason, c.answered_by, c.responsible_id, c.wait_us, c.talk_us,
                c.hold_us, c.ring_us, c.outside_us, c.transfers, c.hung_up_by, c.complete, c.started_at,
                c.answered_at, c.ended_at, c.linkedids, c.unmapped, c.command_id, c.managers, c.revision
            from json_to_recordset(calls_in) as c(id uuid, key text, family_id uuid, kind text, direction text,
                state text, client_number text, client_kind text, client_raw text, client_name text,
                contact_id bigint, card_number text, did text, trunk text, result text, missed_reason text,
                answered_by text[], responsible_id bigint, wait_us bigint, talk_us bigint, hold_us bigint,
                ring_us bigint, outside_us bigint, transfers jsonb, hung_up_by text, complete boolean,
                started_at timestamptz, answered_at timestamptz, ended_at timestamptz, linkedids text[],
                unmapped text[], command_id text, managers jsonb, revision int)
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
            merged_into = null, managers = coalesce(excluded.managers, call.managers),
            revision = excluded.revision, updated_at = now();
    end if;

    if legs_in is not null then
        insert into leg (pbx, id, family_id, call_id, channel, role, extension, dialled, started_at, answered_at,
                ended_at, cause)
            select pbx_in, l.id, l.family_id, l.call_id, l.channel, l.role, l.extension, l.dialled, l.started_at,
                l.answered_at, l.ended_at, l.cause
            from json_to_recordset(legs_in) as l(id text, family_id uuid, call_id uuid, channel text, role text,
                extension text, dialled boolean, started_at timestamptz, answered_at timestamptz,
                ended_at timestamptz, cause int)
        on conflict (pbx, id) do update set
            family_id = excluded.family_id, call_id = excluded.call_id, channel = excluded.channel,
            role = excluded.role, extension = excluded.extension, dialled = excluded.dialled,
            started_at = excluded.started_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,
            cause = excluded.cause
            where legs_may_move or leg.family_id = excluded.family_id;
        get diagnostics written = row_count;
        if written < json_array_length(legs_in) then
            raise exception 'legs of another family' using errcode = 'TL003';
        end if;
        update recording r set call_id = l.call_id
            from json_to_recordset(legs_in) as l(id text, call_id uuid)
            where r.pbx = pbx_in and r.name = l.id and r.call_id is distinct from l.call_id;
    end if;

    if parted_in is not null then
        delete from call_manager m where m.call_id = any(parted_in);
        insert into call_manager select * from json_populate_recordset(null::call_manager, parts_in);
    end if;

    if merged_in is not null then
        update call c set merged_into = m.into_id, updated_at = now()
            from json_to_recordset(merged_in) as m(gone uuid, into_id uuid) where c.id = m.gone;
        update call c set merged_into = m.into_id, updated_at = now()
            from json_to_recordset(merged_in) as m(gone uuid, into_id uuid) where c.merged_into = m.gone;
        update recording r set call_id = m.into_id
            from json_to_recordset(merged_in) as m(gone uuid, into_id uuid) where r.call_id = m.gone;
        delete from call_manager p
            using json_to_recordset(merged_in) as m(gone uuid, into_id uuid) where p.call_id = m.gone;
    end if;

    if managers_in is not null then
        with delta as (
            select * from json_to_recordset(numbers_in)
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
            from json_populate_recordset(null::manager_day, managers_in) as m
            left join moved v using (user_id, day, direction)
        on conflict (user_id, day, direction) do update set
            calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
            missed = t.missed + excluded.missed, not_taken = t.not_taken + excluded.not_taken,
            lost = t.lost + excluded.lost, talk_us = t.talk_us + excluded.talk_us,
            wait_us = t.wait_us + excluded.wait_us, numbers = t.numbers + excluded.numbers,
            numbers_long = t.numbers_long + excluded.numbers_long;
    end if;

    if company_in is not null then
        insert into company_day as t select * from json_populate_recordset(null::company_day, company_in)
        on conflict (day, direction) do update set
            calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
            missed = t.missed + excluded.missed, lost = t.lost + excluded.lost,
            talk_us = t.talk_us + excluded.talk_us, wait_us = t.wait_us + excluded.wait_us;
    end if;

    if facts_in is not null then
        insert into fact (kind, body, call_id, contact_id, users)
            select f.kind,
                case when cards ? f.card_number
                    then jsonb_set(f.body, '{contact_id}', cards->f.card_number->0) else f.body end,
                f.call_id, coalesce((cards->f.card_number->>0)::bigint, f.contact_id), f.users
            from json_to_recordset(facts_in) as f(
                kind text, body jsonb, call_id uuid, contact_id bigint, users bigint[], card_number text);
        perform pg_notify('trunkline_facts', '');
    end if;

    if cursor_in is not null then
        insert into journal_cursor (pbx, cursor) values (pbx_in, cursor_in)
            on conflict (pbx) do update set cursor = excluded.cursor, updated_at = now();
    end if;

    if broken_in is not null then
        insert into quarantine (pbx, reason, data)
            select pbx_in, q.reason, decode(q.data, 'base64')
            from json_to_recordset(broken_in) as q(reason text, data text)
            on conflict do nothing;
    end if;

    return query select k.key, (k.value->>0)::bigint, (k.value->>1)::boolean from jsonb_each(cards) as k;
end $$;
"""


def upgrade() -> None:
    """Put the new function in the old one's place."""
    op.execute("create index call_merged on call (merged_into) where merged_into is not null")
    op.execute("drop function enter_book(json)")
    op.execute(ENTER)
