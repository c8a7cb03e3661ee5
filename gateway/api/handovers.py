"""Handing clients over by hand: with a preview, which is the same work rolled back, and an undo.

The first step is done in the answer. With what is more the gateway goes on by itself (`aftercare.handover_steps`),
until it is done or somebody stops it; so it does with an undo of many. Who wants to take the steps himself gives a
`limit`, is told how many are left, and orders once more with `onto`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web

from gateway.aftercare.giving import Giver
from gateway.aftercare.handovers import AT_ONCE, HandoverOrder, NobodyError, give_back, hand_over
from gateway.api.distribution_views import IdPlace
from gateway.api.fields import Nothing
from gateway.api.handover_views import (
    AT_MOST,
    HandoverPath,
    HandoverQuery,
    HandoverRow,
    HandoverView,
    ItemView,
    NewHandover,
    PageQuery,
    WhichCards,
    handover_row,
    handover_view,
    item_view,
)
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.store import clienteles, people
from gateway.store import handovers as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.distribution_rules import known_users
from gateway.store.facts import NewFact
from gateway.store.handovers import Handover

UNDONE_AT_ONCE = 500
"""Cards that come back in the answer to an undo."""


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
            Route(
                method="POST",
                path="/distribution/handovers/{handover_id}/stop",
                handler=self.stop,
                summary="Stop a handover that goes on: what went over stays there",
                right=manage,
                tag=tag,
                idempotent=True,
            ),
            Route(
                method="POST",
                path="/distribution/handovers/{handover_id}/resume",
                handler=self.resume,
                summary="Go on with a handover that was stopped",
                right=manage,
                tag=tag,
                idempotent=True,
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
            return await _view(connection, id_, left=await _left(connection, body)), giver.facts

        return await do_once(self._parts, asked, work)

    async def undo(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView | web.Response:
        """Undo a handover."""
        id_, who, now = asked.path.handover_id, asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[HandoverView, Sequence[NewFact]]:
            giver = await Giver(connection, now, self._parts.settings.company.timezone, who.id).begin()
            handover = await _read(connection, id_, lock=True)
            if handover.undone_at is not None:
                raise UndoneError
            await give_back(connection, giver, handover, by=who.id, reason="undone", now=now, at_once=UNDONE_AT_ONCE)
            if handover.undone_by != who.id:
                await write_audit(
                    connection, actor=who.id, action="handover.undone", object=f"handover:{id_}", detail={}
                )
            return await _view(connection, id_), giver.facts

        return await do_once(self._parts, asked, work, status=200)

    async def stop(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView | web.Response:
        """Let a handover go on no more; one that is at its end is answered as it is."""
        id_, who = asked.path.handover_id, asked.principal.id

        async def work(connection: Connection) -> tuple[HandoverView, Sequence[NewFact]]:
            if await store.stop_handover(connection, id_, who):
                await write_audit(connection, actor=who, action="handover.stopped", object=f"handover:{id_}", detail={})
            return await _view(connection, id_), ()

        return await do_once(self._parts, asked, work, status=200)

    async def resume(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView | web.Response:
        """Let a handover go on that was stopped; another one is answered as it is."""
        id_, who = asked.path.handover_id, asked.principal.id

        async def work(connection: Connection) -> tuple[HandoverView, Sequence[NewFact]]:
            if await store.resume_handover(connection, id_):
                await write_audit(connection, actor=who, action="handover.resumed", object=f"handover:{id_}", detail={})
            return await _view(connection, id_), ()

        return await do_once(self._parts, asked, work, status=200)

    async def listing(self, asked: Asked[Nothing, HandoverQuery, Nothing]) -> Page[HandoverRow]:
        """A page of handovers."""
        query = asked.query
        place = read_cursor("handovers", query.cursor, IdPlace)
        found = await store.list_handovers(
            self._parts.pool, before=place.id if place else None, limit=query.limit + 1, state=query.state
        )
        rows = [(handover_row(h), IdPlace(id=h.id)) for h in found]
        return page("handovers", rows, query.limit)

    async def one(self, asked: Asked[HandoverPath, Nothing, Nothing]) -> HandoverView:
        """One handover."""
        async with self._parts.pool.acquire() as connection:
            return await _view(connection, asked.path.handover_id)

    async def cards(self, asked: Asked[HandoverPath, PageQuery, Nothing]) -> Page[ItemView]:
        """A page of its cards."""
        query = asked.query
        place = read_cursor("handed", query.cursor, IdPlace)
        async with self._parts.pool.acquire() as connection:
            await _read(connection, asked.path.handover_id)
            after = place.id if place else 0
            found = await store.cards_handed(connection, asked.path.handover_id, after=after, limit=query.limit + 1)
        rows = [(item_view(card), IdPlace(id=card.id)) for card in found]
        return page("handed", rows, query.limit)

    async def _preview(self, who: Principal, body: NewHandover) -> HandoverView:
        """The same work, rolled back."""
        view: HandoverView | None = None
        async with self._parts.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    _, id_ = await self._done(connection, who, body)
                    view = await _view(connection, id_, left=await _left(connection, body))
                    raise _PreviewError
            except _PreviewError:
                pass
        assert view is not None
        return view.model_copy(update={"id": None})

    async def _done(self, connection: Connection, who: Principal, body: NewHandover) -> tuple[Giver, int]:
        """The first step, or a further one that was ordered; what is left goes on by itself unless there is a limit."""
        now = datetime.now(UTC)
        giver = await Giver(connection, now, self._parts.settings.company.timezone, who.id).begin()
        await self._check(connection, body, now)
        contacts: Sequence[int] = body.contacts or ()
        meant: int | None = None
        if body.contacts is None:
            assert body.from_ is not None
            which, limit = body.which(body.from_), body.limit or (AT_ONCE if body.onto is None else AT_MOST)
            meant = await clienteles.count_meant(connection, which)
            contacts = await clienteles.cards_meant(connection, which, limit=limit)
        order = HandoverOrder(
            from_id=body.from_,
            to_id=body.to,
            among=tuple(dict.fromkeys(body.among)),
            contacts=contacts,
            with_tasks=body.tasks,
            with_scheduled=body.scheduled,
            until=body.until,
            reason=body.reason,
            by=who.id,
            which=body.model_dump(mode="json", include=set(WhichCards.model_fields), exclude_defaults=True),
            onto=body.onto,
            meant=meant,
        )
        id_ = await hand_over(connection, giver, order, now)
        if meant is not None and body.limit is None and body.onto is None and meant > len(contacts):
            await store.note_step(connection, id_, after=contacts[-1], going=True)
        return giver, id_

    async def _check(self, connection: Connection, body: NewHandover, now: datetime) -> None:
        """Refuse an order that names nobody, a moment that has passed, or a handover that is over."""
        if body.to is not None and not await known_users(connection, [body.to]):
            raise refused_value("to", "Nobody who works here has this id.")
        here = await known_users(connection, body.among) if body.among else set()
        for place, user in enumerate(body.among):
            if user not in here:
                raise refused_value(f"among/{place}", "Nobody who works here has this id.")
        if body.from_ is not None and await people.read_user(connection, body.from_) is None:
            raise refused_value("from", "Nobody has this id.")
        if body.until is not None and body.until <= now:
            raise refused_value("until", "This moment has passed.")
        if body.onto is None:
            return
        first = await store.read_handover(connection, body.onto, lock=True)
        if first is None or first.kind != "hand" or first.from_id != body.from_:
            raise refused_value("onto", "There is no handover of this manager's clients with this id.")
        if first.undone_by is not None:
            raise refused_value("onto", "This handover was undone.")


async def _left(connection: Connection, body: NewHandover) -> int | None:
    """How many cards the order means that have not gone; None: it named them one by one."""
    if body.contacts is not None or body.from_ is None:
        return None
    return await clienteles.count_meant(connection, body.which(body.from_))


async def _read(connection: Connection, id: int, *, lock: bool = False) -> Handover:
    handover = await store.read_handover(connection, id, lock=lock)
    if handover is None:
        raise NotFoundError
    return handover


async def _view(connection: Connection, id: int, left: int | None = None) -> HandoverView:
    """A handover with who got how many."""
    handover = await _read(connection, id)
    return handover_view(handover, await store.shares_of(connection, id), left)
