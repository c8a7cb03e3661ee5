"""Dispositions and their reasons, what was chosen for calls, and the distribution of clients.

`disposition`, `disposition_reason` and `disposition_rule` are the company's data; rows are archived and never deleted,
since what was chosen points at them. `outcome` is what was chosen: `call_id` is the call for which, `standing_id` the
one which that call is part of now. Manager, DID, direction and day are taken over from the standing call and follow its
corrections, so statistics read one index.

`assignment` is one manager's turn with one lead; a card has one open turn at most (a unique index says so).
`handover` is many cards at once: by hand, for an absence, after a dismissal; it can be undone.
"""

import json

from alembic import op

revision = "0014"
down_revision = "0013"

TABLES = """
create table disposition (
    id bigint generated always as identity primary key,
    key text not null unique check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    labels jsonb not null,
    place int not null default 0,
    means text not null check (means in ('purchase', 'refusal', 'agreed', 'talked', 'not_reached', 'other')),
    reasons text check (reasons in ('refusal', 'purchase')),
    reason_required boolean not null default false,
    next_step text not null default 'none' check (next_step in ('none', 'offered', 'required')),
    stage text check (stage in ('lead', 'client', 'refused')),
    heat text check (heat in ('cold', 'warm', 'hot')),
    closes_lead boolean not null default false,
    task jsonb,
    archived_at timestamptz,
    changed_by text not null default 'trunkline',
    changed_at timestamptz not null default now(),
    version int not null default 1
);
create table disposition_reason (
    id bigint generated always as identity primary key,
    of text not null check (of in ('refusal', 'purchase')),
    key text not null check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    labels jsonb not null,
    place int not null default 0,
    return_months smallint check (return_months between 1 and 60),
    archived_at timestamptz,
    changed_by text not null default 'trunkline',
    changed_at timestamptz not null default now(),
    version int not null default 1,
    unique (of, key)
);
create table disposition_rule (
    id bigint generated always as identity primary key,
    name text not null,
    place int not null default 0,
    direction text check (direction in ('inbound', 'outbound')),
    dids text[] not null default '{}',
    roles text[] not null default '{}',
    talk_seconds int check (talk_seconds >= 0),
    archived_at timestamptz,
    changed_by text not null default 'trunkline',
    changed_at timestamptz not null default now(),
    version int not null default 1
);
create table outcome (
    id bigint generated always as identity primary key,
    call_id uuid unique references call,
    standing_id uuid references call,
    contact_id bigint references contact,
    user_id bigint references users,
    disposition_id bigint not null references disposition,
    reason_id bigint references disposition_reason,
    note text not null default '',
    next_step jsonb,
    is_complete boolean not null,
    is_current boolean not null default true,
    at timestamptz not null,
    day date not null,
    did text,
    direction text,
    stage_before text,
    heat_before text,
    stage_set text,
    heat_set text,
    made_task text,
    made_by text not null,
    made_at timestamptz not null,
    changed_at timestamptz not null,
    version int not null default 1,
    check (call_id is not null or contact_id is not null)
);
create index outcome_standing on outcome (standing_id) where standing_id is not null;
create index outcome_contact on outcome (contact_id, at desc);
create index outcome_at on outcome (at desc, id desc) where is_current;
create index outcome_user on outcome (user_id, at desc, id desc) where is_current;
create index outcome_incomplete on outcome (user_id, at desc) where is_current and not is_complete;
create index outcome_day on outcome (day, user_id) include (did, direction, disposition_id, reason_id)
    where is_current;
create table outcome_change (
    outcome_id bigint not null references outcome,
    version int not null,
    disposition_id bigint not null references disposition,
    reason_id bigint references disposition_reason,
    note text not null,
    next_step jsonb,
    by text not null,
    at timestamptz not null,
    primary key (outcome_id, version)
);
create table outcome_wanted (
    call_id uuid primary key references call,
    user_id bigint not null references users,
    rule_id bigint not null references disposition_rule,
    at timestamptz not null,
    asked_at timestamptz not null
);
create index outcome_wanted_user on outcome_wanted (user_id, at desc, call_id desc);
create index outcome_wanted_at on outcome_wanted (at desc, call_id desc);
create table distribution_policy (
    id int primary key default 1 check (id = 1),
    head_id bigint references users,
    talker_keeps boolean not null default true,
    on_dismissal boolean not null default true,
    version int not null default 1
);
insert into distribution_policy default values;
create table distribution_rule (
    id bigint generated always as identity primary key,
    name text not null,
    place int not null default 0,
    conditions jsonb not null default '{}',
    way text not null check (way in ('turn', 'load', 'skill', 'heat')),
    skill text,
    rating text not null default 'conversion'
        check (rating in ('conversion', 'answered', 'talk_seconds', 'numbers_long')),
    rating_days int not null default 30 check (rating_days between 1 and 366),
    answer_minutes int check (answer_minutes between 1 and 100000),
    answer_by text not null default 'attempt' check (answer_by in ('attempt', 'talk')),
    rounds int not null default 1 check (rounds between 1 and 10),
    changes int check (changes between 1 and 100),
    overdue_minutes int check (overdue_minutes between 1 and 1000000),
    head_id bigint references users,
    archived_at timestamptz,
    changed_by text not null,
    changed_at timestamptz not null,
    version int not null default 1
);
create table distribution_member (
    rule_id bigint not null references distribution_rule,
    user_id bigint not null references users,
    weight int not null default 1 check (weight between 1 and 100),
    skills text[] not null default '{}',
    open_max int check (open_max >= 0),
    day_max int check (day_max >= 0),
    credit double precision not null default 0,
    primary key (rule_id, user_id)
);
create table handover (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('hand', 'absence', 'dismissal')),
    from_id bigint references users,
    to_id bigint references users,
    reason text not null,
    by text not null,
    at timestamptz not null,
    cards int not null default 0,
    tasks int not null default 0,
    undone_by text,
    undone_at timestamptz,
    returned int not null default 0
);
create index handover_at on handover (at desc, id desc);
create table handover_card (
    handover_id bigint not null references handover,
    contact_id bigint not null references contact,
    from_id bigint references users,
    to_id bigint references users,
    returned_at timestamptz,
    primary key (handover_id, contact_id)
);
create table handover_task (
    handover_id bigint not null references handover,
    task_id text not null,
    from_id bigint references users,
    to_id bigint references users,
    returned_at timestamptz,
    primary key (handover_id, task_id)
);
create table absence (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    kind text not null check (kind in ('holiday', 'sick', 'break', 'other')),
    since timestamptz not null,
    until timestamptz,
    deputy_id bigint references users,
    hands_over boolean not null default true,
    comes_back boolean not null default true,
    state text not null default 'planned' check (state in ('planned', 'begun', 'ended', 'cancelled')),
    handover_id bigint references handover,
    made_by text not null,
    made_at timestamptz not null,
    version int not null default 1,
    check (until is null or since < until),
    check (deputy_id is null or deputy_id <> user_id)
);
create index absence_open on absence (user_id, since) where state in ('planned', 'begun');
create table dismissal (
    user_id bigint primary key references users,
    handover_id bigint not null references handover,
    begun_at timestamptz not null,
    done_at timestamptz
);
create table assignment (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contact,
    rule_id bigint references distribution_rule,
    user_id bigint references users,
    state text not null check (state in ('given', 'waiting', 'answered', 'passed', 'closed')),
    reason text not null,
    round int not null default 1,
    changes int not null default 0,
    tried bigint[] not null default '{}',
    lead jsonb not null default '{}',
    given_at timestamptz not null,
    deadline_at timestamptz,
    settled_at timestamptz,
    settled_by bigint references users,
    check (state <> 'given' or user_id is not null)
);
create unique index assignment_open on assignment (contact_id) where state in ('given', 'waiting');
create index assignment_contact on assignment (contact_id, id desc);
create index assignment_deadline on assignment (deadline_at) where state = 'given' and deadline_at is not null;
create index assignment_user on assignment (user_id, given_at desc);
create index assignment_waiting on assignment (id) where state = 'waiting';
"""

