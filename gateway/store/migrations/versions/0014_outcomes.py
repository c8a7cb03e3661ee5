"""Dispositions and their reasons, and the distribution of clients."""

from alembic import op

revision = "0014"
down_revision = "0013"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
