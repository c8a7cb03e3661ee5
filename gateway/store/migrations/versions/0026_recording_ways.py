"""How a recording was made, where the dialplan does not record."""

from alembic import op

revision = "0026"
down_revision = "0025"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
