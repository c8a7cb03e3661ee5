"""What may be dialled: countries, prefixes, limits, and what was refused."""

from alembic import op

revision = "0020"
down_revision = "0019"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
