"""What the upkeep of recordings remembers: their day, the PBX's copy, and when to try again.

`day` is fixed when the row is made, because it is part of the archive's address: an ingest that is repeated
after the leg has arrived must find the same place. `source_*` is the PBX's copy.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """alter table recording
        add day date not null default (now() at time zone 'UTC')::date,
        add ingested_at timestamptz,
        add source_whole boolean,
        add source_reason text,
        add source_next_try_at timestamptz not null default now(),
        add transcript_next_try_at timestamptz not null default now()""",
    "drop index recording_to_delete",
    """create index recording_to_delete on recording (pbx, stored_at)
        where state = 'stored' and source_whole and source_deleted_at is null""",
    "create index recording_source on recording (pbx) where source_deleted_at is null",
    "create index recording_unlinked on recording (found_at) where call_id is null",
    "create index recording_faulty on recording (found_at) where state in ('damaged', 'failed')",
    "create index recording_transcript_failed on recording (found_at) where transcript_state = 'failed'",
    "alter table transcript alter language drop not null",
)


def upgrade() -> None:
    """Add the columns and their indexes."""
    for statement in STATEMENTS:
        op.execute(statement)
