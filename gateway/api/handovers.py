"""Handing clients over by hand: with a preview, which is the same work rolled back, and an undo."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, model_validator

from gateway.aftercare.giving import Giver
from gateway.aftercare.handovers import NobodyError, give_back, hand_over
from gateway.api.distribution_views import IdPlace
from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.cards import Stage
from gateway.store import handovers as store
from gateway.store import people
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.distribution_rules import known_users
from gateway.store.facts import NewFact
from gateway.store.handovers import Handover

AT_MOST = 1000
"""Cards of one order."""
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class NewHandover(Incoming):
    """Which clients go to whom."""

    from_: RowId | None = Field(default=None, alias="from", description="only this manager's clients")
    to: RowId | None = Field(default=None, description="the colleague; left out: by the rules of distribution")
    contacts: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=AT_MOST)] | None = Field(
        default=None, description="left out: all of `from`, of these stages"
    )
    stages: Annotated[tuple[Stage, ...], Field(max_length=4)] = Field(default=(), description="empty: in any stage")
    tasks: bool = Field(default=True, description="open tasks with these clients go along")
    reason: Reason = "by_hand"
    dry_run: bool = Field(default=False, description="only tell what would happen")

    @model_validator(mode="after")
    def _whose(self) -> "NewHandover":
        if self.contacts is None and self.from_ is None:
            raise ValueError("give `contacts`, `from` or both")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("`from` and `to` are the same")
        return self


class HandoverPath(Incoming):
    """Which handover."""

    handover_id: RowId


class PageQuery(Incoming):
    """Which page."""

    limit: Limit = 50
    cursor: CursorText | None = None


class ShareView(Outgoing):
    """How many a colleague gets."""

    user: int
    cards: int
    tasks: int


class HandoverView(Outgoing):
    """Many cards and tasks that changed hands at once."""

    id: int | None = Field(description="null: a preview")
    kind: str
    from_: int | None = Field(serialization_alias="from")
    to: int | None
    reason: str
    by: str
    at: datetime
    cards: int
    tasks: int
    shares: tuple[ShareView, ...] = Field(description="who gets how many")
    undone_by: str | None
    undone_at: datetime | None
    returned: int = Field(description="cards that came back when it was undone")


class HandoverRow(Outgoing):
    """A handover in a list."""

    id: int
    kind: str
    from_: int | None = Field(serialization_alias="from")
    to: int | None
    reason: str
    by: str
    at: datetime
    cards: int
    tasks: int
    undone_at: datetime | None


class ItemView(Outgoing):
    """A card that changed hands."""

    contact: int
    from_: int | None = Field(serialization_alias="from")
    to: int
    returned: bool


class UndoneError(ConflictError):
    """This handover was undone already."""


class _PreviewError(Exception):
    """Rolls a preview back."""


class Handovers:
    """The handlers of `/distribution/handovers`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        manage, tag = Right.DISTRIBUTION_MANAGE, "distribution"
        return (
            Route(
                method="POST",
                path="/distribution/handovers",
                handler=self.order,
                summary="Give clients to a colleague or by rule; a dry run tells what would happen",
                right=manage,
                tag=tag,
                status=201,
                idempotent=True,
                body_max=1024 * 1024,
                errors=(NobodyError,),
            ),
            Route(
                method="GET",
                path="/distribution/handovers",
                handler=self.listing,
                summary="Handovers, the newest first",
                right=manage,
                tag=tag,
            ),
            Route(
                method="GET",
                path="/distribution/handovers/{handover_id}",
                handler=self.one,
                summary="One handover",
                right=manage,
                tag=tag,
            ),
            Route(
                method="GET",
                path="/distribution/handovers/{handover_id}/cards",
                handler=self.cards,
                summary="The cards of a handover",
                right=manage,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/distribution/handovers/{handover_id}/undo",
                handler=self.undo,
                summary="Undo a handover: what is still with the one who got it goes back",
                right=manage,
                tag=tag,
                idempotent=True,
                errors=(UndoneError,),
            ),
        )

    async def order(self, asked: Asked[Nothing, Nothing, NewHandover]) -> HandoverView | web.Response:
        """Hand over, or tell what would happen."""
        body, who = asked.body, asked.principal
        if body.dry_run:
            return await self._preview(who, body)

        async def work(connection: Connection) -> tuple[HandoverView, Sequence[NewFact]]:
            giver, id_ = await self._done(connection, who, body)
            await write_audit(
                connection,
                actor=who.id,
                action="handover.done",
                object=f"handover:{id_}",
                detail=body.model_dump(mode="json", by_alias=True, exclude={"contacts"}),
            )
            return await _view(connection, await _read(connection, id_)), giver.facts

        return await do_once(self._parts, asked, work)

    async def undo(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView | web.Response:
        """Undo a handover."""
        id_, who, now = asked.path.handover_id, asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[HandoverView, Sequence[NewFact]]:
            giver = await Giver(connection, now, self._parts.settings.company.timezone, who.id).begin()
            handover = await _read(connection, id_, lock=True)
            if handover.undone_at is not None:
                raise UndoneError
            await give_back(connection, giver, handover, by=who.id, reason="undone", now=now)
            await write_audit(connection, actor=who.id, action="handover.undone", object=f"handover:{id_}", detail={})
            return await _view(connection, await _read(connection, id_)), giver.facts

        return await do_once(self._parts, asked, work, status=200)

    async def listing(self, asked: Asked[Nothing, PageQuery, Nothing]) -> Page[HandoverRow]:
        """A page of handovers."""
        query = asked.query
        place = read_cursor("handovers", query.cursor, IdPlace)
        found = await store.list_handovers(self._parts.pool, before=place.id if place else None, limit=query.limit + 1)
        rows = [(HandoverRow(**_values(h, HandoverRow.model_fields)), IdPlace(id=h.id)) for h in found]
        return page("handovers", rows, query.limit)

    async def one(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView:
        """One handover."""
        async with self._parts.pool.acquire() as connection:
            return await _view(connection, await _read(connection, asked.path.handover_id))

    async def cards(self, asked: Asked[HandoverPath, PageQuery, Nothing]) -> Page[ItemView]:
        """A page of its cards."""
        query = asked.query
        place = read_cursor("handed", query.cursor, IdPlace)
        async with self._parts.pool.acquire() as connection:
            await _read(connection, asked.path.handover_id)
            found = await store.items_of(
                connection,
                asked.path.handover_id,
                "card",
                after=place.id if place else 0,
                limit=query.limit + 1,
            )
        rows = [
            (ItemView(contact=i.id, from_=i.from_id, to=i.to_id, returned=i.returned), IdPlace(id=i.id)) for i in found
        ]
        return page("handed", rows, query.limit)

    async def _preview(self, who: Principal, body: NewHandover) -> HandoverView:
        """The same work, rolled back."""
        view: HandoverView | None = None
        async with self._parts.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    _, id_ = await self._done(connection, who, body)
                    view = await _view(connection, await _read(connection, id_))
                    raise _PreviewError
            except _PreviewError:
                pass
        assert view is not None
        return view.model_copy(update={"id": None})

    async def _done(self, connection: Connection, who: Principal, body: NewHandover) -> tuple[Giver, int]:
        now = datetime.now(UTC)
        if body.to is not None and not await known_users(connection, [body.to]):
            raise refused_value("to", "Nobody who works here has this id.")
        if body.from_ is not None and await people.read_user(connection, body.from_) is None:
            raise refused_value("from", "Nobody has this id.")
        giver = await Giver(connection, now, self._parts.settings.company.timezone, who.id).begin()
        contacts: Sequence[int] = body.contacts or ()
        if body.contacts is None:
            assert body.from_ is not None
            stages = [str(stage) for stage in body.stages] or None
            contacts = await store.cards_of_owner(connection, body.from_, stages=stages, limit=AT_MOST)
        id_ = await hand_over(
            connection,
            giver,
            from_id=body.from_,
            to_id=body.to,
            contacts=contacts,
            with_tasks=body.tasks,
            reason=body.reason,
            by=who.id,
            now=now,
        )
        return giver, id_


async def _read(connection: Connection, id: int, *, lock: bool = False) -> Handover:
    handover = await store.read_handover(connection, id, lock=lock)
    if handover is None:
        raise NotFoundError
    return handover


async def _view(connection: Connection, handover: Handover) -> HandoverView:
    """A handover with who got how many."""
    cards = Counter(i.to_id for i in await store.items_of(connection, handover.id, "card"))
    tasks = Counter(i.to_id for i in await store.items_of(connection, handover.id, "task"))
    shares = tuple(ShareView(user=user, cards=cards[user], tasks=tasks[user]) for user in sorted({*cards, *tasks}))
    return HandoverView(shares=shares, **_values(handover, set(HandoverView.model_fields) - {"shares"}))


def _values(handover: Handover, names: Iterable[str]) -> dict[str, Any]:
    """A handover's values by the names of a view."""
    columns = {"from_": "from_id", "to": "to_id"}
    return {name: getattr(handover, columns.get(name, name)) for name in names}
