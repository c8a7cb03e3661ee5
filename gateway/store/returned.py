"""How quickly missed clients were reached: in time, later, not at all; docs/metrics.md has the definition.

A missed client counts in the period in which he called last. He was returned in time where somebody talked with him
before his deadline, whoever called whom. Those without a number, those dismissed by a person and those whose clock
still runs do not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool
from gateway.store.missed_lists import ROW, MissedRow

Source = Pool | Connection
_REACHED = "m.state in ('called_back', 'late', 'reached_us')"
_IN_TIME = "m.state in ('called_back', 'reached_us') and m.closed_at <= m.due_at"
COUNTED = (
    "m.last_at >= $1 and m.last_at < $2 and not m.hidden and m.state not in ('withdrawn', 'dismissed')"
    " and (m.state <> 'open' or m.due_at < $3)"
)
"""Which missed clients count: `$1` to `$2`, at the moment `$3`."""
FATES: Mapping[str, str] = {
    "returned": "true",
    "returned_in_time": _IN_TIME,
    "returned_later": f"{_REACHED} and not ({_IN_TIME})",
    "returned_never": f"not {_REACHED}",
}
"""Which of those that count stand behind a figure."""
WHOSE = "coalesce(m.closed_by_user, t.owner_id)"
"""To whom one is counted: who talked with him, else whose task he is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Missed clients of a period, by how they came out."""

    of: int
    """All that count."""
    in_time: int
    later: int
    """Reached, but after the deadline."""
    never: int
    """Not reached, also those whose deadline has passed and who still wait."""
    median_seconds: float | None
    """From the first call to the talk, of those who were reached; None: nobody was."""


_SUMS = (
    f"count(*) as of, count(*) filter (where {FATES['returned_in_time']}) as in_time,"
    f" count(*) filter (where {FATES['returned_later']}) as later,"
    f" count(*) filter (where {FATES['returned_never']}) as never, round((percentile_cont(0.5) within group (order by"
    f" extract(epoch from m.closed_at - m.first_at)) filter (where {_REACHED}))::numeric, 3)::float as median_seconds"
)
NONE = Returned(of=0, in_time=0, later=0, never=0, median_seconds=None)


async def returned(
    source: Source, begin: datetime, end: datetime, now: datetime, *, users: Sequence[int] | None = None
) -> Returned:
    """How those of a period came out.

    Args:
        source: where to read.
        begin: of the period.
        end: not including.
        now: the present moment.
        users: to whom they are counted; None: all of the company's.
    """
    row = await source.fetchrow(
        f"select {_SUMS} from missed m left join task t on t.id = m.task_id where {COUNTED}"
        f" and ($4::bigint[] is null or {WHOSE} = any($4::bigint[]))",
        begin,
        end,
        now,
        None if users is None else list(users),
    )
    return Returned(**dict(row))


async def returned_by_person(source: Source, begin: datetime, end: datetime, now: datetime) -> dict[int, Returned]:
    """The same for each person to whom any is counted."""
    rows = await source.fetch(
        f"select {WHOSE} as who, {_SUMS} from missed m left join task t on t.id = m.task_id where {COUNTED}"
        f" and {WHOSE} is not null group by 1",
        begin,
        end,
        now,
    )
    return {r["who"]: Returned(**{name: value for name, value in r.items() if name != "who"}) for r in rows}


async def returned_by_did(source: Source, begin: datetime, end: datetime, now: datetime) -> dict[str, Returned]:
    """The same for each of our numbers; empty: the call did not say which."""
    rows = await source.fetch(
        f"select coalesce(m.did, '') as did, {_SUMS} from missed m where {COUNTED} group by 1", begin, end, now
    )
    return {r["did"]: Returned(**{name: value for name, value in r.items() if name != "did"}) for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fated:
    """A missed client, and how he came out."""

    missed: MissedRow
    fate: str
    """A name of `FATES` other than `returned`."""


async def returned_rows(
    source: Source,
    begin: datetime,
    end: datetime,
    now: datetime,
    *,
    figure: str,
    users: Sequence[int] | None,
    did: str | None,
    card_reach: int | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Fated]:
    """The missed clients behind a figure, those who called last first.

    Args:
        source: where to read.
        begin: of the period.
        end: not including.
        now: the present moment.
        figure: a name of `FATES`.
        users: to whom they are counted; None: all of the company's.
        did: of one of our numbers, empty: the call did not say; None: of all.
        card_reach: from `gateway.domain.cards.card_reach`.
        after: last call and id of the last one seen; None: the first page.
        limit: how many at most.
    """
    told = " ".join(f"when {FATES[name]} then '{name}'" for name in ("returned_in_time", "returned_later"))
    rows = await source.fetch(
        f"select *, case {told} else 'returned_never' end as fate from ({ROW.format(cards=visible_contacts('$4'))}"
        f" where {COUNTED} and {FATES[figure]} and ($5::bigint[] is null or {WHOSE} = any($5::bigint[]))"
        " and ($6::text is null or coalesce(m.did, '') = $6)"
        " and ($7::timestamptz is null or (m.last_at, m.id) < ($7, $8::bigint))) as m"
        f" order by last_at desc, id desc limit {int(limit)}",
        begin,
        end,
        now,
        card_reach,
        None if users is None else list(users),
        did,
        *(after or (None, None)),
    )
    return [Fated(missed=MissedRow(**{n: r[n] for n in MissedRow.__slots__}), fate=r["fate"]) for r in rows]
