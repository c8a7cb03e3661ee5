"""The audit as a list: the newest first, of one person, of one kind of act."""

from alembic import op

revision = "0038"
down_revision = "0037"

STATEMENTS = (
    "create index audit_at on audit (at desc, id desc)",
    "create index audit_actor on audit (actor, at desc, id desc)",
    "create index audit_action on audit (action, at desc, id desc)",
)


def upgrade() -> None:
    """Make the indexes."""
    for statement in STATEMENTS:
        op.execute(statement)
