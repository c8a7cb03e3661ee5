"""Whom an inbound call rings, by DID and time, and what was decided for each call."""

from alembic import op

revision = "0021"
down_revision = "0020"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
