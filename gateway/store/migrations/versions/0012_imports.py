"""Imports: files that became cards, row by row, and what each card was before.

`place` is how many rows of the file are done; it moves in the transaction that writes them, so a killed gateway goes
on behind them. `import_row` is the verdict of each row, of the dry run until the real one replaces it. `import_card`
keeps what the import changed of a card (`before`, `after`, `added`), and so can be undone value by value. `import_key`
holds what a dry run would have made; it needs no log, for a dry run begins anew after a crash.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
create table import (
    id bigint generated always as identity primary key,
    name text not null,
    sha256 bytea not null,
    size bigint not null,
    made_by text not null,
    made_at timestamptz not null default now(),
    state text not null default 'ready' check (state in
        ('ready', 'checking', 'checked', 'running', 'done', 'cancelled', 'failed', 'undoing', 'undone')),
    found jsonb not null,
    options jsonb not null,
    targets jsonb not null,
    version int not null default 1,
    rows_total int not null,
    place int not null default 0,
    counts jsonb not null default '{}',
    stop_wanted boolean not null default false,
    forced boolean not null default false,
    fault text,
    run_by text,
    begun_at timestamptz,
    resumed_at timestamptz,
    resumed_place int not null default 0,
    moved_at timestamptz,
    ended_at timestamptz
);
create index import_same on import (sha256);
create index import_active on import (id) where state in ('checking', 'running', 'undoing');
create table import_row (
    import_id bigint not null references import on delete cascade,
    line int not null,
    verdict text not null check (verdict in ('created', 'joined', 'refused')),
    contact_id bigint,
    twin int,
    by text not null default '',
    value text not null default '',
    code text not null default '',
    "column" text not null default '',
    faults jsonb not null default '[]',
    cells jsonb not null default '[]',
    primary key (import_id, line)
);
create index import_row_verdict on import_row (import_id, verdict, line);
create index import_row_told on import_row (import_id, line) where faults <> '[]';
create table import_card (
    import_id bigint not null references import on delete cascade,
    contact_id bigint not null,
    line int not null,
    made boolean not null,
    version int not null,
    before jsonb not null default '{}',
    after jsonb not null default '{}',
    added jsonb not null default '{}',
    undone text check (undone in ('deleted', 'emptied', 'restored', 'kept')),
    kept jsonb not null default '[]',
    primary key (import_id, contact_id)
);
create index import_card_contact on import_card (contact_id);
create index import_card_left on import_card (import_id, contact_id) where undone is null;
create table import_organisation (
    import_id bigint not null references import on delete cascade,
    organisation_id bigint not null,
    primary key (import_id, organisation_id)
);
create unlogged table import_key (
    import_id bigint not null,
    kind text not null,
    key text not null,
    line int not null,
    name text not null,
    primary key (import_id, kind, key)
);
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
