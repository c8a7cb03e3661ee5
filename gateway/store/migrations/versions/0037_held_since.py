"""Since when a client is held, so that a board shows it and a page that was loaded anew knows it too.

`enter_book` (migration 0008) writes the column beside the one of all holds together.
"""

from alembic import op

revision = "0037"
down_revision = "0036"

WRITTEN = """
do $$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
    changed text;
begin
    changed := replace(written, 'hold_us = excluded.hold_us',
        'hold_us = excluded.hold_us, held_since = excluded.held_since');
    changed := replace(changed, 'hold_us bigint', 'hold_us bigint, held_since timestamptz');
    changed := replace(changed, 'c.hold_us', 'c.hold_us, c.held_since');
    changed := replace(changed, 'talk_us, hold_us', 'talk_us, hold_us, held_since');
    if length(changed) - length(written) <> 34 + 24 + 14 + 12 then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute changed;
end
$$
"""


def upgrade() -> None:
    """Add the column and let it be written."""
    op.execute("alter table call add column held_since timestamptz")
    op.execute(WRITTEN)
