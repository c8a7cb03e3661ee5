"""Everything from the journal to the figures: people, families of rows, calls, cards, recordings, facts, access.

Durations are whole microseconds (`*_us`), moments are `timestamptz`. What a word means stands in docs/glossary.md.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

PEOPLE = """
create table users (
    id bigint generated always as identity primary key,
    login text not null check (login = lower(login) and length(login) between 1 and 80),
    name text not null check (length(name) between 1 and 120),
    role text not null check (role in ('manager', 'supervisor', 'admin')),
    password_hash text,
    timezone text,
    language text not null default 'en',
    active boolean not null default true,
    created_at timestamptz not null default now(),
    version int not null default 1
);
create unique index users_login on users (login);

create table extension (
    id bigint generated always as identity primary key,
    pbx text not null,
    extension text not null check (length(extension) between 1 and 40),
    user_id bigint not null references users,
    since timestamptz not null default '-infinity',
    until timestamptz not null default 'infinity',
    check (since < until),
    exclude using gist (pbx with =, extension with =, tstzrange(since, until) with &&)
);

create table endpoint (
    id bigint generated always as identity primary key,
    pbx text not null,
    pattern text not null check (length(pattern) between 1 and 120),
    kind text not null check (kind in ('manager', 'trunk', 'ignored')),
    extension text not null default '',
    since timestamptz not null default '-infinity',
    until timestamptz not null default 'infinity',
    check (since < until),
    check (kind <> 'manager' or extension <> ''),
    exclude using gist (pbx with =, pattern with =, tstzrange(since, until) with &&)
);
"""

JOURNAL = """
create table journal_cursor (
    pbx text primary key,
    cursor jsonb not null,
    updated_at timestamptz not null default now()
);

create table quarantine (
    id bigint generated always as identity primary key,
    pbx text not null,
    at timestamptz not null default now(),
    reason text not null,
    data bytea not null
);

create table family (
    id uuid primary key,
    pbx text not null,
    open boolean not null,
    rows bytea not null,
    first_at timestamptz not null,
    last_at timestamptz not null
);
create index family_open on family (pbx) where open;

create table contact (
    id bigint generated always as identity primary key,
    name text not null default '',
    owner_id bigint references users,
    note text not null default '',
    made_by text not null default 'call',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version int not null default 1
);
create index contact_name on contact using gin (name gin_trgm_ops);

create table contact_number (
    number text primary key check (number ~ '^[+][0-9]{3,15}$'),
    contact_id bigint not null references contact,
    kind text not null default 'phone',
    created_at timestamptz not null default now()
);
create index contact_number_contact on contact_number (contact_id);

create table command (
    id text primary key check (length(id) <= 30),
    pbx text not null,
    user_id bigint not null references users,
    extension text not null,
    number text not null,
    state text not null check (state in ('stored', 'sent', 'accepted', 'refused', 'unknown')),
    reason text,
    ordered_at timestamptz not null default now(),
    call_id uuid
);

create table call (
    id uuid primary key,
    pbx text not null,
    key text not null,
    family_id uuid not null references family,
    kind text not null,
    direction text not null,
    state text not null,
    client_number text,
    client_kind text,
    client_raw text,
    client_name text not null default '',
    contact_id bigint references contact,
    did text,
    trunk text,
    result text not null,
    missed_reason text,
    answered_by text[] not null default '{}',
    responsible_id bigint references users,
    wait_us bigint,
    talk_us bigint not null,
    hold_us bigint,
    ring_us bigint not null,
    outside_us bigint not null,
    transfers jsonb not null default '[]',
    hung_up_by text,
    complete boolean not null,
    started_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    linkedids text[] not null default '{}',
    unmapped text[] not null default '{}',
    command_id text,
    merged_into uuid,
    revision int not null default 1,
    updated_at timestamptz not null default now()
);
create index call_started on call (started_at desc, id desc) where merged_into is null;
create index call_contact on call (contact_id, started_at desc) where merged_into is null;
create index call_family on call (family_id);

create table call_manager (
    call_id uuid not null references call,
    extension text not null,
    user_id bigint references users,
    day date not null,
    direction text not null,
    number text,
    rang boolean not null,
    answered boolean not null,
    missed boolean not null,
    not_taken boolean not null,
    lost boolean not null,
    rang_us bigint not null,
    talk_us bigint not null,
    wait_us bigint not null,
    counted boolean not null,
    started_at timestamptz not null,
    primary key (call_id, extension)
);
create index call_manager_day on call_manager (user_id, day, direction) where counted;

create table leg (
    pbx text not null,
    id text not null,
    family_id uuid not null,
    call_id uuid,
    channel text not null,
    role text not null,
    extension text,
    dialled boolean not null,
    started_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    cause int,
    primary key (pbx, id)
);
create index leg_call on leg (call_id);
"""

FIGURES = """
create table counting_rule (
    id int primary key default 1 check (id = 1),
    long_seconds int not null
);

