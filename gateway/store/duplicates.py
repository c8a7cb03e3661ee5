"""The queue of cards that may be one person: looked for among new and changed cards, decided by people.

A card that is new or was changed is compared once (`contact.compared_at`), with those only that share something with
it: a number, an address, an organisation, a birthday, or the city and nearly the name; each of these has its index.
How sure it is says `gateway.domain.duplicates`. A pair that was decided on is never proposed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.duplicates import Likeness, Proposal, Reason, compare
from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool

Source = Pool | Connection

_WIDE = 50
"""Cards that share one thing with a card are compared with it up to so many."""
_NAME_THRESHOLD = "0.5"

_LIKENESS = """select c.id, c.name, c.organisation_id, c.city, c.birthday,
 array(select p.number from contact_phone p where p.contact_id = c.id) as numbers,
 array(select a.folded from contact_address a where a.contact_id = c.id and a.kind = 'email') as emails,
 array(select a.folded from contact_address a where a.contact_id = c.id and a.kind = 'messenger') as messengers
 from contact c"""

_PAIRS = f"""
select b.id as one, w.id as other from contact b cross join lateral (
    (select p2.contact_id as id from contact_phone p join contact_phone p2 on p2.number = p.number
        where p.contact_id = b.id and p2.contact_id <> b.id limit {_WIDE})
    union (select a2.contact_id from contact_address a join contact_address a2
        on a2.kind = a.kind and a2.folded = a.folded where a.contact_id = b.id and a2.contact_id <> b.id
        and a.kind in ('email', 'messenger') limit {_WIDE})
    union (select o.id from contact o where o.organisation_id = b.organisation_id and o.id <> b.id
        and o.merged_into is null limit {_WIDE})
    union (select o.id from contact o where extract(month from o.birthday) = extract(month from b.birthday)
        and extract(day from o.birthday) = extract(day from b.birthday) and o.birthday = b.birthday and o.id <> b.id
        and o.merged_into is null limit {_WIDE})
    union (select o.id from contact o where b.city <> '' and b.name like '% %' and o.name % b.name
        and lower(o.city) = lower(b.city) and o.id <> b.id and o.merged_into is null limit {_WIDE})
) w join contact k on k.id = w.id and k.merged_into is null
where b.id = any($1::bigint[]) and not exists (select from duplicate d
    where d.one_id = least(b.id, w.id) and d.other_id = greatest(b.id, w.id))"""


async def propose(connection: Connection, now: datetime, *, most: int) -> tuple[int, list[tuple[int, Proposal]]]:
    """Compare cards that wait for it, and write down the pairs that may be one person.

    Args:
        connection: within a transaction.
        now: the present moment, UTC.
        most: cards at most.

    Returns:
        How many cards were compared, and the new proposals with their ids.
    """
    rows = await connection.fetch(
        "select id from contact where compared_at is null and merged_into is null order by id limit $1"
        " for no key update skip locked",
        most,
    )
    ids: list[int] = [r["id"] for r in rows]
    if not ids:
        return 0, []
    await connection.execute(f"set local pg_trgm.similarity_threshold = {_NAME_THRESHOLD}")
    pairs = await connection.fetch(_PAIRS, ids)
    wanted = {tuple(sorted((r["one"], r["other"]))) for r in pairs}
    cards = await _likenesses(connection, sorted({card for pair in wanted for card in pair}))
    found = [p for one, other in sorted(wanted) if (p := compare(cards[one], cards[other])) is not None]
    written = await _write(connection, found, now)
    await connection.execute("update contact set compared_at = $2 where id = any($1::bigint[])", ids, now)
    return len(ids), written


async def _likenesses(connection: Connection, ids: Sequence[int]) -> dict[int, Likeness]:
    rows = await connection.fetch(f"{_LIKENESS} where c.id = any($1::bigint[])", ids)
    return {r["id"]: Likeness(**dict(r)) for r in rows}


async def _write(connection: Connection, found: Sequence[Proposal], now: datetime) -> list[tuple[int, Proposal]]:
    by_pair = {(p.one, p.other): p for p in found}
    rows = await connection.fetch(
        "insert into duplicate (one_id, other_id, reasons, score, found_at)"
        " select w.one, w.other, array(select json_array_elements_text(w.reasons)), w.score, $2"
        " from json_to_recordset($1) as w(one bigint, other bigint, reasons json, score real)"
        " on conflict do nothing returning id, one_id, other_id",
        [{"one": p.one, "other": p.other, "reasons": list(p.reasons), "score": p.score} for p in found],
        now,
    )
    return [(r["id"], by_pair[r["one_id"], r["other_id"]]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A proposal as it is stored."""

    id: int
    one_id: int
    other_id: int
    reasons: tuple[Reason, ...]
    score: float
    state: str
    """`open`, `merged` or `dismissed`."""
    found_at: datetime
    decided_by: str | None
    decided_at: datetime | None


