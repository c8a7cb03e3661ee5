"""Whose clients there are: how many each manager has, and which of them an order means before it hands them over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.store.database import Connection, Pool

Source = Pool | Connection
LINES_MAX = 50
"""So many lines of business are listed, the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which clients of a manager; an empty tuple and None: whichever."""

    owner: int
    stages: tuple[str, ...] = ()
    heats: tuple[str, ...] = ()
    """`none`: nobody has said it."""
    lines: tuple[str, ...] = ()
    """Lines of business, in any letters; empty text: without one."""
    has_task: bool | None = None
    """Whether he has an open task with the client."""
    has_scheduled: bool | None = None
    """Whether he has planned a call with the client."""

    @classmethod
    def of_words(cls, owner: int, words: Mapping[str, Any]) -> "Which":
        """The same from the words of an order, as a handover keeps them."""
        return cls(
            owner=owner,
            stages=tuple(words.get("stages", ())),
            heats=tuple(words.get("heats", ())),
            lines=tuple(words.get("lines_of_business", ())),
            has_task=words.get("has_task"),
            has_scheduled=words.get("has_scheduled"),
        )

    @property
    def arguments(self) -> tuple[object, ...]:
        """For the places $1 to $6 of `_WHICH`."""
        texts = (list(some) or None for some in (self.stages, self.heats, self.lines))
        return (self.owner, *texts, self.has_task, self.has_scheduled)


_TASK = "t.contact_id = c.id and t.owner_id = c.owner_id and t.state in ('new', 'in_progress')"
_SCHEDULED = "s.contact_id = c.id and s.user_id = c.owner_id and s.state = 'planned'"
_WHICH = f"""c.owner_id = $1 and c.merged_into is null and ($2::text[] is null or c.stage = any($2::text[]))
 and ($3::text[] is null or coalesce(c.heat, 'none') = any($3::text[]))
 and ($4::text[] is null or lower(c.line_of_business) = any(array(select lower(l) from unnest($4::text[]) l)))
 and ($5::boolean is null or $5 = exists (select from task t where {_TASK}))
 and ($6::boolean is null or $6 = exists (select from scheduled_call s where {_SCHEDULED}))"""


async def cards_meant(source: Source, which: Which, *, after: int = 0, limit: int) -> list[int]:
    """Ids of the cards that an order means, the lowest first.

    Args:
        source: where to read.
        which: of whom, and which of his.
        after: id of the last one seen.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"select c.id from contact c where {_WHICH} and c.id > $8 order by c.id limit $7",
        *which.arguments,
        limit,
        after,
    )
    return [r["id"] for r in rows]


async def count_meant(source: Source, which: Which) -> int:
    """How many cards an order means."""
    found: int = await source.fetchval(f"select count(*) from contact c where {_WHICH}", *which.arguments)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a manager has with clients."""

    cards: int
    tasks: int
    """Open ones about these clients."""
    scheduled: int
    """Calls planned with them."""
    missed: int
    """How many of them called, were missed and are not called back yet."""


async def held(source: Source, which: Which) -> Held:
    """What there is with the clients that an order means."""
    row = await source.fetchrow(
        f"with w as materialized (select c.id from contact c where {_WHICH}) select (select count(*) from w) as cards,"
        " (select count(*) from task t where t.owner_id = $1 and t.state in ('new', 'in_progress')"
        "   and t.contact_id in (select id from w)) as tasks,"
        " (select count(*) from scheduled_call s where s.user_id = $1 and s.state = 'planned'"
        "   and s.contact_id in (select id from w)) as scheduled,"
        " (select count(distinct m.contact_id) from missed m where m.state = 'open' and not m.hidden"
        "   and m.contact_id in (select id from w)) as missed",
        *which.arguments,
    )
    return Held(**dict(row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How a manager's clients divide."""

    stages: Mapping[str, int]
    heats: Mapping[str, int]
    lines: Mapping[str, int]
    """The most frequent first."""
    other_tasks: int
    """Open tasks of his that are about no client of his own."""


async def parts_of(source: Source, owner: int) -> Parts:
    """Divide a manager's clients by stage, heat and line of business."""
    rows = await source.fetch(
        "select part.kind, part.name, count(*)::int as n from contact c, lateral (values ('stages', c.stage),"
        " ('heats', coalesce(c.heat, 'none')), ('lines', c.line_of_business)) as part (kind, name)"
        " where c.owner_id = $1 and c.merged_into is null group by 1, 2 order by 1, 3 desc, 2",
        owner,
    )
    other: int = await source.fetchval(
        "select count(*) from task t left join contact c on c.id = t.contact_id and c.owner_id = t.owner_id"
        " where t.owner_id = $1 and t.state in ('new', 'in_progress') and c.id is null",
        owner,
    )
    found: dict[str, dict[str, int]] = {"stages": {}, "heats": {}, "lines": {}}
    for row in rows:
        found[row["kind"]][row["name"]] = row["n"]
    return Parts(**{**found, "lines": dict(list(found["lines"].items())[:LINES_MAX])}, other_tasks=other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clientele:
    """A manager with what he has."""

    user_id: int
    name: str
    active: bool
    held: Held


async def clienteles(source: Source) -> list[Clientele]:
    """Everybody who works here, and who left and still has clients, by name."""
    rows = await source.fetch(
        "with cards as (select owner_id, count(*) as n from contact where merged_into is null and owner_id is not null"
        "  group by 1),"
        " tasks as (select t.owner_id, count(*) as n from task t join contact c on c.id = t.contact_id"
        "  and c.owner_id = t.owner_id where t.state in ('new', 'in_progress') group by 1),"
        " planned as (select s.user_id as owner_id, count(*) as n from scheduled_call s join contact c"
        "  on c.id = s.contact_id and c.owner_id = s.user_id where s.state = 'planned' group by 1),"
        " missed as (select c.owner_id, count(distinct c.id) as n from missed m join contact c on c.id = m.contact_id"
        "  where m.state = 'open' and not m.hidden and c.merged_into is null group by 1)"
        " select u.id, u.name, u.active, coalesce(cards.n, 0) as cards, coalesce(tasks.n, 0) as tasks,"
        " coalesce(planned.n, 0) as scheduled, coalesce(missed.n, 0) as missed from users u"
        " left join cards on cards.owner_id = u.id left join tasks on tasks.owner_id = u.id"
        " left join planned on planned.owner_id = u.id left join missed on missed.owner_id = u.id"
        " where u.active or cards.n > 0 order by u.name, u.id"
    )
    counts = ("cards", "tasks", "scheduled", "missed")
    return [
        Clientele(user_id=r["id"], name=r["name"], active=r["active"], held=Held(**{n: r[n] for n in counts}))
        for r in rows
    ]


async def planned_with(source: Source, owner: int, contacts: Sequence[int]) -> list[tuple[int, int]]:
    """Calls that a manager planned with these clients, the nearest first: id and card."""
    rows = await source.fetch(
        "select id, contact_id from scheduled_call where user_id = $1 and state = 'planned'"
        " and contact_id = any($2::bigint[]) order by at, id",
        owner,
        contacts,
    )
    return [(r["id"], r["contact_id"]) for r in rows]
