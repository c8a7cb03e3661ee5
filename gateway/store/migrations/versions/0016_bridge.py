"""Webhooks and what other systems send: subscriptions, deliveries and their attempts, site forms, rates of touches.

A delivery is one fact for one subscription. `told_id` is the fact whose body is sent: a correction that came before
the sending takes the place of the first version. `attempts` counts the claims and fences their results; `failures`
counts those that failed by the receiver's fault and walks through the table of retries.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = """
create table webhook (
    id bigint generated always as identity primary key,
    url text not null,
    description text not null default '',
    kinds text[] not null check (cardinality(kinds) between 1 and 50),
    api_version text not null default '1',
    secret text not null,
    old_secret text,
    old_secret_until timestamptz,
    state text not null default 'active' check (state in ('active', 'failing', 'off')),
    reason text,
    state_since timestamptz not null default now(),
    failures int not null default 0,
    failing_since timestamptz,
    delivered_at timestamptz,
    made_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version int not null default 1,
    deleted_at timestamptz
);
create table webhook_delivery (
    id bigint generated always as identity primary key,
    webhook_id bigint not null references webhook,
    fact_id bigint,
    told_id bigint,
    message_id text not null,
    kind text not null,
    call_id uuid,
    subject text,
    body jsonb,
    state text not null default 'waiting' check (state in ('waiting', 'sending', 'delivered', 'failed', 'folded')),
    due_at timestamptz not null,
    lease_until timestamptz,
    attempts int not null default 0,
    failures int not null default 0,
    status int,
    fault text,
    queued_at timestamptz not null,
    settled_at timestamptz,
    unique (webhook_id, fact_id)
) with (fillfactor = 70);
create index webhook_delivery_due on webhook_delivery (webhook_id, due_at, id) where state = 'waiting';
create index webhook_delivery_next on webhook_delivery (due_at) where state = 'waiting';
create index webhook_delivery_sending on webhook_delivery (webhook_id, lease_until) where state = 'sending';
create index webhook_delivery_subject on webhook_delivery (webhook_id, subject) where state in ('waiting', 'sending');
create index webhook_delivery_log on webhook_delivery (webhook_id, id desc);
create index webhook_delivery_settled on webhook_delivery (settled_at) where settled_at is not null;
create table webhook_attempt (
    delivery_id bigint not null references webhook_delivery on delete cascade,
    number int not null,
    at timestamptz not null,
    ms int,
    status int,
    fault text,
    answer text not null default '',
    primary key (delivery_id, number)
);
create index fact_at on fact using brin (at);
create table touch_form (
    id bigint generated always as identity primary key,
    key text not null unique,
    name text not null,
    kind text not null default 'form',
    source_kind text not null default 'site',
    source_name text not null default '',
    trap text not null default 'website',
    active boolean not null default true,
    made_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version int not null default 1
);
create unlogged table touch_rate (
    who text not null,
    span int not null,
    began timestamptz not null,
    n int not null,
    primary key (who, span, began)
);
create index touch_rate_began on touch_rate (began);
create index touch_joined on touch (kind, made_at desc)
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
