"""How each manager is: available, talking, after a call, on a break or off, with the time in each."""

from alembic import op

revision = "0022"
down_revision = "0021"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
