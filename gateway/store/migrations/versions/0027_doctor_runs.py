"""What the last check of each PBX found, so that the next one can tell what has changed.

One row for each PBX: what was wrong before is in the feed (`pbx.unwell`, `pbx.well`).
"""

from alembic import op

revision = "0027"
down_revision = "0026"

TABLES = """
create table doctor_run (
    pbx text primary key,
    kind text,
    at timestamptz not null,
    faults int not null,
    advice int not null,
    findings jsonb not null,
    wrong text[] not null,
    unwell_since timestamptz
)
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
