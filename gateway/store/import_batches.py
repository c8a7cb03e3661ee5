"""Writes a batch of an import: what the plan says, set by set, in the transaction that moves the import's place.

Batches of all imports take turns (an advisory lock), so two imports at once never make two cards for one client. Calls
and people do not wait for them: numbers that are known are held as every change of numbers holds them, and a number
that somebody took between the look and the write shows as a conflict, whereupon the batch is planned again.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from gateway.domain.errors import TryAgain
from gateway.domain.import_plan import (
    KEPT_COLUMNS,
    Content,
    Known,
    OnMatch,
    Plan,
    RowVerdict,
    Verdict,
    changes_of,
    plan_rows,
    tally,
)
from gateway.domain.import_rows import ReadRow
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts

_TURN = 7463
"""Number of the advisory lock that lets batches take turns."""


class Overtaken(TryAgain):
    """Somebody changed cards of this batch meanwhile; plan it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for every row of an import."""

    import_id: int
    on_match: OnMatch
    use_emails: bool
    system: str
    """The other system whose identifiers the rows bear."""
    stage: str
    """Of new cards, where the row says nothing."""
    owner: int | None
    source: str


@dataclass(slots=True, kw_only=True)
class Written:
    """What became of a batch."""

    verdicts: list[RowVerdict]
    facts: list[NewFact] = field(default_factory=list)

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by verdict."""
        return tally(self.verdicts)


async def try_batch(connection: Connection, rules: Rules, rows: Sequence[ReadRow]) -> Written:
    """Plan a batch and write nothing but the verdicts and what later rows must know."""
    known = await known_cards(connection, rules, rows, dry=True)
    plan = await asyncio.to_thread(_plan, rows, known, rules)
    keys = [
        {"kind": kind, "key": key, "line": -card, "name": content.name}
        for card, content in (*plan.made.items(), *((c, k) for c, k in plan.joined.items() if c < 0))
        for kind, key in _keys_of(content)
    ]
    await connection.execute(
        "insert into import_key (import_id, kind, key, line, name) select $1, k.kind, k.key, k.line, k.name"
        " from jsonb_to_recordset($2) as k(kind text, key text, line int, name text) on conflict do nothing",
        rules.import_id,
        keys,
    )
    await _write_rows(connection, rules, plan.verdicts, {})
    return Written(verdicts=plan.verdicts)


async def write_batch(connection: Connection, rules: Rules, rows: Sequence[ReadRow], *, now: datetime) -> Written:
    """Plan a batch and write it.

    Args:
        connection: within a transaction.
        rules: of the import.
        rows: in the file's order.
        now: the present moment, UTC.

    Raises:
        Overtaken: give the transaction up and try again.
    """
    await connection.execute("select pg_advisory_xact_lock($1)", _TURN)
    await _hold_numbers(connection, rows)
    known = await known_cards(connection, rules, rows, dry=False)
    plan = await asyncio.to_thread(_plan, rows, known, rules)
    ids = await _make_cards(connection, rules, plan, now)
    changed, facts = await _join_cards(connection, rules, plan, now)
    await _add_numbers(connection, rules, plan, ids)
    await _add_addresses(connection, rules, plan, ids)
    await _add_externals(connection, rules, plan, ids)
    await _write_rows(connection, rules, plan.verdicts, ids)
    told = [imported(rules.import_id, created=list(ids.values()), changed=changed)] if ids or changed else []
    await save_facts(connection, [*told, *facts])
    return Written(verdicts=plan.verdicts, facts=[*told, *facts])


def imported(import_id: int, **cards: Sequence[int]) -> NewFact:
    """One fact for a batch: a fact for each of a hundred thousand cards would hold up all who follow the feed."""
    lists: dict[str, object] = {word: sorted(ids) for word, ids in cards.items()}
    return NewFact(kind="contact.imported", body={"import": import_id, **lists})


def _plan(rows: Sequence[ReadRow], known: Known, rules: Rules) -> Plan:
    return plan_rows(rows, known, on_match=rules.on_match, use_emails=rules.use_emails)


def _keys_of(content: Content) -> list[tuple[str, str]]:
    keys = [("number", number) for number in content.numbers]
    keys += [("email", folded) for kind, folded in content.addresses if kind == "email"]
    return [*keys, ("external", content.external)] if content.external else keys


