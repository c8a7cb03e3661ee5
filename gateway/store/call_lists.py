"""Calls in lists: filtered, in an order, in pages, and counted.

A list goes on behind the last entry seen (keyset): calls that come in between two pages move nothing. The lists of one
manager begin at his parts of calls, which lie in the order of time; whatever else a filter asks for is looked up for
the calls that are left. A count stops where nobody would read on (`COUNT_MAX`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.domain.spend import Channel, ChannelBy
from gateway.store.card_access import visible_contacts
from gateway.store.card_lists import like
from gateway.store.counted_calls import CountedCalls, WeekHours, add_channel, add_counted, add_hours
from gateway.store.database import Connection, Pool
from gateway.store.reading import CALL_BESIDE, CALL_COLUMNS, ReadCall, call_of_row
from gateway.store.routing_figures import ROUTED, STEP
from gateway.store.transcripts import words_condition

Source = Pool | Connection
COUNT_MAX = 10_000
NAMED_MAX = 10_000
"""So many cards of a name lead to their calls; beside more of them a walk through the newest calls is short."""


class CallOrder(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"  # talk
    WAITED = "waited"  # longest wait


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls are wanted; None everywhere: all."""

    only_user: int | None = None
    """Only calls in which this user had a part: the reach of the one who asks."""
    user: int | None = None
    """Only calls in which this user had a part: what he asks for."""
    users: tuple[int, ...] | None = None
    """Only calls in which one of these had a part: a team."""
    since: datetime | None = None
    until: datetime | None = None
    direction: str | None = None
    result: str | None = None
    reason: str | None = None
    """Why nobody talked."""
    kind: str | None = None
    state: str | None = None
    is_open: bool = False
    counted: CountedCalls | None = None
    hours: WeekHours | None = None
    channel: tuple[ChannelBy, Channel] | None = None
    contact: int | None = None
    organisation: int | None = None
    client: str | None = None
    """Words of the client's name."""
    named: Sequence[int] | None = None
    """The cards with these words, found before; None: they are looked for from each call."""
    card_reach: int | None = None
    """From `gateway.domain.cards.card_reach`, for `client` and `organisation`: how far the one who asks sees cards."""
    number: str | None = None
    """E.164."""
    digits: str | None = None
    """A part of the client's number."""
    did: str | None = None
    route: int | None = None
    """Only calls that went through this inbound route."""
    step: str | None = None
    """Only calls that this step of a route ended, as `gateway.store.routing_figures` names it."""
    source: str | None = None
    """Name of the source of our number (`our_number`), else of the client's card."""
    talk_since: int | None = None
    """Seconds of talk at least."""
    talk_until: int | None = None
    """Seconds of talk at most."""
    recorded: bool | None = None
    written: bool | None = None
    """Whether there is a transcript."""
    outcome: str | None = None
    """Key of the outcome, or what it means; `none`: it has none."""
    text: str | None = None
    """Words said in the call, as a search engine takes them."""
    languages: tuple[str, ...] = ()
    """Languages that a call may be in, for `text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlaceKeys:
    """Where a page ends."""

    at: datetime
    id: UUID
    size: int | None = None
    """Microseconds, in an order by size."""


@dataclass(slots=True)
class _Where:
    """Conditions with their values, numbered as they come."""

    conditions: list[str] = field(default_factory=lambda: ["c.merged_into is null"])
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        """Add a condition; each `$` in it stands for the next value."""
        for value in values:
            self.values.append(value)
            condition = condition.replace("$", f"\0{len(self.values)}", 1)
        self.conditions.append(condition.replace("\0", "$"))

    def place(self, value: object) -> str:
        """A further value's place."""
        self.values.append(value)
        return f"${len(self.values)}"

    def text(self) -> str:
        return " and ".join(self.conditions)


_RECORDED = "exists (select from recording r where r.call_id = c.id and r.state = 'stored')"
_WRITTEN = "exists (select from recording r where r.call_id = c.id and r.transcript_state = 'ready')"
_OUTCOME = "exists (select from outcome o join disposition d on d.id = o.disposition_id where o.call_id = c.id"
_SIZES = {CallOrder.LONGEST: "c.talk_us", CallOrder.WAITED: "coalesce(c.wait_us, -1)"}


def _where(wanted: CallFilter, *, at: str) -> _Where:
    where = _Where()
    plain: Mapping[str, object] = {
        f"{at} >= $": wanted.since,
        f"{at} < $": wanted.until,
        "c.direction = $": wanted.direction,
        "c.result = $": wanted.result,
        "c.reason = $": wanted.reason,
        "c.kind = $": wanted.kind,
        "c.state = $": wanted.state,
        "c.contact_id = $": wanted.contact,
        "c.client_number = $": wanted.number,
        "c.client_number like '%' || $ || '%'": wanted.digits,
        "c.did = $": wanted.did,
        ROUTED: wanted.route,
        f"{STEP} = $": wanted.step,
        "c.talk_us >= $::bigint * 1000000": wanted.talk_since,
        "c.talk_us <= $::bigint * 1000000": wanted.talk_until,
    }
    for condition, value in plain.items():
        if value is not None:
            where.add(condition, value)
    if wanted.is_open:
        where.add("c.state <> 'ended'")
    if wanted.counted is not None:
        add_counted(where.add, wanted.counted)
    if wanted.hours is not None:
        add_hours(where.add, wanted.hours)
    if wanted.channel is not None:
        add_channel(where.add, *wanted.channel)
    for condition, has in ((_RECORDED, wanted.recorded), (_WRITTEN, wanted.written)):
        if has is not None:
            where.conditions.append(condition if has else f"not {condition}")
    _of_card(where, wanted)
    if wanted.source is not None:
        where.add(
            "(c.did in (select n.did from our_number n where n.source_name = $ and n.archived_at is null)"
            " or c.contact_id in (select s.id from contact s where s.source_kind is not null and s.source_name = $))",
            wanted.source,
            wanted.source,
        )
    if wanted.outcome == "none":
        where.conditions.append(f"not {_OUTCOME} and o.is_current)")
    elif wanted.outcome is not None:
        where.add(f"{_OUTCOME} and o.is_current and (d.key = $ or d.means = $))", wanted.outcome, wanted.outcome)
    if wanted.text is not None:
        said = words_condition(where.place(wanted.text), wanted.languages)
        where.conditions.append(
            f"c.id in (select r.call_id from transcript t join recording r on r.id = t.recording_id where {said})"
        )
    return where


