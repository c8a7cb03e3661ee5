"""Cards in lists: filtered, searched, in pages, quick among a million of them.

What most people ask for is among the newest cards, so a page is first looked for there, walking an index in the list's
order (`_WINDOWS`). Only what is rarer than that is then collected through the index of its filter, and sorted: the
rare is few. A text is looked for in names, searchable fields, addresses and numbers; for numbers and addresses the
cards are found first, so that the list itself has one condition on ids.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gateway.domain.cards import CardRule
from gateway.store.card_access import read_rule, seen_by_calls, visible_contacts
from gateway.store.contacts import Contact, read_contacts
from gateway.store.database import Connection, Pool

Source = Pool | Connection

_WINDOWS = (4000, 40_000)
"""Cards in the list's order among which a page is looked for; the larger only where cards that are hidden thin it."""
_BY_NUMBER = 500
"""Cards that are found by a part of a number or an address at most."""
COUNT_MAX = 10_000
"""Cards that are counted at most: nobody reads on behind them."""
SHORTEST_END = 4
"""Digits of a number's end by which it can be found."""
_SHORTEST_NEAR = 5
_NEAR = 0.45
_NEAR_AMONG = 5000
"""The last touched cards, whose names are compared with a mistyped one; an index over a million takes a second."""


class Order(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    LAST_TOUCH = "last_touch"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFilter:
    """Which cards are wanted; None everywhere: all."""

    reach: int | None = None
    """From `gateway.domain.cards.card_reach`: how far the one who asks sees."""
    text: str | None = None
    number: str | None = None
    """E.164 that the text may mean."""
    owner: int | None = None
    has_owner: bool | None = None
    stage: str | None = None
    heat: str | None = None
    priority: int | None = None
    """At least this."""
    source_kind: str | None = None
    source_name: str | None = None
    city: str | None = None
    line_of_business: str | None = None
    organisation: int | None = None
    has_next_step: bool | None = None
    """Whether a task is open or a call is planned with him."""
    touched_since: datetime | None = None
    created_since: datetime | None = None
    changed_since: datetime | None = None
    touched_before: datetime | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    """Values that fields of the site's own must have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends."""

    at: datetime
    id: int


@dataclass(slots=True)
class _Where:
    """Conditions with their values, numbered as they come."""

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        """Add a condition; each `$` in it stands for the next value."""
        for value in values:
            self.values.append(value)
            condition = condition.replace("$", f"\0{len(self.values)}", 1)
        self.conditions.append(condition.replace("\0", "$"))

    def value(self, value: object) -> str:
        """A further value's place."""
        self.values.append(value)
        return f"${len(self.values)}"


async def list_contacts(
    source: Source, wanted: CardFilter, *, order: Order = Order.NEWEST, after: Place | None = None, limit: int
) -> list[Contact]:
    """A page of cards.

    Args:
        source: where to read.
        wanted: which ones.
        order: of the list; the newest or the last touched first.
        after: the last card seen; None: the first page.
        limit: how many at most.
    """
    if wanted.reach is not None and (await read_rule(source))[0] is CardRule.ALL:
        wanted = replace(wanted, reach=None)
    where = _Where()
    await _narrow(source, where, wanted)
    narrowed = bool(where.conditions) or wanted.owner is not None
    if wanted.reach is not None and wanted.owner not in (None, wanted.reach):
        ids = await _of_colleague(source, where, wanted, order, after, limit)
    else:
        if wanted.reach is not None:
            where.add(visible_contacts(where.value(wanted.reach)))
        ids = await _ids(source, where, wanted, order, after, limit, narrowed=narrowed)
    cards = await read_contacts(source, ids)
    return [cards[id] for id in ids if id in cards]


def _behind(where: _Where, wanted: CardFilter, order: Order, after: Place | None) -> tuple[str, str]:
    """The condition of what comes after a page's end, and the order."""
    by = "c.id desc" if order is Order.NEWEST else "c.last_touch_at desc, c.id desc"
    behind = "c.merged_into is null"
    if wanted.owner is not None:  # one manager's cards have indexes of their own, in both orders
        behind += f" and c.owner_id = {where.value(wanted.owner)}"
    if after is not None:
        at, id_ = where.value(after.at), where.value(after.id)
        behind += (
            f" and c.id < {id_} and {at}::timestamptz is not null"
            if order is Order.NEWEST
            else f" and (c.last_touch_at, c.id) < ({at}, {id_})"
        )
    return behind, by


async def _of_colleague(
    source: Source, where: _Where, wanted: CardFilter, order: Order, after: Place | None, limit: int
) -> list[int]:
    """The cards of a colleague that a manager may see: few of many, found from the side of the manager's calls."""
    behind, by = _behind(where, wanted, order, after)
    all_of = " and ".join(("true", *where.conditions))
    rows = await source.fetch(
        f"with t as materialized ({seen_by_calls(where.value(wanted.reach))})"
        f" select c.id from t join contact c on c.id = t.id where {behind} and {all_of}"
        f" order by {by} limit {int(limit)}",
        *where.values,
    )
    return [r["id"] for r in rows]


async def _ids(
    source: Source, where: _Where, wanted: CardFilter, order: Order, after: Place | None, limit: int, *, narrowed: bool
) -> list[int]:
    behind, by = _behind(where, wanted, order, after)
    all_of = " and ".join(where.conditions) or "true"
    for window in _WINDOWS if wanted.reach is not None else _WINDOWS[:1]:
        rows = await source.fetch(
            f"select c.id from (select * from contact c where {behind} order by {by} limit {window}) c"
            f" where {all_of} order by {by} limit {int(limit)}",
            *where.values,
        )
        if len(rows) == limit or (not narrowed and wanted.reach is None):
            return [r["id"] for r in rows]
        if not await _is_longer(source, behind, by, where, window):
            return [r["id"] for r in rows]
        if len(rows) * _WINDOWS[1] < limit * window:
            break  # the larger one would not fill the page either
    found = (
        f"select c.id, c.last_touch_at from contact c where {behind} and {all_of}"
        if narrowed or wanted.reach is None
        else _seen(where.value(wanted.reach), behind, by, int(limit))
    )
    rows = await source.fetch(
        f"with found as materialized ({found}) select c.id from found c group by c.id, c.last_touch_at"
        f" order by {by} limit {int(limit)}",
        *where.values,
    )
    return [r["id"] for r in rows]


async def _is_longer(source: Source, behind: str, by: str, where: _Where, window: int) -> bool:
    """Whether there are cards beyond the window."""
    used = [n for n in range(1, len(where.values) + 1) if re.search(rf"\${n}\b", behind)]
    for place, n in enumerate(used, 1):
        behind = re.sub(rf"\${n}\b", f"${place}", behind)
    more = await source.fetchval(
        f"select true from contact c where {behind} order by {by} offset {window} limit 1",
        *(where.values[n - 1] for n in used),
    )
    return bool(more)


def _seen(reach: str, behind: str, by: str, limit: int) -> str:
    """The cards of a manager who sees few, by the ways in which he may see them; each way has its index."""
    card = f"select c.id, c.last_touch_at from contact c where {behind}"
    order = f"order by {by} limit {limit}"
    return (
        f"({card} and c.owner_id = {reach} {order}) union all ({card} and c.owner_id is null {order}) union all"
        f" (select c.id, c.last_touch_at from ({seen_by_calls(reach)}) t"
        f"  join contact c on c.id = t.id where {behind} {order})"
    )


_NEXT_STEP = (
    "(exists (select from task s where s.contact_id = c.id and s.state in ('new', 'in_progress'))"
    " or exists (select from scheduled_call s where s.contact_id = c.id and s.state in ('planned', 'calling')))"
)


async def count_contacts(source: Source, wanted: CardFilter) -> int:
    """How many cards there are, up to `COUNT_MAX` and one more."""
    if wanted.reach is not None and (await read_rule(source))[0] is CardRule.ALL:
        wanted = replace(wanted, reach=None)
    where = _Where(conditions=["c.merged_into is null"])
    await _narrow(source, where, wanted)
    if wanted.owner is not None:
        where.add("c.owner_id = $", wanted.owner)
    if wanted.reach is not None:
        where.add(visible_contacts(where.value(wanted.reach)))
    count: int = await source.fetchval(
        f"select count(*) from (select from contact c where {' and '.join(where.conditions)} limit {COUNT_MAX + 1}) c",
        *where.values,
    )
    return count


async def _narrow(source: Source, where: _Where, wanted: CardFilter) -> None:
    plain: Mapping[str, object] = {
        "c.stage = $": wanted.stage,
        "c.heat = $": wanted.heat,
        "(c.priority > 0 and c.priority >= $)": wanted.priority or None,
        "c.source_kind = $": wanted.source_kind,
        "(c.source_kind is not null and c.source_name = $)": wanted.source_name,
        "(c.city <> '' and lower(c.city) = lower($))": wanted.city,
        "c.organisation_id = $": wanted.organisation,
        "c.created_at >= $": wanted.created_since,
        "c.updated_at >= $": wanted.changed_since,
        "(c.line_of_business <> '' and lower(c.line_of_business) = lower($))": wanted.line_of_business,
        "c.last_touch_at < $": wanted.touched_before,
        "c.last_touch_at >= $": wanted.touched_since,
        "c.fields @> $": dict(wanted.fields) or None,
    }
    for condition, value in plain.items():
        if value is not None:
            where.add(condition, value)
    if wanted.has_owner is not None:
        where.conditions.append(f"c.owner_id is {'not ' if wanted.has_owner else ''}null")
    if wanted.has_next_step is not None:
        where.conditions.append(_NEXT_STEP if wanted.has_next_step else f"not {_NEXT_STEP}")
    if wanted.text is not None:
        _said(where, wanted.text, await found_by(source, wanted.text, wanted.number))


def _said(where: _Where, text: str, cards: Sequence[int]) -> None:
    """The text is in the name or in a searchable field, or it is a number or an address of one of these cards."""
    names: list[str] = []
    words: list[str] = []
    for word in text.split():
        for column, conditions in (("c.name", names), ("c.field_words", words)):
            conditions.append(like(column, word, where.value))
    where.conditions.append(
        f"({' and '.join(names) or 'true'} or (c.field_words <> '' and {' and '.join(words) or 'true'})"
        f" or c.id = any({where.value(list(cards))}::bigint[]))"
    )


def like(column: str, word: str, place: Callable[[object], str]) -> str:
    """The condition that a word is in a column; one of less than three letters only where a word begins with it.

    Args:
        column: of the statement.
        word: as typed.
        place: takes a value of the statement and gives its place, like `$4`.
    """
    literal = literal_of(word)
    if len(word) >= 3 or not word.isalnum():
        return f"{column} ilike {place('%' + literal + '%')}"
    # A shorter one has no trigram of its own: only the beginning of a word leads through the index.
    return f"({column} ilike {place(literal + '%')} or {column} ilike {place('% ' + literal + '%')})"


def literal_of(text: str) -> str:
    """A text in which the signs of a LIKE pattern stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def found_by(source: Source, text: str, number: str | None) -> list[int]:
    """Cards that have a number or an address which a text may mean.

    Args:
        source: where to read.
        text: as typed; the end of a number has at least four digits and nothing but digits and separators.
        number: E.164 that it means as a whole; None: none.
    """
    digits = number_end(text)
    address = text.strip().casefold() if re.search(r"[@./]", text) else None
    if number is None and digits is None and address is None:
        return []
    rows = await source.fetch(
        "(select contact_id from contact_phone where number = $1)"
        " union (select contact_id from contact_phone where $2::text is not null"
        f"  and reverse(number) like reverse($2) || '%' limit {_BY_NUMBER})"
        " union (select contact_id from contact_address where $3::text is not null"
        f"  and folded like '%' || $3 || '%' limit {_BY_NUMBER})",
        number,
        digits,
        None if address is None else literal_of(address),
    )
    return [r["contact_id"] for r in rows]


def number_end(text: str) -> str | None:
    """The digits of a text that may be the end of a number; None: it is no number, or too short an end."""
    digits = re.sub(r"[\s().\-/+\u00a0]+", "", text)
    return digits if digits.isascii() and digits.isdigit() and SHORTEST_END <= len(digits) <= 15 else None


async def nearly_named(source: Source, text: str, *, reach: int | None, limit: int) -> list[Contact]:
    """Cards touched lately whose names are nearly a text, for one who mistyped; the nearest first.

    Args:
        source: where to read.
        text: as typed; of less than five letters nothing is near.
        reach: from `gateway.domain.cards.card_reach`.
        limit: how many at most.
    """
    if len(text) < _SHORTEST_NEAR:
        return []
    rows = await source.fetch(
        "with n as materialized (select c.id, word_similarity($1, c.name) as near from (select id, name from contact"
        f"  where merged_into is null order by last_touch_at desc, id desc limit {_NEAR_AMONG}) c)"
        " select c.id from n join contact c on c.id = n.id"
        f" where n.near >= {_NEAR} and {visible_contacts('$2')} order by n.near desc, c.id desc limit $3",
        text,
        reach,
        limit,
    )
    cards = await read_contacts(source, [r["id"] for r in rows])
    return [cards[r["id"]] for r in rows if r["id"] in cards]
