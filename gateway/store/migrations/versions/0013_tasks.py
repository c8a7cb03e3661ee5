"""Missed calls, tasks, working hours and reminders.

`missed` is one open matter of one client: several missed calls, one call back. `task` is whatever somebody has to do;
its `state`, `due_at` and `changed_at` are all that the clock looks at. What was agreed in whose time stands in `zone`.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
create table working_time (
    id bigint generated always as identity primary key,
    did text,
    user_id bigint references users,
    timezone text not null,
    week jsonb not null,
    exceptions jsonb not null default '[]',
    company_holidays boolean not null default true,
    version int not null default 1,
    updated_at timestamptz not null default now(),
    check (did is null or user_id is null),
    unique nulls not distinct (did, user_id)
);
create table call_back_rule (
    id bigint generated always as identity primary key,
    did text unique nulls not distinct,
    minutes int not null default 5 check (minutes between 1 and 10080),
    give_to text[] not null default '{owner,last_rung,members}',
    members bigint[] not null default '{}',
    escalate_minutes int not null default 0 check (escalate_minutes between 0 and 10080),
    escalate_to bigint[] not null default '{}',
    give_up_hours int not null default 72 check (give_up_hours between 1 and 8760),
    priority smallint not null default 3 check (priority between 0 and 5),
    version int not null default 1,
    updated_at timestamptz not null default now()
);
create table missed (
    id bigint generated always as identity primary key,
    contact_id bigint references contact,
    number text,
    pbx text not null,
    did text,
    state text not null
        check (state in ('open', 'reached_us', 'called_back', 'late', 'never', 'dismissed', 'withdrawn')),
    calls int not null,
    attempts int not null default 0,
    first_at timestamptz not null,
    last_at timestamptz not null,
    due_at timestamptz not null,
    give_up_at timestamptz not null,
    new_client boolean not null default false,
    hidden boolean not null default false,
    task_id bigint,
    closed_at timestamptz,
    closed_by_call uuid,
    closed_by_user bigint references users,
    dismissed_at timestamptz,
    dismissed_by bigint references users,
    dismissed_why text,
    escalate_at timestamptz,
    escalated_at timestamptz,
    claimed_by bigint references users,
    claimed_until timestamptz,
    version int not null default 1
);
create index missed_open_card on missed (contact_id) where state = 'open' and contact_id is not null;
create index missed_open_number on missed (number)
    where state = 'open' and contact_id is null and number is not null;
create index missed_contact on missed (contact_id, last_at desc) where contact_id is not null;
create index missed_number on missed (number, last_at desc) where number is not null;
create index missed_list on missed (last_at desc, id desc);
create index missed_open on missed (last_at desc, id desc) where state = 'open';
create index missed_inbox on missed (due_at, id) where state = 'open';
create index missed_give_up on missed (give_up_at) where state = 'open';
create index missed_escalate on missed (escalate_at) where state = 'open' and escalated_at is null;
create index missed_closed_by_user on missed (closed_by_user) where closed_by_user is not null;
create index missed_claimed on missed (claimed_by) where claimed_by is not null;
create index missed_closed_by on missed (closed_by_call) where closed_by_call is not null;
create table missed_call (
    call_id uuid primary key,
    missed_id bigint not null references missed,
    at timestamptz not null,
    reason text not null
);
create index missed_call_missed on missed_call (missed_id, at);
create index call_client_number on call (client_number, started_at desc)
    where merged_into is null and client_number is not null;
create index command_number on command (number, ordered_at desc);
create table task_rule (
    id int primary key default 1 check (id = 1),
    frozen_hours int not null default 24 check (frozen_hours between 1 and 8760),
    remind_minutes int[] not null default '{15}',
    remind_head_minutes int[] not null default '{}',
    hour_max int check (hour_max between 1 and 200),
    birthday_days int check (birthday_days between 0 and 60),
    lease_minutes int not null default 5 check (lease_minutes between 1 and 120),
    version int not null default 1
);
insert into task_rule default values;
create table task_group (
    id bigint generated always as identity primary key,
    title text not null,
    kind text not null,
    made_by text not null,
    made_at timestamptz not null,
    total int not null
);
create table task_series (
    id bigint generated always as identity primary key,
    rule jsonb not null,
    task jsonb not null,
    owner_id bigint references users,
    contact_id bigint references contact,
    occurrence date,
    next_at timestamptz,
    made int not null default 0,
    made_by text not null,
    made_at timestamptz not null,
    ended_at timestamptz,
    version int not null default 1
);
create index task_series_next on task_series (next_at) where next_at is not null and ended_at is null;
create table task (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('call_back', 'call', 'letter', 'meeting', 'own')),
    origin text not null default 'person',
    state text not null default 'new' check (state in ('new', 'in_progress', 'done', 'failed')),
    title text not null default '',
    note text not null default '',
    script text not null default '',
    templates jsonb not null default '[]',
    owner_id bigint references users,
    members bigint[] not null default '{}',
    contact_id bigint references contact,
    contacts bigint[] not null default '{}',
    number text,
    call_id uuid,
    missed_id bigint references missed,
    group_id bigint references task_group,
    series_id bigint references task_series,
    occurrence date,
    priority smallint not null default 0 check (priority between 0 and 5),
    due_at timestamptz,
    zone text,
    result text not null default '',
    made_by text not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    overdue_told_at timestamptz,
    frozen_told_at timestamptz,
    escalated_at timestamptz,
    version int not null default 1,
    unique (series_id, occurrence)
);
create index task_queue on task (owner_id, due_at, id) where state in ('new', 'in_progress');
create index task_unowned on task (due_at, id) where owner_id is null and state in ('new', 'in_progress');
create index task_to_tell on task (due_at) where state in ('new', 'in_progress') and overdue_told_at is null;
create index task_to_thaw on task (changed_at) where state = 'in_progress' and frozen_told_at is null;
create index task_due on task (due_at, id);
create index task_open on task (due_at, id) where state in ('new', 'in_progress');
create index task_owner on task (owner_id, due_at, id);
create index task_made on task (made_by, due_at, id) where owner_id is null or made_by <> 'user:' || owner_id::text;
create index task_made_open on task (made_by, due_at, id)
    where state in ('new', 'in_progress') and (owner_id is null or made_by <> 'user:' || owner_id::text);
create index task_nobodys on task (due_at, id) where owner_id is null;
create index task_contact on task (contact_id, id desc) where contact_id is not null;
create index task_contacts on task using gin (contacts) where contacts <> '{}';
create index task_call on task (call_id) where call_id is not null;
create index task_missed on task (missed_id) where missed_id is not null;
create index task_owner_missed on task (owner_id, missed_id) where missed_id is not null;
create index task_in_group on task (group_id, id) where group_id is not null;
alter table missed add foreign key (task_id) references task;
create table task_change (
    id bigint generated always as identity primary key,
    task_id bigint not null references task,
    at timestamptz not null,
    by text not null,
    what jsonb not null
);
create index task_change_task on task_change (task_id, id);
create table task_reminder (
    task_id bigint not null references task,
    to_head boolean not null,
    minutes int not null check (minutes between 0 and 527040),
    at timestamptz not null,
    told_at timestamptz,
    primary key (task_id, to_head, minutes)
);
create index task_reminder_at on task_reminder (at) where told_at is null;
create table birthday_told (
    contact_id bigint not null references contact,
    year int not null,
    task_id bigint references task,
    primary key (contact_id, year)
);
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
