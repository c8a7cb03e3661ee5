"""What each person prefers on the screen, and where each of his sessions is.

A session gets a number by which its person may name it (its digest is as good as the token to whoever reads a backup),
the browser as it called itself, and when it was last used, to the minute.
"""

from alembic import op

revision = "0032"
down_revision = "0031"

STATEMENTS = """
alter table users
    add column theme text not null default 'auto' check (theme in ('auto', 'light', 'dark')),
    add column region text check (region ~ '^[A-Z]{2}$');

alter table session
    add column id bigint generated always as identity,
    add column agent text not null default '' check (length(agent) <= 300),
    add column seen_at timestamptz not null default now();
create unique index session_id on session (id);

create table preference (
    user_id bigint not null references users,
    area text not null check (length(area) between 1 and 60),
    value jsonb not null,
    version int not null default 1,
    changed_at timestamptz not null default now(),
    primary key (user_id, area)
);
"""


def upgrade() -> None:
    """Make what is said above."""
    for statement in filter(None, (piece.strip() for piece in STATEMENTS.split(";\n"))):
        op.execute(statement)