def _numbers_of(rows: Sequence[ReadRow]) -> list[str]:
    return sorted({number for row in rows for number, *_ in row["numbers"]})


async def _hold_numbers(connection: Connection, rows: Sequence[ReadRow]) -> None:
    await connection.execute(
        "select from contact_number where number = any($1::text[]) order by number for update", _numbers_of(rows)
    )


async def _by_index(connection: Connection, *, only: bool) -> None:
    """Let the next statement's plan go by indexes alone, whatever is known of the tables' sizes.

    A first import fills empty tables faster than their statistics follow, and a plan made for empty tables reads them
    whole for every batch (measured: 1.4 s a batch at 20,000 cards instead of 20 ms).
    """
    word = "off" if only else "on"
    await connection.execute(
        "select set_config('enable_hashjoin', $1, true), set_config('enable_mergejoin', $1, true),"
        " set_config('enable_seqscan', $1, true)",
        word,
    )


_KNOWN = """with found as materialized (
 select 'number' as kind, number as key, contact_id as id from contact_phone where number = any($1::text[])
 union select 'number', number, contact_id from contact_number
  where number = any($1::text[]) and contact_id is not null and not shared
 union select 'email', folded, contact_id from contact_address where kind = 'email' and folded = any($2::text[])
 union select 'external', external, present_card(local::bigint) from external_id
  where system = $4 and kind = 'contact' and external = any($3::text[]))
 select f.kind, f.key, c.id, c.name from found f
  cross join lateral (select id, name from contact where id = f.id and merged_into is null offset 0) as c
 union all select kind, key, -line, name from import_key
  where import_id = $5 and kind = 'number' and key = any($1::text[])
 union all select kind, key, -line, name from import_key
  where import_id = $5 and kind = 'email' and key = any($2::text[])
 union all select kind, key, -line, name from import_key
  where import_id = $5 and kind = 'external' and key = any($3::text[])
 order by 1, 2, 3"""
"""Each table by its keys first, and each card by its id: `offset 0` keeps the planner from beginning with all cards."""


async def known_cards(connection: Connection, rules: Rules, rows: Sequence[ReadRow], *, dry: bool) -> Known:
    """The cards that have any number, address or identifier of the rows."""
    emails = sorted({folded for row in rows for kind, _, folded in row["addresses"] if kind == "email"})
    externals = sorted({row["external"] for row in rows if row["external"]})
    await _by_index(connection, only=True)
    found = await connection.fetch(
        _KNOWN, _numbers_of(rows), emails, externals, rules.system, rules.import_id if dry else -1
    )
    await _by_index(connection, only=False)
    known = Known(numbers={}, emails={}, externals={}, names={})
    for row in found:
        known.names[row["id"]] = row["name"]
        if row["id"] < 0:
            known.lines[row["id"]] = -row["id"]
        if row["kind"] == "external":
            known.externals[row["key"]] = row["id"]
        else:
            cards = known.numbers if row["kind"] == "number" else known.emails
            cards[row["key"]] = (*cards.get(row["key"], ()), row["id"])
    if not dry:
        await _know_lines(connection, rules, known)
    return known


async def _know_lines(connection: Connection, rules: Rules, known: Known) -> None:
    made = await connection.fetch(
        "select contact_id, line from import_card where import_id = $1 and contact_id = any($2::bigint[]) and made",
        rules.import_id,
        list(known.names),
    )
    known.lines.update({r["contact_id"]: r["line"] for r in made})


async def _organisations(connection: Connection, rules: Rules, contents: Sequence[Content]) -> dict[str, int]:
    """Organisations by their name in small letters; those that are missing are made."""
    names = {c.organisation.lower(): c.organisation for c in contents if c.organisation}
    if not names:
        return {}
    found = await connection.fetch(
        "select w.small, (select min(o.id) from organisation o where lower(o.name) = lower(w.name)"
        "  and o.merged_into is null) as id from unnest($1::text[], $2::text[]) as w(small, name)",
        list(names),
        list(names.values()),
    )
    ids = {r["small"]: r["id"] for r in found if r["id"] is not None}
    missing = sorted(small for small in names if small not in ids)
    made = await connection.fetch(
        "with new as (insert into organisation (name, made_by) select name, $2 from unnest($1::text[]) as name"
        "  returning id, name), noted as (insert into import_organisation (import_id, organisation_id)"
        "  select $3, id from new) select id, name from new",
        [names[small] for small in missing],
        f"import:{rules.import_id}",
        rules.import_id,
    )
    return ids | {r["name"].lower(): r["id"] for r in made}


