"""Missed calls, tasks, working hours and reminders."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