def _of_card(where: _Where, wanted: CallFilter) -> None:
    """The conditions on the client's card, as far as the one who asks may see it."""
    conditions = []
    if wanted.organisation is not None:
        conditions.append(f"k.organisation_id = {where.place(wanted.organisation)}")
    if wanted.named is not None:
        where.add("c.contact_id = any($::bigint[])", list(wanted.named))
    else:
        conditions += _named(where, wanted.client or "")
    if conditions:
        seen = visible_contacts(where.place(wanted.card_reach), "k")
        where.conditions.append(
            f"c.contact_id in (select k.id from contact k where {' and '.join(conditions)} and {seen})"
        )


def _named(where: _Where, words: str) -> list[str]:
    return [like("k.name", word, where.place) for word in words.split()]


async def _with_named(source: Source, wanted: CallFilter) -> CallFilter:
    """The filter with the cards of a name, where they are few.

    The planner cannot know how many there are: it walked through 90,000 calls for 100 of a name that 7,000 of 2 million
    cards bear (770 ms instead of 60, `bench.workplace`).
    """
    where = _Where(conditions=[])
    where.conditions += _named(where, wanted.client or "")
    if not where.conditions or wanted.only_user is not None or wanted.user is not None:  # one person's calls are few
        return wanted
    where.conditions.append(visible_contacts(where.place(wanted.card_reach), "k"))
    rows = await source.fetch(f"select k.id from contact k where {where.text()} limit {NAMED_MAX + 1}", *where.values)
    return wanted if len(rows) > NAMED_MAX else replace(wanted, named=[row["id"] for row in rows])


def _found(wanted: CallFilter, order: CallOrder) -> tuple[str, str, str, _Where]:
    """From where calls are read, the columns of moment and id, and the conditions."""
    users = [user for user in (wanted.only_user, wanted.user) if user is not None]
    begins_at_parts = bool(users) and order not in _SIZES
    at, id_ = ("p.started_at", "p.call_id") if begins_at_parts else ("c.started_at", "c.id")
    where = _where(wanted, at=at)
    if begins_at_parts:
        where.add("p.user_id = $", users.pop(0))
    for other in users:
        where.add("exists (select from call_manager o where o.call_id = c.id and o.user_id = $)", other)
    if wanted.users is not None:
        where.add(
            "exists (select from call_manager o where o.call_id = c.id and o.user_id = any($::bigint[]))",
            list(wanted.users),
        )
    if wanted.text is not None and wanted.only_user is not None:  # what was said is told to those who talked
        where.add(
            "exists (select from call_manager o where o.call_id = c.id and o.user_id = $ and o.answered)",
            wanted.only_user,
        )
    return "call_manager p join call c on c.id = p.call_id" if begins_at_parts else "call c", at, id_, where


async def list_calls(
    source: Source,
    wanted: CallFilter,
    *,
    after: CallPlaceKeys | tuple[datetime, UUID] | None,
    limit: int,
    order: CallOrder = CallOrder.NEWEST,
) -> list[ReadCall]:
    """A page of calls.

    Args:
        source: where to read.
        wanted: which ones.
        after: place of the last one seen; None: the first page.
        limit: how many at most.
        order: of the list.
    """
    found, at, id_, where = _found(await _with_named(source, wanted), order)
    size = _SIZES.get(order)
    way, than = ("asc", ">") if order is CallOrder.OLDEST else ("desc", "<")
    keys = f"{size}, {at}, {id_}" if size else f"{at}, {id_}"
    by = ", ".join(f"{key} {way}" for key in (*((size,) if size else ()), at, id_))
    if after is not None:
        last = after if isinstance(after, CallPlaceKeys) else CallPlaceKeys(at=after[0], id=after[1])
        values = ((last.size if last.size is not None else -1), last.at, last.id) if size else (last.at, last.id)
        where.add(f"({keys}) {than} ({', '.join('$' for _ in values)})", *values)
    columns = f"{size or 0} as size, {at} as sorted_at, {id_} as call_id"
    once = "" if size else f"distinct on ({keys}) "  # a manager may have two parts of one call
    page = f"select {once}{columns} from {found} where {where.text()} order by {by} limit {int(limit)}"
    shown = f"{'page.size ' + way + ', ' if size else ''}page.sorted_at {way}, page.call_id {way}"
    rows = await source.fetch(
        f"select page.sorted_at, page.size, {CALL_COLUMNS} from ({page}) page"
        f" join call c on c.id = page.call_id {CALL_BESIDE} order by {shown}",
        *where.values,
    )
    return [call_of_row(r, r["sorted_at"], r["size"] if size else None) for r in rows]


async def count_calls(source: Source, wanted: CallFilter) -> int:
    """How many calls there are, up to `COUNT_MAX` and one more."""
    found, _, id_, where = _found(await _with_named(source, wanted), CallOrder.NEWEST)
    count: int = await source.fetchval(
        f"select count(*) from (select distinct {id_} from {found} where {where.text()} limit {COUNT_MAX + 1}) c",
        *where.values,
    )
    return count
