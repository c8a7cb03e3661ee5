"""What the hourly check of each PBX found."""

from alembic import op

revision = "0027"
down_revision = "0026"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
