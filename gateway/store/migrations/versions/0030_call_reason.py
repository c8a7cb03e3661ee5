"""Why nobody was reached is told of calls of both directions, so its column is the reason, not the reason of a miss.

`enter_book` (migration 0008) writes it by name, and is written anew with the new one.
"""

from alembic import op

revision = "0030"
down_revision = "0029"

RENAMED = """
do $$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
begin
    if position('missed_reason' in written) = 0 then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute replace(written, 'missed_reason', 'reason');
end
$$
"""


def upgrade() -> None:
    """Rename the column and what writes it."""
    op.execute("alter table call rename column missed_reason to reason")
    op.execute(RENAMED)
