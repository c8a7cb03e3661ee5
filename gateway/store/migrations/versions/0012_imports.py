"""Imports: files that became cards, row by row."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
