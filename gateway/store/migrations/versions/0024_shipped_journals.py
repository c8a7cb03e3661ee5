"""Journals and recordings that come from another host, and how far each has come.

A key may be bound to one PBX; only such a key ships (deny by default). `journal_history` is the first meeting with a
PBX's journal: what stood in it then is history, which is read beside the new rows and starts nothing.
`pbx_clock` is each PBX's clock minus ours, as last measured: deadlines are by our clock. A card that only
history made is announced as history as well, so `enter_book` gets two lines more.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
alter table api_key add column pbx text;

create table journal_history (
    pbx text primary key,
    before timestamptz,
    until jsonb,
    place jsonb,
    bytes_total bigint not null default 0,
    bytes_done bigint not null default 0,
    began_at timestamptz not null default now(),
    ended_at timestamptz
);

create table shipped_journal (
    pbx text primary key,
    source text not null,
    condition text not null default 'reading',
    lag_bytes bigint not null default 0,
    clock_offset_us bigint,
    version text not null default '',
    heard_at timestamptz not null default now()
);

create table pbx_clock (
    pbx text primary key,
    offset_us bigint not null,
    measured_at timestamptz not null default now()
)
"""

CARDS = """
do $do$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
    changed text;
begin
    changed := replace(written, $a$jsonb_build_object('id', (k.value->>0)::bigint, 'number', k.key),$a$,
        $b$jsonb_build_object('id', (k.value->>0)::bigint, 'number', k.key)
                || case when told.history then '{"history": true}'::jsonb else '{}'::jsonb end,$b$);
    changed := replace(changed, $a$from jsonb_each(cards) as k where$a$,
        $b$from jsonb_each(cards) as k
            left join (select f.value->>'card_number' as number, bool_and(f.value->'body'->'history' is not null)
                as history from json_array_elements(case when facts_in::text like '%"history": true%' then facts_in end)
                as f group by 1) as told on told.number = k.key where$b$);
    if changed not like '%told.history%' or changed not like '%as history from%' then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute changed;
end $do$
"""
"""Numbers of history alone are looked for only where a page has history: elsewhere it costs a search in a text."""


def upgrade() -> None:
    """Make the tables, and let cards of history be told as such."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
    op.execute(CARDS)
