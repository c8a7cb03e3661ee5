"""How each manager is: available, talking, after a call, on a break or off, with the time in each.

`state_choice` (what was chosen) and `manager_talk` (when he talked, taken over from the legs of the calls) are what the
states come from; `manager_state` holds the intervals that follow from them, and can be computed again at any time. No
two of one manager overlap, and one at most goes on: the database says so. `queue_pause` is what each PBX was told last.
"""

from alembic import op

revision = "0022"
down_revision = "0021"

TABLES = """
create table break_reason (
    id bigint generated always as identity primary key,
    key text not null unique check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    name text not null check (length(name) between 1 and 80),
    minutes int check (minutes between 1 and 1440),
    place int not null default 100,
    archived_at timestamptz,
    version int not null default 1
);
insert into break_reason (key, name, minutes, place) values
    ('rest', 'Rest', null, 1), ('lunch', 'Lunch', 60, 2), ('training', 'Training', 240, 3),
    ('meeting', 'Meeting', 120, 4), ('paperwork', 'Paperwork', 120, 5);
create table manager_state_rule (
    id bigint generated always as identity primary key,
    team_id bigint references team,
    user_id bigint references users,
    after_call_seconds int check (after_call_seconds between 0 and 3600),
    break_minutes int check (break_minutes between 0 and 1440),
    begins text check (begins in ('working_time', 'sign_in', 'hand')),
    leads_on_break boolean,
    pause_queues boolean,
    version int not null default 1,
    changed_by text not null default 'trunkline',
    changed_at timestamptz not null default now(),
    check (team_id is null or user_id is null),
    unique nulls not distinct (team_id, user_id)
);
insert into manager_state_rule (after_call_seconds, break_minutes, begins, leads_on_break, pause_queues)
    values (15, 30, 'working_time', false, true);
create table state_choice (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    at timestamptz not null,
    chosen text not null check (chosen in ('available', 'break', 'off', 'after_call', 'done')),
    reason text not null default '',
    until timestamptz,
    call_id uuid,
    by text not null,
    told_at timestamptz,
    unique nulls not distinct (user_id, at, chosen, by, call_id)
);
create index state_choice_base on state_choice (user_id, at desc, id desc)
    where chosen in ('available', 'break', 'off');
create table manager_talk (
    pbx text not null,
    leg text not null,
    user_id bigint not null references users,
    call_id uuid not null,
    row_since timestamptz not null,
    row_until timestamptz,
    since timestamptz not null,
    until timestamptz,
    after_seconds int not null,
    primary key (pbx, leg)
);
create index manager_talk_user on manager_talk (user_id, since);
create index manager_talk_call on manager_talk (call_id);
create index manager_talk_open on manager_talk (user_id) where until is null;
create table manager_state (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    state text not null check (state in ('available', 'talking', 'after_call', 'break', 'off')),
    reason text not null default '',
    since timestamptz not null,
    until timestamptz,
    call_id uuid,
    by text not null default '',
    ends_at timestamptz,
    check (until is null or since < until),
    exclude using gist (user_id with =, tstzrange(since, until) with &&)
);
create unique index manager_state_now on manager_state (user_id) where until is null;
create index manager_state_user on manager_state (user_id, since desc);
create index manager_state_ends on manager_state (ends_at) where until is null and ends_at is not null;
create table state_clock (
    id int primary key default 1 check (id = 1),
    looked_at timestamptz
);
insert into state_clock default values;
create table queue_pause (
    pbx text not null,
    endpoint text not null,
    extension text not null,
    user_id bigint not null references users,
    paused boolean not null,
    reason text not null,
    outcome text not null check (outcome in ('accepted', 'refused', 'unknown')),
    fault text not null default '',
    at timestamptz not null,
    primary key (pbx, endpoint)
);
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
