"""Goals, reports and what channels cost."""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
