"""Journals and recordings that come from another host, and how far each has come."""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
