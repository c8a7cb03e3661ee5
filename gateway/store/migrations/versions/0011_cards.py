"""Cards: persons and organisations, numbers that several persons share, fields of the site's own, merges and touches.

`contact_number` stays the one row a number has: whose card a caller gets. Where several persons answer at a number,
it names none of them (`shared`), so the screen offers a choice and nothing is guessed; who they are stands in
`contact_phone`. `follower` is how far each follower of the feed has come (gateway/aftercare/follow.py).

A merged card stays as a row that points at the one it went into (`merged_into`), and the database follows it: the
pipeline keeps a call's card in memory, so whatever it writes after the merge is turned to the card that stands
(`standing_card`, in triggers on `call` and `fact`). The row is locked as its foreign key locks it, so that a merge
and a call never miss each other. What a person chose for a call (`contact_chosen`) outlives every new fold of it.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

FOLLOWERS = """
create table follower (
    name text primary key,
    position text not null,
    updated_at timestamptz not null default now()
) with (fillfactor = 10);
create table follower_refused (
    id bigint generated always as identity primary key,
    follower text not null,
    position text not null,
    kind text not null,
    fault text not null,
    at timestamptz not null default now(),
    unique (follower, position)
);
"""

CARDS = """
create table organisation (
    id bigint generated always as identity primary key,
    name text not null,
    city text not null default '',
    line_of_business text not null default '',
    note text not null default '',
    owner_id bigint references users,
    fields jsonb not null default '{}',
    made_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    field_words text not null default '',
    version int not null default 1,
    merged_into bigint references organisation
);
create index organisation_name on organisation using gin (name gin_trgm_ops);
create index organisation_words on organisation using gin (field_words gin_trgm_ops) where field_words <> '';
create index organisation_named on organisation (lower(name));
create index organisation_owner on organisation (owner_id, id desc) where owner_id is not null;
alter table contact
    add column organisation_id bigint references organisation,
    add column job_title text not null default '',
    add column city text not null default '',
    add column line_of_business text not null default '',
    add column priority smallint not null default 0 check (priority between 0 and 5),
    add column heat text check (heat in ('cold', 'warm', 'hot')),
    add column stage text not null default 'unsorted' check (stage in ('unsorted', 'lead', 'client', 'refused')),
    add column source_kind text,
    add column source_name text,
    add column timezone text,
    add column birthday date,
    add column fields jsonb not null default '{}',
    add column field_words text not null default '',
    add column last_touch_at timestamptz not null default now(),
    add column compared_at timestamptz,
    add column merged_into bigint references contact;
update contact c set last_touch_at =
    coalesce((select max(k.started_at) from call k where k.contact_id = c.id and k.merged_into is null), c.created_at);
create index contact_touched on contact (last_touch_at desc, id desc) where merged_into is null;
create index contact_owner_touched on contact (owner_id, last_touch_at desc, id desc)
    where owner_id is not null and merged_into is null;
create index contact_created on contact (created_at);
create index contact_changed on contact (updated_at);
create index contact_stage on contact (stage, id desc) where merged_into is null;
create index contact_heat on contact (heat, id desc) where heat is not null;
create index contact_priority on contact (priority, id desc) where priority > 0;
create index contact_source on contact (source_kind, source_name, id desc) where source_kind is not null;
create index contact_city on contact (lower(city), id desc) where city <> '';
create index contact_fields on contact using gin (fields jsonb_path_ops);
create index contact_words on contact using gin (field_words gin_trgm_ops) where field_words <> '';
create index contact_to_compare on contact (id) where compared_at is null and merged_into is null;
create index contact_organisation on contact (organisation_id) where organisation_id is not null;
create index contact_owner on contact (owner_id, id desc) where owner_id is not null;
create index contact_merged on contact (merged_into) where merged_into is not null;
create index contact_birthday on contact ((extract(month from birthday)), (extract(day from birthday)))
    where birthday is not null;
alter table contact_number alter column contact_id drop not null;
alter table contact_number add column shared boolean not null default false;
create table contact_phone (
    contact_id bigint not null references contact,
    number text not null check (number ~ '^[+][0-9]{3,15}$'),
    kind text not null default 'phone',
    label text not null default '',
    made_at timestamptz not null default now(),
    primary key (contact_id, number)
);
create index contact_phone_number on contact_phone (number);
create index contact_phone_end on contact_phone (reverse(number) text_pattern_ops);
insert into contact_phone (contact_id, number, kind, made_at)
    select contact_id, number, kind, created_at from contact_number where contact_id is not null;
