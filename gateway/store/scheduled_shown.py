"""Scheduled calls with what a screen shows beside them, and those of a manager's queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.scheduled import Scheduled
from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool
from gateway.store.scheduled import SCHEDULED, scheduled_of

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownScheduled:
    """A scheduled call with what is shown beside it."""

    call: Scheduled
    user_name: str
    user_zone: str | None
    contact_name: str | None
    """None: there is no card, or it may not be shown."""


async def show_scheduled(source: Source, ids: Sequence[int], card_reach: int | None) -> list[ShownScheduled]:
    """Scheduled calls with names, in the order of their ids as given.

    Args:
        source: where to read.
        ids: which.
        card_reach: from `gateway.domain.cards.card_reach`; cards that may not be seen have no name.
    """
    rows = await source.fetch(
        f"select {SCHEDULED}, u.name as user_name, u.timezone as user_zone,"
        f" case when {visible_contacts('$2')} then c.name end as contact_name"
        " from unnest($1::bigint[]) with ordinality as w(id, place) join scheduled_call s on s.id = w.id"
        " join users u on u.id = s.user_id left join contact c on c.id = s.contact_id order by w.place",
        list(ids),
        card_reach,
    )
    return [
        ShownScheduled(
            call=scheduled_of(r), user_name=r["user_name"], user_zone=r["user_zone"], contact_name=r["contact_name"]
        )
        for r in rows
    ]


async def open_scheduled(source: Source, user: int, until: datetime, limit: int) -> list[int]:
    """Ids of a manager's open scheduled calls before a moment, the nearest first."""
    rows = await source.fetch(
        "select id from scheduled_call where user_id = $1 and state in ('planned', 'calling') and at < $2"
        " order by at, id limit $3",
        user,
        until,
        limit,
    )
    return [r["id"] for r in rows]
