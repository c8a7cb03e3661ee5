"""Managers who ask for help in a call, and who came.

One ask of a manager at a time is open: the database says so.
"""

from alembic import op

revision = "0033"
down_revision = "0032"

STATEMENTS = """
create table help_ask (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    call_id uuid,
    text text not null check (length(text) <= 300),
    state text not null default 'open' check (state in ('open', 'taken', 'closed')),
    asked_at timestamptz not null default now(),
    taken_by bigint references users,
    taken_at timestamptz,
    closed_by text,
    closed_at timestamptz,
    closed_why text,
    version int not null default 1
);
create unique index help_ask_open on help_ask (user_id) where state <> 'closed';
create index help_ask_waiting on help_ask (asked_at) where state <> 'closed';
create index help_ask_call on help_ask (call_id) where state <> 'closed' and call_id is not null;
create index help_ask_asked on help_ask (asked_at desc, id desc);
"""


def upgrade() -> None:
    """Make the table."""
    for statement in filter(None, (piece.strip() for piece in STATEMENTS.split(";\n"))):
        op.execute(statement)
