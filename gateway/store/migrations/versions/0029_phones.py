"""Phones of the embedded exchange: what proves that a phone is an extension's own."""

from alembic import op

revision = "0029"
down_revision = "0028"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