create table manager_day (
    user_id bigint not null references users,
    day date not null,
    direction text not null,
    calls int not null default 0,
    answered int not null default 0,
    missed int not null default 0,
    not_taken int not null default 0,
    lost int not null default 0,
    talk_us bigint not null default 0,
    wait_us bigint not null default 0,
    numbers int not null default 0,
    numbers_long int not null default 0,
    primary key (user_id, day, direction)
) with (fillfactor = 70);

create table number_day (
    user_id bigint not null,
    day date not null,
    direction text not null,
    number text not null,
    n int not null,
    n_long int not null,
    primary key (user_id, day, direction, number)
) with (fillfactor = 70);

create table company_day (
    day date not null,
    direction text not null,
    calls int not null default 0,
    answered int not null default 0,
    missed int not null default 0,
    lost int not null default 0,
    talk_us bigint not null default 0,
    wait_us bigint not null default 0,
    primary key (day, direction)
) with (fillfactor = 70);
"""

RECORDINGS = """
create table recording (
    id uuid primary key,
    pbx text not null,
    name text not null,
    call_id uuid references call,
    state text not null check (state in ('wanted', 'stored', 'damaged', 'failed', 'deleted')),
    reason text,
    attempts int not null default 0,
    next_try_at timestamptz not null default now(),
    has_speakers boolean,
    archive text,
    playback text,
    peaks text,
    sha256 bytea,
    bytes bigint,
    duration_us bigint,
    found_at timestamptz not null default now(),
    stored_at timestamptz,
    source_deleted_at timestamptz,
    transcript_state text not null default 'none'
        check (transcript_state in ('none', 'wanted', 'claimed', 'ready', 'failed')),
    transcript_claimed_until timestamptz,
    transcript_attempts int not null default 0,
    transcript_epoch bigint not null default 0,
    transcript_reason text,
    language text,
    unique (pbx, name)
);
create index recording_call on recording (call_id);
create index recording_to_ingest on recording (next_try_at) where state = 'wanted';
create index recording_to_transcribe on recording (stored_at)
    where transcript_state in ('wanted', 'claimed');
create index recording_to_delete on recording (stored_at) where state = 'stored' and source_deleted_at is null;

create table transcript (
    recording_id uuid primary key references recording on delete cascade,
    language text not null,
    model text not null,
    segments jsonb not null,
    text text not null,
    words tsvector not null,
    made_at timestamptz not null default now()
);
create index transcript_words on transcript using gin (words);
"""

FACTS = """
create table fact (
    id bigint generated always as identity primary key,
    tx xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(),
    kind text not null,
    call_id uuid,
    contact_id bigint,
    users bigint[] not null default '{}',
    body jsonb not null
);
create index fact_feed on fact (tx, id);

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null default '{}'
);
"""

ACCESS = """
create table session (
    token_hash bytea primary key,
    user_id bigint not null references users,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    address text not null default ''
);
create index session_by_user on session (user_id);

create table api_key (
    id bigint generated always as identity primary key,
    name text not null,
    token_hash bytea not null unique,
    role text not null check (role in ('manager', 'supervisor', 'admin')),
    user_id bigint references users,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);

create table sign_in_failure (
    id bigint generated always as identity primary key,
    account text not null,
    address text not null,
    at timestamptz not null default now()
);
create index sign_in_failure_at on sign_in_failure (at);

create table idempotency (
    principal text not null,
    route text not null,
    key text not null,
    fingerprint bytea not null,
    status int,
    body jsonb,
    created_at timestamptz not null default now(),
    primary key (principal, route, key)
);

create table lease (
    name text primary key,
    holder text not null,
    epoch bigint not null,
    until timestamptz not null
);
"""

# Cards for numbers, made where there is none. A second transaction that wants the same new number waits for the
# first on the primary key of contact_number and then finds its card.
CARDS = """
create function cards_for(wanted text[], names text[])
returns table (number text, contact_id bigint, made boolean) language plpgsql as $$
declare
    w record;
    card bigint;
begin
    for w in select u.n, u.name from unnest(wanted, names) as u(n, name) order by u.n loop
        select c.contact_id into card from contact_number c where c.number = w.n;
        made := false;
        if card is null then
            insert into contact (name) values (w.name) returning id into card;
            insert into contact_number (number, contact_id) values (w.n, card) on conflict do nothing;
            if found then
                made := true;
            else
                delete from contact where id = card;
                select c.contact_id into card from contact_number c where c.number = w.n;
            end if;
        end if;
        number := w.n;
        contact_id := card;
        return next;
    end loop;
end $$;
"""


def upgrade() -> None:
    """Make the tables, each part as one script."""
    for part in (PEOPLE, JOURNAL, FIGURES, RECORDINGS, FACTS, ACCESS, CARDS):
        for statement in _statements(part):
            op.execute(statement)


def _statements(script: str) -> list[str]:
    """The script's statements; a function body stays whole."""
    if "$$" in script:
        return [script]
    return [s for s in (piece.strip() for piece in script.split(";\n")) if s]
