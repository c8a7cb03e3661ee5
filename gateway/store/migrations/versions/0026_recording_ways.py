"""How a recording was made; one that the site made of a call that we recorded too is left out."""

from alembic import op

revision = "0026"
down_revision = "0025"

TABLES = """
alter table recording add column way text not null default 'dialplan'
    check (way in ('dialplan', 'ari', 'bridge', 'site'));
alter table recording drop constraint recording_state_check;
alter table recording add constraint recording_state_check
    check (state in ('wanted', 'stored', 'damaged', 'failed', 'skipped', 'deleted'))
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