async def _make_cards(connection: Connection, rules: Rules, plan: Plan, now: datetime) -> dict[int, int]:
    """Make the new cards; their ids by the numbers that the plan gave them."""
    if not plan.made:
        return {}
    organisations = await _organisations(connection, rules, list(plan.made.values()))
    fresh = await connection.fetch(
        "select nextval(pg_get_serial_sequence('contact', 'id')) as id from generate_series(1, $1)", len(plan.made)
    )
    ids = {card: row["id"] for card, row in zip(plan.made, fresh, strict=True)}
    cards = [
        {
            "owner_id": rules.owner,
            "stage": rules.stage,
            "source_name": rules.source,
            **content.values,
            "id": ids[card],
            "line": content.line,
            "name": content.name,
            "fields": content.fields,
            "organisation_id": organisations.get(content.organisation.lower()),
        }
        for card, content in plan.made.items()
    ]
    await connection.execute(
        "with r as materialized (select * from json_to_recordset($1::text::json) as r(id bigint, line int,"
        "  name text, owner_id bigint, organisation_id bigint, job_title text, city text, line_of_business text,"
        "  priority smallint, heat text, stage text, source_name text, timezone text, birthday date, note text,"
        "  fields jsonb)),"
        " made as (insert into contact (id, name, owner_id, organisation_id, job_title, city, line_of_business,"
        "  priority, heat, stage, source_kind, source_name, timezone, birthday, note, fields, made_by, created_at,"
        "  updated_at, last_touch_at) overriding system value select id, coalesce(name, ''), owner_id, organisation_id,"
        "  coalesce(job_title, ''), coalesce(city, ''), coalesce(line_of_business, ''), coalesce(priority, 0), heat,"
        "  stage, 'import', source_name, timezone, birthday, coalesce(note, ''), fields, $3, $4, $4, $4 from r),"
        " owned as (insert into owner_change (contact_id, to_id, reason, by, at)"
        "  select id, owner_id, 'import', $3, $4 from r where owner_id is not null)"
        " insert into import_card (import_id, contact_id, line, made, version) select $2, id, line, true, 1 from r",
        await asyncio.to_thread(json.dumps, cards),
        rules.import_id,
        f"import:{rules.import_id}",
        now,
    )
    return ids


_PRESENT = ", ".join(KEPT_COLUMNS)
_TYPES = (
    "id bigint, version int, name text, owner_id bigint, organisation_id bigint, job_title text, city text,"
    " line_of_business text, priority smallint, heat text, stage text, source_kind text, source_name text,"
    " timezone text, birthday date, note text, fields jsonb"
)
SET_COLUMNS = ", ".join(f"{column} = r.{column}" for column in KEPT_COLUMNS)


async def _join_cards(
    connection: Connection, rules: Rules, plan: Plan, now: datetime
) -> tuple[list[int], list[NewFact]]:
    """Give cards that are there what their rows have; those that changed, and facts of changed owners."""
    if not plan.joined:
        return [], []
    organisations = await _organisations(connection, rules, list(plan.joined.values()))
    held = await hold_cards(connection, list(plan.joined))
    if len(held) < len(plan.joined):
        raise Overtaken  # one of them was merged into another
    changed: list[dict[str, object]] = []
    noted: list[dict[str, object]] = []
    for card, content in plan.joined.items():
        present = held[card]
        organisation = organisations.get(content.organisation.lower())
        changes = changes_of(present, content, organisation, overwrite=rules.on_match is OnMatch.OVERWRITE)
        version = int(str(present["version"])) + bool(changes)
        noted.append(
            {
                "id": card,
                "line": content.line,
                "version": version,
                "before": {column: present[column] for column in changes},
                "after": changes,
            }
        )
        if changes:
            changed.append({**present, **changes, "version": version})
    await update_cards(connection, changed, now)
    await _note_cards(connection, rules, noted)
    owners = await _owners(connection, rules, [(held[int(str(c["id"]))], c) for c in changed], now)
    return [int(str(c["id"])) for c in changed], owners


