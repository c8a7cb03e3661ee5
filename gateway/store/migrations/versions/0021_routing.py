"""Whom an inbound call rings, by DID and time, and what was decided for each call.

A route's steps are kept as JSON, for they are read and written as a whole and every version of them stays in
`routing_history`. `route_decision` has one row for each question of the dialplan: what was answered, why, and where
the next question goes on, so that a gateway that was started again in mid-route goes on there.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

TABLES = """
create table routing_group (
    id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 120),
    strategy text not null check (strategy in ('all', 'turn', 'longest_idle')),
    members bigint[] not null,
    version int not null default 1,
    changed_by text not null,
    changed_at timestamptz not null,
    archived_at timestamptz
);
create unique index routing_group_name on routing_group (lower(name)) where archived_at is null;
create table routing_turn (
    group_id bigint primary key references routing_group,
    user_id bigint not null references users
) with (fillfactor = 50);
create table inbound_route (
    id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 120),
    did text,
    record boolean not null,
    notice boolean not null,
    hours jsonb,
    steps jsonb not null,
    closed_steps jsonb not null,
    version int not null default 1,
    changed_by text not null,
    changed_at timestamptz not null,
    archived_at timestamptz
);
create unique index inbound_route_did on inbound_route (did) where archived_at is null and did is not null;
create unique index inbound_route_name on inbound_route (lower(name)) where archived_at is null;
create table routing_history (
    kind text not null check (kind in ('route', 'group')),
    of_id bigint not null,
    version int not null,
    body jsonb not null,
    by text not null,
    at timestamptz not null,
    primary key (kind, of_id, version)
);
create table routing_policy (
    id int primary key default 1 check (id = 1),
    sounds text[] not null default '{vm-nobodyavail,please-try-call-later,this-call-may-be-monitored-or-recorded}',
    notice text not null default 'this-call-may-be-monitored-or-recorded',
    version int not null default 1
);
insert into routing_policy default values;
create table route_decision (
    pbx text not null,
    uniqueid text not null,
    n int not null,
    call_id uuid not null,
    at timestamptz not null,
    action text not null,
    users bigint[] not null default '{}',
    place int not null,
    resume int not null,
    answer text not null,
    body jsonb not null,
    primary key (pbx, uniqueid, n)
);
create index route_decision_call on route_decision (call_id, at, n);
create index route_decision_at on route_decision (at) where action = 'dial'
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
