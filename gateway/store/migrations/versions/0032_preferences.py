"""What each person prefers on the screen, and where each of his sessions is."""

from alembic import op

revision = "0032"
down_revision = "0031"

STATEMENTS: tuple[str, ...] = ()


def upgrade() -> None:
    """Make what is said above."""
    for statement in STATEMENTS:
        op.execute(statement)
