"""What the HTTP API reads by: keys with ids and rights, managers as they were told, and indexes.

`enter_book` gets two more lines. They are put into the function as it stands, so what another migration changed in
it stays; if the places are not found, the migration fails instead of guessing.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

COLUMNS = (
    "alter table api_key add column key_id text not null unique, add column rights text[]",
    "alter table call add column managers jsonb",
)

INDEXES = (
    "create index call_open on call (started_at) where state <> 'ended' and merged_into is null",
    "create index call_unmapped on call (started_at desc) where unmapped <> '{}'",
    "create index call_manager_of_user on call_manager (user_id, started_at desc, call_id desc)",
    "create index audit_object on audit (object, action, at desc)",
    "create index idempotency_created on idempotency (created_at)",
    "create index sign_in_failure_account on sign_in_failure (account)",
    "create index sign_in_failure_address on sign_in_failure (address)",
)

# The managers of a call as the fact of the same transaction tells them, unless the call's own row brings them.
MANAGERS = """
do $do$
declare
    written text := pg_get_functiondef('enter_book'::regproc);
    changed text;
begin
    changed := replace(written, $a$|| jsonb_build_object('contact_id',$a$,
        $b$|| jsonb_build_object('managers', coalesce(c.value->'managers', told.managers), 'contact_id',$b$);
    changed := replace(changed, $a$from json_array_elements(book->'calls') as c$a$,
        $b$from json_array_elements(book->'calls') as c
            left join (select f.value->>'call_id' as call_id, f.value->'body'->'managers' as managers
                from json_array_elements(book->'facts') as f where f.value->>'kind' <> 'call.merged'
            ) as told on told.call_id = c.value->>'id'$b$);
    changed := replace(changed, 'merged_into = null, revision = excluded.revision,',
        'merged_into = null, managers = coalesce(excluded.managers, call.managers), revision = excluded.revision,');
    if changed not like '%told.managers%' or changed not like '%as told on%' or changed not like '%call.managers)%' then
        raise exception 'enter_book is written otherwise than this migration knows';
    end if;
    execute changed;
end $do$
"""


def upgrade() -> None:
    """Add columns, indexes and the two lines."""
    for statement in (*COLUMNS, *INDEXES, MANAGERS):
        op.execute(statement)