# key: English, Russian, Polish; what it means; reasons; whether one is required; next step; stage; heat; closes; task
DISPOSITIONS = (
    ("talked", "Talked, goes on", "Поговорили, продолжаем", "Rozmowa, kontynuujemy",
     "talked", None, False, "required", "lead", None, False, None),
    ("agreed", "Agreed on the next step", "Договорились о следующем шаге", "Umówiono następny krok",
     "agreed", None, False, "required", "lead", "hot", False, None),
    ("purchase", "Purchase", "Покупка", "Zakup",
     "purchase", "purchase", True, "offered", "client", "hot", True, None),
    ("refusal", "Refusal", "Отказ", "Odmowa",
     "refusal", "refusal", True, "none", "refused", "cold", True, {"kind": "return", "months": 6}),
    ("call_later", "Call later", "Перезвонить позже", "Zadzwonić później",
     "talked", None, False, "required", "lead", None, False, None),
    ("no_decision_maker", "Decision maker not reached", "Нет лица, принимающего решение", "Brak osoby decyzyjnej",
     "talked", None, False, "required", "lead", None, False, None),
    ("handed_over", "Handed over to a colleague", "Передан коллеге", "Przekazano koledze",
     "other", None, False, "required", None, None, False, None),
    ("not_reached", "Not reached", "Не дозвонились", "Nie odebrał",
     "not_reached", None, False, "offered", None, None, False, {"kind": "call", "minutes": 120}),
    ("question", "Question answered", "Ответили на вопрос", "Odpowiedziano na pytanie",
     "other", None, False, "none", None, None, False, None),
    ("wrong_number", "Wrong number", "Ошиблись номером", "Pomyłka",
     "other", None, False, "none", "refused", "cold", True, None),
    ("spam", "Advertising or spam", "Реклама или спам", "Reklama lub spam",
     "other", None, False, "none", "refused", "cold", True, None),
)  # fmt: skip
REASONS = (
    ("refusal", "too_expensive", "Too expensive", "Дорого", "Za drogo", 6),
    ("refusal", "no_need", "No need", "Нет потребности", "Brak potrzeby", 12),
    ("refusal", "not_now", "Not now", "Не сейчас", "Nie teraz", 6),
    ("refusal", "competitor", "Chose a competitor", "Выбрали конкурента", "Wybrano konkurencję", 12),
    ("refusal", "no_budget", "No budget", "Нет бюджета", "Brak budżetu", 6),
    ("refusal", "terms", "Delivery or terms", "Сроки или условия", "Termin lub warunki", 6),
    ("refusal", "no_trust", "No trust", "Нет доверия", "Brak zaufania", 12),
    ("refusal", "not_offered", "We do not offer it", "Нет в ассортименте", "Nie mamy w ofercie", 12),
    ("refusal", "other", "Other", "Другое", "Inne", None),
    ("purchase", "price", "Price", "Цена", "Cena", None),
    ("purchase", "quality", "Quality", "Качество", "Jakość", None),
    ("purchase", "speed", "Speed", "Скорость", "Szybkość", None),
    ("purchase", "service", "Service", "Обслуживание", "Obsługa", None),
    ("purchase", "recommendation", "Recommended", "По рекомендации", "Z polecenia", None),
    ("purchase", "repeat", "Bought before", "Уже покупали", "Kupował wcześniej", None),
    ("purchase", "other", "Other", "Другое", "Inne", None),
)


def upgrade() -> None:
    """Make the tables, and fill in what a company begins with."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
    for place, row in enumerate(DISPOSITIONS):
        key, en, ru, pl, means, reasons, required, step, stage, heat, closes, task = row
        op.execute(
            "insert into disposition (place, key, labels, means, reasons, reason_required, next_step, stage, heat,"
            f" closes_lead, task) values ({place * 10}, {_text(key)}, {_labels(en, ru, pl)}, {_text(means)},"
            f" {_text(reasons)}, {required}, {_text(step)}, {_text(stage)}, {_text(heat)}, {closes},"
            f" {_text(json.dumps(task).replace(':', chr(92) + ':')) if task else 'null'})"
        )
    for place, (of, key, en, ru, pl, months) in enumerate(REASONS):
        op.execute(
            "insert into disposition_reason (place, of, key, labels, return_months) values"
            f" ({place * 10}, {_text(of)}, {_text(key)}, {_labels(en, ru, pl)}, {months or 'null'})"
        )


def _labels(en: str, ru: str, pl: str) -> str:
    return f"jsonb_build_object('en', {_text(en)}, 'ru', {_text(ru)}, 'pl', {_text(pl)})"


def _text(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
