"""Where each PBX's journal comes from, and the moment from which on it came from there.

A PBX has one record at a time; `cut_over_at` keeps the same call from being read in two forms.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

TABLES = """
create table journal_source (
    pbx text primary key,
    kind text not null check (kind in ('file', 'table', 'shipped')),
    cut_over_at timestamptz,
    began_at timestamptz not null default now(),
    is_over boolean not null default false
)
"""


def upgrade() -> None:
    """Make the table."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
