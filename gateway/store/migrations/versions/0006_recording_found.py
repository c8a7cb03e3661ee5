"""Recordings by the moment they were found: the upkeep mends the links of the last days, however many there are."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the index."""
    op.execute("create index recording_found on recording (pbx, found_at)")