_DUPLICATE = (
    "select d.id, d.one_id, d.other_id, d.reasons, d.score, d.state, d.found_at, d.decided_by, d.decided_at"
    " from duplicate d"
)


def _duplicate(row: Mapping[str, object]) -> Duplicate:
    values = dict(row)
    reasons: Sequence[str] = values.pop("reasons")  # type: ignore[assignment]
    return Duplicate(reasons=tuple(Reason(r) for r in reasons), **values)  # type: ignore[arg-type]


async def list_duplicates(
    source: Source,
    *,
    state: str,
    contact: int | None,
    reach: int | None,
    after: tuple[float, int] | None,
    limit: int,
) -> list[Duplicate]:
    """A page of proposals, the surest first.

    Args:
        source: where to read.
        state: which ones; open ones whose cards both stand, else all of the state.
        contact: only those of this card; None: of any.
        reach: from `gateway.domain.cards.card_reach`; both cards must be visible.
        after: score and id of the last one seen; None: the first page.
        limit: how many at most.
    """
    score, id_ = after or (None, None)
    rows = await source.fetch(
        f"{_DUPLICATE} join contact a on a.id = d.one_id join contact b on b.id = d.other_id"
        " where d.state = $1 and ($1 <> 'open' or (a.merged_into is null and b.merged_into is null))"
        " and ($2::bigint is null or $2 in (d.one_id, d.other_id))"
        f" and {visible_contacts('$3', 'a')} and {visible_contacts('$3', 'b')}"
        " and ($4::real is null or d.score < $4 or (d.score = $4 and d.id > $5::bigint))"
        " order by d.score desc, d.id limit $6",
        state,
        contact,
        reach,
        score,
        id_,
        limit,
    )
    return [_duplicate(r) for r in rows]


async def read_duplicate(source: Source, id: int) -> Duplicate | None:
    """One proposal; None: there is none with this id."""
    row = await source.fetchrow(f"{_DUPLICATE} where d.id = $1", id)
    return _duplicate(row) if row else None


async def reopen(connection: Connection, id: int) -> bool:
    """Take back that these two are two persons; False: nobody said so, or one of them was merged meanwhile."""
    found = await connection.fetchval(
        "update duplicate d set state = 'open', decided_by = null, decided_at = null where d.id = $1"
        " and d.state = 'dismissed' and not exists (select from contact c where c.id in (d.one_id, d.other_id)"
        " and c.merged_into is not null) returning true",
        id,
    )
    return bool(found)


async def dismiss(connection: Connection, id: int, *, by: str, now: datetime) -> bool:
    """Never propose these two again; False: it was decided on already."""
    found = await connection.fetchval(
        "update duplicate set state = 'dismissed', decided_by = $2, decided_at = $3"
        " where id = $1 and state = 'open' returning true",
        id,
        by,
        now,
    )
    return bool(found)
