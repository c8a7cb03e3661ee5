"""Webhooks and what other systems send."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
