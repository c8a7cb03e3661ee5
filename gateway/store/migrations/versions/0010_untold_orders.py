"""Orders of whose end nobody told: found at once, however many were ever made."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the index."""
    op.execute(
        "create index command_untold on command (pbx, ordered_at)"
        " where call_id is null and state in ('accepted', 'unknown')"
    )
