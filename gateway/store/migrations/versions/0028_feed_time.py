"""The feed's order survives a change of the server: its transactions are counted on from where they were.

The feed is ordered by transaction numbers, which belong to a server and begin anew on another one. Read back from a
backup, old facts would lie ahead of every new one: hidden, and followed by nobody. Both ends of the comparison go
through a function, into which `gateway.store.feed_time` writes by how much the numbers of this server lag behind.
"""

from alembic import op

revision = "0028"
down_revision = "0027"

STATEMENTS = (
    "create function feed_tx() returns xid8 language sql volatile as 'select pg_current_xact_id()'",
    "create function feed_horizon() returns xid8 language sql stable as"
    " 'select pg_snapshot_xmin(pg_current_snapshot())'",
    "alter table fact alter column tx set default feed_tx()",
)


def upgrade() -> None:
    """Make the functions."""
    for statement in STATEMENTS:
        op.execute(statement)
