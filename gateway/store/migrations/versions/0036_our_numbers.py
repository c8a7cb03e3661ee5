"""Our own numbers as people know them: a name, and the source that a client who calls there comes from.

A number is written as calls show it (`call.did`). What nobody entered is a number without a name.
"""

from alembic import op

revision = "0036"
down_revision = "0035"

STATEMENTS = """
create table our_number (
    did text primary key check (length(did) between 1 and 64),
    name text not null default '' check (length(name) <= 120),
    source_kind text check (length(source_kind) between 1 and 60),
    source_name text check (length(source_name) between 1 and 120),
    note text not null default '' check (length(note) <= 1000),
    archived_at timestamptz,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    version int not null default 1,
    check (source_name is null or source_kind is not null)
);
"""


def upgrade() -> None:
    """Make the table."""
    for statement in filter(None, (piece.strip() for piece in STATEMENTS.split(";\n"))):
        op.execute(statement)
