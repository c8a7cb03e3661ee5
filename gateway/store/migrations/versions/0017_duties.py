"""Duties that fail: since when, how often and with what fault, for `trunkline doctor` and `/metrics`.

A duty that is well has no row, so nothing is written while nothing is wrong.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

TABLES = """
create table duty_fault (
    name text primary key,
    fault text not null,
    times int not null default 1,
    since timestamptz not null default now(),
    at timestamptz not null default now()
)
"""


def upgrade() -> None:
    """Make the table."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
