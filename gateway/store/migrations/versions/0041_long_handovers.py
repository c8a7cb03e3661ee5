"""Handovers of thousands of clients, which the gateway goes on with by itself.

`state` says whether one goes on; `after_id` is the last card that was looked at, so that each is handed over once at
most and the end comes also where nobody can get some of them; `meant` is how many there were when it was ordered.
`with_tasks` and `with_scheduled` are of the order, as the next step needs it whole.
"""

from alembic import op

revision = "0041"
down_revision = "0040"

STATEMENTS = (
    "alter table handover add column state text not null default 'done'"
    " check (state in ('going', 'stopped', 'done')), add column stopped_by text, add column meant int,"
    " add column after_id bigint not null default 0, add column with_tasks boolean not null default true,"
    " add column with_scheduled boolean not null default true",
    "create index handover_unfinished on handover (id)"
    " where undone_at is null and (state = 'going' or undone_by is not null)",
)


def upgrade() -> None:
    """Make the columns and the index."""
    for statement in STATEMENTS:
        op.execute(statement)
