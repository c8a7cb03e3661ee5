"""Lists with their filters, kept under a name by a person or for a team."""

from alembic import op

revision = "0034"
down_revision = "0033"

STATEMENTS: tuple[str, ...] = ()


def upgrade() -> None:
    """Make what is said above."""
    for statement in STATEMENTS:
        op.execute(statement)
