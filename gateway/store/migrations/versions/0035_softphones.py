"""Phones in browsers: one account for each endpoint, belonging to the session that has it."""

from alembic import op

revision = "0035"
down_revision = "0034"

STATEMENTS = (
    """create table softphone (
    pbx text not null,
    endpoint text not null,
    extension text not null,
    user_id bigint not null references users on delete cascade,
    session bytea not null,
    made_at timestamptz not null default now(),
    registered_until timestamptz,
    primary key (pbx, endpoint)
)""",
    "create index softphone_user on softphone (user_id, pbx)",
    "create index softphone_session on softphone (session)",
)


def upgrade() -> None:
    """Make the table."""
    for statement in STATEMENTS:
        op.execute(statement)
