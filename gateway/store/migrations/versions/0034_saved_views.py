"""Lists with their filters, kept under a name by a person, for himself or for a team.

What a view shows is the page's own business (`query`): the gateway keeps it and does not read it.
"""

from alembic import op

revision = "0034"
down_revision = "0033"

STATEMENTS = """
create table saved_view (
    id bigint generated always as identity primary key,
    list text not null check (length(list) between 1 and 40),
    name text not null check (length(name) between 1 and 80),
    owner_id bigint not null references users,
    team_id bigint references team,
    query jsonb not null default '{}',
    place int not null default 0,
    changed_at timestamptz not null default now(),
    version int not null default 1
);
create index saved_view_owner on saved_view (owner_id, list);
create index saved_view_team on saved_view (team_id, list) where team_id is not null;
"""


def upgrade() -> None:
    """Make the table."""
    for statement in filter(None, (piece.strip() for piece in STATEMENTS.split(";\n"))):
        op.execute(statement)
