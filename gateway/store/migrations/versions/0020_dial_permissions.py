"""What may be dialled: countries, prefixes, limits, and what was refused.

`dial_taken` is what limits are counted from: one row for each order that was permitted, for two days. A limit is asked
by the moment of the call that lies so many calls back, so each of its indexes begins with whose calls they are.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

TABLES = """
create table dial_policy (
    id int primary key default 1 check (id = 1),
    countries text[] not null default '{}',
    kinds text[] not null default '{}',
    prefixes jsonb not null default '[]',
    internal_targets text[] not null default '{}',
    user_limits jsonb not null default '{"minute": 20, "hour": 200, "day": 600, "foreign_day": 10}',
    key_limits jsonb not null default '{"minute": 60, "hour": 1000, "day": 5000, "foreign_day": 20}',
    company_limits jsonb not null default '{"minute": 300, "hour": 6000, "day": 30000, "foreign_day": 100}',
    burst int not null default 5 check (burst between 1 and 1000),
    burst_minutes int not null default 10 check (burst_minutes between 1 and 1440),
    changed_by text,
    changed_at timestamptz,
    version int not null default 1
);
insert into dial_policy default values;
create table dial_exception (
    id bigint generated always as identity primary key,
    role text check (role in ('manager', 'supervisor', 'admin')),
    team_id bigint references team,
    user_id bigint references users,
    key_id text references api_key (key_id),
    countries text[] not null default '{}',
    kinds text[] not null default '{}',
    prefixes jsonb not null default '[]',
    limits jsonb not null default '{}',
    note text not null default '',
    changed_by text not null,
    changed_at timestamptz not null,
    version int not null default 1,
    check (num_nonnulls(role, team_id, user_id, key_id) = 1),
    unique nulls not distinct (role, team_id, user_id, key_id)
);
create index dial_exception_team on dial_exception (team_id) where team_id is not null;
create index dial_exception_user on dial_exception (user_id) where user_id is not null;
create table dial_taken (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    user_id bigint references users,
    key_id text,
    is_foreign boolean not null,
    purpose text not null
);
create index dial_taken_at on dial_taken (at desc);
create index dial_taken_user on dial_taken (user_id, at desc);
create index dial_taken_key on dial_taken (key_id, at desc) where key_id is not null;
create index dial_taken_foreign on dial_taken (at desc) where is_foreign;
create index dial_taken_user_foreign on dial_taken (user_id, at desc) where is_foreign;
create index dial_taken_key_foreign on dial_taken (key_id, at desc) where is_foreign and key_id is not null;
create table dial_foreign (
    user_id bigint primary key references users,
    at timestamptz not null,
    region text,
    number text not null,
    told_at timestamptz
);
create index dial_foreign_untold on dial_foreign (at) where told_at is null;
create table dial_refusal (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    user_id bigint references users,
    key_id text,
    number text not null,
    region text,
    purpose text not null,
    reason text not null,
    sentence text not null,
    told_at timestamptz
);
create index dial_refusal_at on dial_refusal (at desc, id desc);
create index dial_refusal_user on dial_refusal (user_id, id desc) where user_id is not null;
create index dial_refusal_untold on dial_refusal (at) where told_at is null
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
