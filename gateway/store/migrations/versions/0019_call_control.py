"""Orders to calls that go on: what each was, of whom, and how it came out."""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
