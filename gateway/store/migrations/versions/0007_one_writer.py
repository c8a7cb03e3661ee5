"""One writer: pages of a PBX are numbered, a page of a lost lease is refused, nothing is quarantined twice.

The roll-ups move by differences, so a page must be entered on exactly the state that it was computed from. A commit
whose answer was lost, a node that was stopped for a while, two gateways started on one journal: each would enter a
second time what stands there already. Now each page bears the number that follows the one it was computed from, and
any other is refused (SQLSTATE TL001); the writer reads the open calls again and repeats. A page that names a lease
is refused where the lease has another epoch (TL002).

The lines are put into `enter_book` as it stands; where their place is not found, the migration fails.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = (
    "create table journal_page (pbx text primary key, number bigint not null default 0) with (fillfactor = 10)",
    "delete from quarantine q using quarantine older"
    " where older.pbx = q.pbx and older.data = q.data and older.id < q.id",
    "create unique index quarantine_once on quarantine (pbx, sha256(data))",
)

LINES = """
do $do$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
    changed text;
begin
    changed := replace(written, $a$    insert into family (id, pbx, open, rows, first_at, last_at)$a$,
        $b$    update journal_page set number = number + 1
        where pbx = book->>'pbx' and number = (book->>'number')::bigint;
    if not found then
        raise exception 'the page is not the next one' using errcode = 'TL001';
    end if;
    if book->>'lease' is not null and not exists (
            select 1 from lease where name = book->>'lease' and epoch = (book->>'epoch')::bigint) then
        raise exception 'the lease has another holder' using errcode = 'TL002';
    end if;

    insert into family (id, pbx, open, rows, first_at, last_at)$b$);
    changed := replace(changed, $a$as q(reason text, data text);$a$,
        $b$as q(reason text, data text)
        on conflict do nothing;$b$);
    if changed not like '%TL002%' or changed not like '%on conflict do nothing%' then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute changed;
end $do$
"""


def upgrade() -> None:
    """Add the page number, the check of the lease and the unique index."""
    for statement in (*TABLES, LINES):
        op.execute(statement)
