"""Calls agreed for a moment, of which no two overlap for one manager.

That is an exclusion constraint over the manager and the time of calls that still take it (btree_gist, made by 0001), so
two nodes and two requests at one moment cannot plan into the same time. `order_id` names the order before it is placed.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

TABLES = """
create table scheduled_rule (
    id int primary key default 1 check (id = 1),
    hours_since int not null default 540 check (hours_since between 0 and 1439),
    hours_until int not null default 1200 check (hours_until between 1 and 1440),
    weekdays smallint[] not null default '{0,1,2,3,4,5,6}' check (cardinality(weekdays) between 1 and 7),
    minutes int not null default 15 check (minutes between 1 and 480),
    remind_minutes int not null default 5 check (remind_minutes between 0 and 1440),
    late_minutes int not null default 5 check (late_minutes between 1 and 1440),
    replan_minutes int not null default 10 check (replan_minutes between 1 and 1440),
    retry_minutes int not null default 15 check (retry_minutes between 1 and 10080),
    attempts_max int not null default 3 check (attempts_max between 1 and 20),
    put_off_minutes int not null default 5 check (put_off_minutes between 1 and 1440),
    put_offs_max int not null default 12 check (put_offs_max between 0 and 200),
    per_minute int not null default 30 check (per_minute between 1 and 600),
    changed_by text,
    changed_at timestamptz,
    version int not null default 1,
    check (hours_since < hours_until)
);
insert into scheduled_rule default values;
create table scheduled_call (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    contact_id bigint references contact,
    number text not null check (number ~ '^[+][0-9]{3,15}$'),
    at timestamptz not null,
    ends_at timestamptz not null,
    minutes int not null check (minutes between 1 and 480),
    zone text not null,
    zone_from text not null check (zone_from in ('asked', 'card', 'number')),
    wall timestamp not null,
    second boolean not null default false,
    any_hour boolean not null default false,
    agreed_at timestamptz not null,
    state text not null default 'planned' check (state in ('planned', 'calling', 'done', 'missed', 'cancelled')),
    note text not null default '',
    pbx text,
    attempts int not null default 0,
    put_offs int not null default 0,
    orders int not null default 0,
    order_id text unique,
    claimed_at timestamptz,
    placed_at timestamptz,
    call_id uuid,
    reason text,
    remind_at timestamptz,
    reminded_at timestamptz,
    task_id bigint references task,
    made_by text not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    ended_at timestamptz,
    version int not null default 1,
    check (ends_at > at),
    constraint scheduled_overlap exclude using gist (user_id with =, tstzrange(at, ends_at) with &&)
        where (state in ('planned', 'calling'))
);
create index scheduled_due on scheduled_call (at) where state = 'planned';
create index scheduled_remind on scheduled_call (remind_at) where state = 'planned' and remind_at is not null;
create index scheduled_calling on scheduled_call (claimed_at) where state = 'calling';
create index scheduled_placed on scheduled_call (placed_at) where placed_at is not null;
create index scheduled_list on scheduled_call (at, id);
create index scheduled_user on scheduled_call (user_id, at, id);
create index scheduled_contact on scheduled_call (contact_id, created_at desc) where contact_id is not null;
create index scheduled_contact_ended on scheduled_call (contact_id, ended_at desc)
    where contact_id is not null and ended_at is not null;
create table scheduled_change (
    id bigint generated always as identity primary key,
    scheduled_id bigint not null references scheduled_call,
    at timestamptz not null,
    by text not null,
    told_as text not null,
    what jsonb not null
);
create index scheduled_change_call on scheduled_change (scheduled_id, id)
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
