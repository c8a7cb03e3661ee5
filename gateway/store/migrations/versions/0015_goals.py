"""Goals, teams, what channels cost, and the reports that heads get every day.

A goal's values stand in versions with the day from which each holds, so a day of the past is judged by what was wanted
then. `goal_progress` is what was last told of a goal, to tell it again only when it moves and `reached` only once; the
figure itself is always counted from the calls. `report_delivery` is one row for each subscription and day, however
often the gateway starts again or the clock jumps. `call_report` lets reports over many calls read an index only.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
create table team (
    id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 120),
    head_id bigint references users,
    made_by text not null,
    made_at timestamptz not null default now(),
    archived_at timestamptz,
    version int not null default 1
);
create unique index team_name on team (lower(name)) where archived_at is null;
create table team_member (
    id bigint generated always as identity primary key,
    team_id bigint not null references team,
    user_id bigint not null references users,
    since date not null default '-infinity',
    until date not null default 'infinity',
    check (since <= until),
    exclude using gist (team_id with =, user_id with =, daterange(since, until, '[]') with &&)
);
create index team_member_user on team_member (user_id);
create table goal (
    id bigint generated always as identity primary key,
    whose text not null check (whose in ('everybody', 'user', 'team')),
    user_id bigint references users,
    team_id bigint references team,
    together boolean not null default false,
    period text not null check (period in ('day', 'week', 'month')),
    made_by text not null,
    made_at timestamptz not null default now(),
    version int not null default 1,
    check ((whose = 'user') = (user_id is not null)),
    check ((whose = 'team') = (team_id is not null)),
    check (not together or whose = 'team')
);
create table goal_version (
    goal_id bigint not null references goal,
    version int not null,
    since date not null,
    until date not null default 'infinity',
    name text not null,
    measure text not null
        check (measure in ('numbers', 'calls', 'answered', 'talk_minutes', 'outcomes', 'tasks', 'touches')),
    direction text not null check (direction in ('inbound', 'outbound', 'both')),
    seconds int check (seconds between 0 and 86400),
    kind text,
    target int not null check (target > 0),
    by text not null,
    at timestamptz not null default now(),
    check (since <= until),
    primary key (goal_id, version)
);
create table goal_progress (
    goal_id bigint not null,
    first date not null,
    user_id bigint not null,
    team_id bigint not null,
    amount bigint not null,
    target bigint not null,
    reached_at timestamptz,
    changed_at timestamptz not null,
    primary key (first, goal_id, user_id, team_id)
);
create table spend (
    id bigint generated always as identity primary key,
    channel_by text not null check (channel_by in ('did', 'source')),
    kind text not null default '',
    name text not null,
    since date not null,
    until date not null,
    amount numeric(14, 2) not null check (amount >= 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    note text not null default '',
    made_by text not null,
    made_at timestamptz not null default now(),
    removed_at timestamptz,
    version int not null default 1,
    check (since <= until)
);
create index spend_days on spend (since, until) where removed_at is null;
create table report_subscription (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    report text not null check (report in ('daily')),
    team_id bigint references team,
    covers text not null check (covers in ('today', 'yesterday')),
    hour smallint not null check (hour between 0 and 23),
    minute smallint not null default 0 check (minute between 0 and 59),
    weekdays smallint[] not null default '{1,2,3,4,5,6,7}',
    by text not null check (by in ('mail', 'file')),
    address text not null default '',
    active boolean not null default true,
    made_by text not null,
    made_at timestamptz not null,
    since timestamptz not null,
    version int not null default 1
);
create table report_delivery (
    id bigint generated always as identity primary key,
    subscription_id bigint not null references report_subscription,
    day date not null,
    state text not null check (state in ('wanted', 'sending', 'sent', 'unknown', 'failed', 'skipped')),
    reason text not null default '',
    attempts int not null default 0,
    next_try_at timestamptz not null,
    due_at timestamptz not null,
    made_at timestamptz not null,
    ended_at timestamptz,
    holder text,
    letter jsonb,
    unique (subscription_id, day)
);
create index report_delivery_wanted on report_delivery (next_try_at) where state in ('wanted', 'sending');
create index call_report on call (started_at) include (direction, result, did, contact_id, talk_us, wait_us)
    where kind = 'client' and state = 'ended' and merged_into is null;
create index task_of_owner_ended on task (owner_id, ended_at) where ended_at is not null;
create index touch_user on touch (user_id, at) where user_id is not null;
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
