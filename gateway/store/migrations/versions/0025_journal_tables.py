"""Journals that are a table of the PBX's own database, and how far each was read."""

from alembic import op

revision = "0025"
down_revision = "0024"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
