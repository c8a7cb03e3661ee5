"""Managers who ask for help in a call, and who came."""

from alembic import op

revision = "0033"
down_revision = "0032"

STATEMENTS: tuple[str, ...] = ()


def upgrade() -> None:
    """Make what is said above."""
    for statement in STATEMENTS:
        op.execute(statement)