async def hold_cards(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """Cards that are nobody's part of another, with the columns that an import may change, held until the commit."""
    rows = await connection.fetch(
        "select id, version, to_jsonb(c) as whole from contact c where id = any($1::bigint[])"
        " and merged_into is null order by id for no key update",
        sorted(ids),
    )
    return {
        r["id"]: {"id": r["id"], "version": r["version"]} | {column: r["whole"][column] for column in KEPT_COLUMNS}
        for r in rows
    }


async def update_cards(connection: Connection, cards: Sequence[Mapping[str, object]], now: datetime) -> None:
    """Write all columns that an import may change, for cards that are held."""
    if cards:
        await connection.execute(
            f"update contact c set version = r.version, updated_at = $2, compared_at = null, {SET_COLUMNS}"
            f" from json_to_recordset($1::text::json) as r({_TYPES}) where c.id = r.id",
            await asyncio.to_thread(json.dumps, list(cards)),
            now,
        )


async def _note_cards(connection: Connection, rules: Rules, noted: Sequence[Mapping[str, object]]) -> None:
    """Keep what was changed; of a card that several batches change, what it was before the first."""
    await connection.execute(
        "insert into import_card (import_id, contact_id, line, made, version, before, after)"
        " select $1, r.id, r.line, false, r.version, r.before, r.after from json_to_recordset($2::text::json)"
        "  as r(id bigint, line int, version int, before jsonb, after jsonb)"
        " on conflict (import_id, contact_id) do update set version = excluded.version,"
        " before = excluded.before || import_card.before, after = import_card.after || excluded.after",
        rules.import_id,
        await asyncio.to_thread(json.dumps, list(noted)),
    )


async def _owners(
    connection: Connection,
    rules: Rules,
    changed: Sequence[tuple[Mapping[str, object], Mapping[str, object]]],
    now: datetime,
) -> list[NewFact]:
    """Facts of changed owners; they stand in the cards' history too."""
    facts: list[NewFact] = []
    owners: list[dict[str, object]] = []
    for before, after in changed:
        card = int(str(after["id"]))
        from_, to = before["owner_id"], after["owner_id"]
        if from_ != to:
            owners.append({"id": card, "from": from_, "to": to})
            facts.append(
                NewFact(
                    kind="contact.owner_changed",
                    body={"id": card, "from": from_, "to": to, "reason": "import", "by": f"import:{rules.import_id}"},
                    contact_id=card,
                    users=tuple(int(str(user)) for user in (from_, to) if user is not None),
                )
            )
    await connection.execute(
        "insert into owner_change (contact_id, from_id, to_id, reason, by, at) select r.id, r.from, r.to, 'import',"
        ' $2, $3 from jsonb_to_recordset($1) as r(id bigint, "from" bigint, "to" bigint)',
        owners,
        f"import:{rules.import_id}",
        now,
    )
    return facts


def _contents(plan: Plan, ids: Mapping[int, int]) -> list[tuple[int, Content]]:
    return [*((ids[card], content) for card, content in plan.made.items()), *plan.joined.items()]


async def _add_numbers(connection: Connection, rules: Rules, plan: Plan, ids: Mapping[int, int]) -> None:
    """Give the cards their numbers; a number that somebody else took meanwhile ends the attempt."""
    phones = [
        {"card": card, "number": number, "kind": kind, "label": label}
        for card, content in _contents(plan, ids)
        for number, (kind, label) in content.numbers.items()
    ]
    added = await connection.fetchrow(
        "with w as materialized (select * from json_to_recordset($1::text::json)"
        "  as w(card bigint, number text, kind text, label text)),"
        " claimed as (insert into contact_number (number, contact_id) select number, card from w order by number"
        "  on conflict do nothing returning number),"
        " new as (insert into contact_phone (contact_id, number, kind, label) select card, number, kind, label from w"
        "  order by number on conflict do nothing returning contact_id, number)"
        " select (select count(*) from new n where not exists (select from claimed c where c.number = n.number)"
        "   and not exists (select from contact_number t where t.number = n.number and t.contact_id = n.contact_id))"
        "   as lost,"
        "  (select json_agg(json_build_object('card', n.contact_id, 'number', n.number)) from new n"
        "   where n.contact_id <> all($2::bigint[])) as joined",
        await asyncio.to_thread(json.dumps, phones),
        list(ids.values()),
    )
    if added["lost"]:
        raise Overtaken
    await _note_added(connection, rules, "numbers", added["joined"], "number")


async def _note_added(
    connection: Connection, rules: Rules, what: str, added: Sequence[Mapping[str, object]] | None, key: str
) -> None:
    """Keep what a card that was there got, for the undo."""
    if added:
        await connection.execute(
            "update import_card i set added = jsonb_set(i.added, array[$1],"
            "  coalesce(i.added -> $1, '[]'::jsonb) || a.got)"
            " from (select (e ->> 'card')::bigint as card, jsonb_agg(e -> $3) as got from jsonb_array_elements($2) as e"
            "  group by 1) as a where i.import_id = $4 and i.contact_id = a.card and not i.made",
            what,
            list(added),
            key,
            rules.import_id,
        )


async def _add_addresses(connection: Connection, rules: Rules, plan: Plan, ids: Mapping[int, int]) -> None:
    addresses = [
        {"card": card, "kind": kind, "value": value, "folded": folded}
        for card, content in _contents(plan, ids)
        for (kind, folded), value in content.addresses.items()
    ]
    if not addresses:
        return
    added = await connection.fetchval(
        "with new as (insert into contact_address (contact_id, kind, value, folded) select card, kind, value, folded"
        "  from json_to_recordset($1::text::json) as w(card bigint, kind text, value text, folded text)"
        "  on conflict do nothing returning id, contact_id)"
        " select json_agg(json_build_object('card', contact_id, 'id', id)) from new"
        "  where contact_id <> all($2::bigint[])",
        await asyncio.to_thread(json.dumps, addresses),
        list(ids.values()),
    )
    await _note_added(connection, rules, "addresses", added, "id")


async def _add_externals(connection: Connection, rules: Rules, plan: Plan, ids: Mapping[int, int]) -> None:
    externals = [(content.external, str(card)) for card, content in _contents(plan, ids) if content.external]
    if not externals:
        return
    added = await connection.fetch(
        "insert into external_id (system, kind, external, local) select $1, 'contact', e, l"
        " from unnest($2::text[], $3::text[]) as w(e, l) on conflict do nothing returning external, local",
        rules.system,
        [external for external, _ in externals],
        [local for _, local in externals],
    )
    made = set(ids.values())
    joined = [{"card": int(r["local"]), "external": r["external"]} for r in added if int(r["local"]) not in made]
    await _note_added(connection, rules, "externals", joined, "external")


async def _write_rows(
    connection: Connection, rules: Rules, verdicts: Sequence[RowVerdict], ids: Mapping[int, int]
) -> None:
    told = await asyncio.to_thread(_as_json, verdicts, ids)
    await connection.execute(
        'insert into import_row (import_id, line, verdict, contact_id, twin, by, value, code, "column", faults, cells)'
        ' select $1, line, verdict, case when card > 0 then card end, twin, by, value, code, "column", faults, cells'
        " from json_to_recordset($2::text::json) as r(line int, verdict text, card bigint, twin int, by text,"
        '  value text, code text, "column" text, faults jsonb, cells jsonb)',
        rules.import_id,
        told,
    )


def _as_json(verdicts: Sequence[RowVerdict], ids: Mapping[int, int]) -> str:
    return json.dumps([{name: getattr(v, name) for name in _TOLD} | {"card": _card(v, ids)} for v in verdicts])


_TOLD = tuple(f.name for f in fields(RowVerdict))


def _card(verdict: RowVerdict, ids: Mapping[int, int]) -> int | None:
    return None if verdict.card is None else ids.get(verdict.card, verdict.card)


__all__ = ["Overtaken", "Rules", "Verdict", "Written", "hold_cards", "try_batch", "update_cards", "write_batch"]
