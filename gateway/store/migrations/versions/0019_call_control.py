"""Orders to calls that go on: what each was, of whom, and how it came out; and the number a manager shows to clients.

`command` held click-to-calls alone. Now it holds every order: `kind` says which, `call_id` the call it makes or
concerns, `leg` and `other_leg` what was named to the PBX. A click-to-call that was accepted goes on with its call to
its end, so that a number in flight can be seen; the index keeps one manager from ringing one number twice at once.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLES = """
alter table command drop constraint command_state_check;

alter table command
    alter column number drop not null,
    alter column user_id drop not null,
    add column kind text not null default 'call' check (kind in (
        'call', 'hang_up', 'cancel', 'hold', 'resume', 'digits', 'transfer', 'consult', 'consult_complete',
        'consult_abandon', 'recording_pause', 'recording_resume', 'listen', 'whisper', 'barge')),
    add column source text not null default 'click' check (length(source) between 1 and 20),
    add column actor text not null default '',
    add column caller_id text,
    add column leg text,
    add column other_leg text,
    add column target text,
    add column about bigint references users,
    add column ordered_by bigint references users,
    add column detail text not null default '',
    add column began_at timestamptz,
    add column ended_at timestamptz,
    add column cancelled_at timestamptz,
    add column updated_at timestamptz not null default now();

update command c set call_id = k.id from call k where k.command_id = c.id and c.call_id is null;

update command c set state = 'ended', reason = k.result, ended_at = k.ended_at from call k
    where c.state = 'accepted' and k.id = c.call_id and k.state = 'ended';

update command set state = 'unknown', reason = 'interrupted'
    where state in ('stored', 'sent', 'accepted') and ordered_at < now() - interval '1 day';

update command c set state = 'unknown', reason = 'interrupted'
    where c.state in ('stored', 'sent', 'accepted') and exists (select from command d where d.user_id = c.user_id
        and d.number = c.number and d.state in ('stored', 'sent', 'accepted') and d.id > c.id);

alter table command add constraint command_state_check check (state in (
    'stored', 'sent', 'accepted', 'dialled', 'talking', 'done', 'ended', 'refused', 'cancelled', 'unknown'));

alter table command add constraint command_number_check check (kind <> 'call' or number is not null);

create unique index command_in_flight on command (user_id, number)
    where kind = 'call' and state in ('stored', 'sent', 'accepted', 'dialled', 'talking');

create index command_unfinished on command (pbx, ordered_at)
    where state in ('stored', 'sent', 'accepted', 'dialled', 'talking', 'unknown');

drop index command_untold;

create index command_of_call on command (call_id) where call_id is not null;

create index command_of_user on command (user_id, ordered_at desc, id desc);

create index command_ordered_by on command (ordered_by, ordered_at desc, id desc);

create index command_number_open on command (number)
    where state in ('stored', 'sent', 'accepted', 'dialled', 'talking', 'unknown');

create index command_at on command (ordered_at desc, id desc);

create table shown_number (
    user_id bigint not null references users,
    pbx text not null,
    extension text not null,
    number text not null check (number ~ '^[+][0-9]{3,15}$'),
    changed_at timestamptz not null default now(),
    primary key (user_id, pbx, extension)
);
"""


# Whoever wants to dial a client waits here for whoever else does, on any node: first on the number, then on the card,
# which is made where the number has none. One round trip, for a phone is to ring at once.
HOLD_CLIENT = """
create function hold_client(wanted text, out card bigint, out made boolean, out numbers text[]) language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(wanted, 41));
    select k.contact_id, k.made into card, made from cards_for(array[wanted], array['']) as k;
    if card is not null then
        perform pg_advisory_xact_lock(hashtextextended(card::text, 42));
    end if;
    numbers := array(select wanted union select p.number from contact_phone p where p.contact_id = card limit 200);
end $$
"""


def upgrade() -> None:
    """Make the columns, indexes, the table and the function."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
    op.execute(HOLD_CLIENT)
