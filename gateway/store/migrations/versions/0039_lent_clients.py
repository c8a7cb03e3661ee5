"""Clients handed over for a time, among several, and with the calls planned with them.

`among` are the colleagues who share the clients; `until` is when what is still with them comes back; `which` says in
the words of the order which clients were meant, for the history of handovers.
"""

from alembic import op

revision = "0039"
down_revision = "0038"

STATEMENTS = (
    "alter table handover add column among bigint[] not null default '{}', add column until timestamptz,"
    " add column scheduled int not null default 0, add column which jsonb not null default '{}'",
    "create index handover_until on handover (until) where until is not null and undone_at is null",
    """create table handover_scheduled (
    handover_id bigint not null references handover,
    scheduled_id bigint not null references scheduled_call,
    from_id bigint references users,
    to_id bigint references users,
    returned_at timestamptz,
    primary key (handover_id, scheduled_id)
)""",
)


def upgrade() -> None:
    """Make the columns, the index and the table."""
    for statement in STATEMENTS:
        op.execute(statement)