create table contact_address (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contact,
    kind text not null check (kind in ('email', 'postal', 'site', 'messenger')),
    label text not null default '',
    value text not null,
    folded text not null,
    made_at timestamptz not null default now(),
    unique (contact_id, kind, folded)
);
create index contact_address_folded on contact_address (kind, folded);
create index contact_address_words on contact_address using gin (folded gin_trgm_ops);
create table contact_note (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contact,
    author text not null,
    text text not null,
    at timestamptz not null default now(),
    changed_at timestamptz,
    version int not null default 1
);
create index contact_note_contact on contact_note (contact_id, at desc);
create table custom_field (
    id bigint generated always as identity primary key,
    of text not null check (of in ('contact', 'organisation')),
    key text not null check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    label text not null,
    kind text not null check (kind in ('text', 'number', 'date', 'choice', 'yes_no')),
    choices jsonb not null default '[]',
    required boolean not null default false,
    searchable boolean not null default false,
    place int not null default 0,
    archived_at timestamptz,
    version int not null default 1,
    unique (of, key)
);
create table contact_merge (
    id bigint generated always as identity primary key,
    kept_id bigint not null references contact,
    gone_id bigint not null references contact,
    before jsonb not null,
    by text not null,
    at timestamptz not null default now(),
    undone_by text,
    undone_at timestamptz
);
create index contact_merge_kept on contact_merge (kept_id, at desc);
create table duplicate (
    id bigint generated always as identity primary key,
    one_id bigint not null references contact,
    other_id bigint not null references contact,
    reasons text[] not null,
    score real not null,
    state text not null default 'open' check (state in ('open', 'merged', 'dismissed')),
    found_at timestamptz not null default now(),
    decided_by text,
    decided_at timestamptz,
    check (one_id < other_id),
    unique (one_id, other_id)
);
create index duplicate_open on duplicate (score desc, id) where state = 'open';
create table touch (
    id uuid primary key default gen_random_uuid(),
    contact_id bigint references contact,
    kind text not null,
    at timestamptz not null,
    direction text not null default 'inbound' check (direction in ('inbound', 'outbound')),
    source_kind text,
    source_name text,
    user_id bigint references users,
    text text not null default '',
    body jsonb not null default '{}',
    made_by text not null,
    made_at timestamptz not null default now()
);
create index touch_contact on touch (contact_id, at desc);
create index touch_kind on touch (kind, at);
create table external_id (
    system text not null,
    kind text not null check (kind in ('contact', 'organisation', 'call', 'task', 'user', 'touch')),
    external text not null,
    local text not null,
    made_at timestamptz not null default now(),
    primary key (system, kind, external),
    unique (system, kind, local)
);
create index external_id_local on external_id (kind, local);
create table owner_change (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contact,
    from_id bigint references users,
    to_id bigint references users,
    reason text not null,
    by text not null,
    at timestamptz not null default now()
);
create index owner_change_contact on owner_change (contact_id, at desc);
create table card_rule (
    id int primary key default 1 check (id = 1),
    sees text not null default 'all' check (sees in ('all', 'own')),
    version int not null default 1
);
insert into card_rule default values;
alter table call add column contact_chosen bigint references contact;
create index call_chosen on call (contact_chosen) where contact_chosen is not null;
"""

CARDS_FOR = """
create or replace function cards_for(wanted text[], names text[])
returns table (number text, contact_id bigint, made boolean) language plpgsql as $$
declare
    w record;
    card bigint;
begin
    for w in select u.n, u.name from unnest(wanted, names) as u(n, name) order by u.n loop
        select c.contact_id into card from contact_number c where c.number = w.n;
        made := false;
        if not found then
            insert into contact (name) values (w.name) returning id into card;
            insert into contact_number (number, contact_id) values (w.n, card) on conflict do nothing;
            if found then
                insert into contact_phone (number, contact_id) values (w.n, card);
                made := true;
            else
                delete from contact where id = card;
                select c.contact_id into card from contact_number c where c.number = w.n;
            end if;
        end if;
        number := w.n;
        contact_id := card;
        return next;
    end loop;
end $$
"""

FUNCTIONS = (
    """
create function standing_card(card bigint) returns bigint language plpgsql as $$
declare
    further bigint;
begin
    loop
        select c.merged_into into further from contact c where c.id = card for key share;
        if further is null then
            return card;
        end if;
        card := further;
    end loop;
end $$
""",
    """
create function present_card(card bigint) returns bigint language plpgsql stable as $$
declare
    further bigint;
begin
    loop
        select c.merged_into into further from contact c where c.id = card;
        exit when further is null;
        card := further;
    end loop;
    return card;
end $$
""",
    """
create function call_follows_card() returns trigger language plpgsql as $$
declare
    further bigint;
begin
    new.contact_id := coalesce(new.contact_chosen, new.contact_id);
    select c.merged_into into further from contact c where c.id = new.contact_id for key share;
    if further is not null then
        new.contact_id := standing_card(further);
    end if;
    return new;
end $$
""",
    """
create trigger call_card before insert or update of contact_id, contact_chosen on call for each row
    when (new.contact_id is not null or new.contact_chosen is not null) execute function call_follows_card()
""",
    """
create function fact_follows_card() returns trigger language plpgsql as $$
declare
    further bigint;
begin
    select c.merged_into into further from contact c where c.id = new.contact_id;
    if further is not null then
        new.contact_id := present_card(further);
        new.body := jsonb_set(new.body, '{contact_id}', to_jsonb(new.contact_id));
    end if;
    return new;
end $$
""",
    """
create trigger fact_card before insert on fact for each row
    when (new.contact_id is not null and new.call_id is not null) execute function fact_follows_card()
""",
    """
create function field_words(what text, given jsonb) returns text language sql stable as $$
    select coalesce(string_agg(v.value, E'\\n' order by f.place, f.id), '')
    from custom_field f join jsonb_each_text(given) as v on v.key = f.key
    where f.of = what and f.searchable and f.archived_at is null and v.value is not null
$$
""",
    """
create function fields_have_words() returns trigger language plpgsql as $$
begin
    new.field_words := field_words(tg_argv[0], new.fields);
    return new;
end $$
""",
    *(
        f"""
create trigger {table}_words before insert or update of fields on {table} for each row
    when (new.fields <> '{{}}' or new.field_words <> '') execute function fields_have_words('{table}')
"""
        for table in ("contact", "organisation")
    ),
)
"""`fact_card` turns only what is told of calls: of a merge both cards must be told as they are."""


def upgrade() -> None:
    """Make the tables, and let a shared number give no card."""
    for script in (FOLLOWERS, CARDS):
        for statement in filter(None, (piece.strip() for piece in script.split(";\n"))):
            op.execute(statement)
    for statement in (CARDS_FOR, *FUNCTIONS):
        op.execute(statement)
