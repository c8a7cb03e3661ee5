"""Cards that are one person: merged, taken apart again, proposed and dismissed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.card_views import ContactView, contact_view
from gateway.api.contacts import ContactPath, held_contact, visible_contact
from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.cards import card_reach
from gateway.store import contacts, duplicates, merges
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact
from gateway.store.merges import merge_cards
from gateway.store.unmerging import undo_merge

CARDS_MAX = 20


class MergePath(Incoming):
    """Which merge."""

    merge_id: RowId


class DuplicatePath(Incoming):
    """Which proposal."""

    duplicate_id: RowId


class CardsToMerge(Incoming):
    """The cards that go into the one of the address."""

    gone: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=CARDS_MAX)]


class MergeView(Outgoing):
    """A merge."""

    id: int
    kept: int
    gone: int
    gone_name: str
    by: str
    at: datetime
    undone_by: str | None
    undone_at: datetime | None


class Merged(Outgoing):
    """What a merge gave."""

    contact: ContactView
    merges: tuple[MergeView, ...] = Field(description="one for each card that went, to be undone one by one")


class Merges(Outgoing):
    """The merges into a card."""

    items: tuple[MergeView, ...]


class DuplicateState(StrEnum):
    """How far a proposal is."""

    OPEN = "open"
    MERGED = "merged"
    DISMISSED = "dismissed"


class DuplicateQuery(Incoming):
    """Which proposals."""

    state: DuplicateState = DuplicateState.OPEN
    contact: RowId | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class DuplicatePlace(Incoming):
    """Where a page of proposals ends."""

    score: float
    id: int


class DuplicateView(Outgoing):
    """Two cards that may be one person."""

    id: int
    score: float = Field(description="how sure, from 0 to 1")
    reasons: tuple[str, ...] = Field(description="number, email, messenger, name, birthday, organisation, city")
    state: str
    one: ContactView
    other: ContactView
    found_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class CannotMergeError(ConflictError):
    """One of these cards was merged already, or they are one card; read them again."""


class CannotUndoError(ConflictError):
    """This merge is undone, or its card was merged into another one since; undo the later merge first."""


class DecidedError(ConflictError):
    """This proposal was decided on already."""


class NotDismissedError(ConflictError):
    """Nobody said that these are two persons, or one of the cards was merged since; read the proposals again."""


class CardMerges:
    """The handlers of merges and of the queue of duplicates."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/contacts/{contact_id}/merge",
                handler=self.merge,
                summary="Merge other cards into this one",
                right=Right.CONTACTS_MERGE,
                tag="contacts",
                status=201,
                idempotent=True,
                errors=(CannotMergeError,),
            ),
            Route(
                method="GET",
                path="/contacts/{contact_id}/merges",
                handler=self.of_card,
                summary="The merges into a card",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="POST",
                path="/merges/{merge_id}/undo",
                handler=self.undo,
                summary="Take two cards apart that were merged",
                right=Right.CONTACTS_MERGE,
                tag="contacts",
                idempotent=True,
                errors=(CannotUndoError,),
            ),
            Route(
                method="GET",
                path="/duplicates",
                handler=self.queue,
                summary="Cards that may be one person, the surest first",
                right=Right.CONTACTS_MERGE,
                tag="contacts",
            ),
            Route(
                method="POST",
                path="/duplicates/{duplicate_id}/dismiss",
                handler=self.dismiss,
                summary="Never propose these two again",
                right=Right.CONTACTS_MERGE,
                tag="contacts",
                idempotent=True,
                errors=(DecidedError,),
            ),
            Route(
                method="POST",
                path="/duplicates/{duplicate_id}/reopen",
                handler=self.reopen,
                summary="Propose these two once more",
                right=Right.CONTACTS_MERGE,
                tag="contacts",
                idempotent=True,
                errors=(NotDismissedError,),
            ),
        )

    async def merge(self, asked: Asked[ContactPath, Nothing, CardsToMerge]) -> Merged | web.Response:
        """Merge cards, all or none."""
        who, now = asked.principal, datetime.now(UTC)

        async def write(connection: Connection) -> tuple[Merged, list[NewFact]]:
            ids = list(dict.fromkeys((asked.path.contact_id, *asked.body.gone)))
            visible = await visible_ids(connection, ids, card_reach(who))
            cards = await contacts.read_contacts(connection, ids)
            if ids[0] not in visible or ids[0] not in cards:
                raise NotFoundError
            for place, id in enumerate(asked.body.gone):
                if id not in visible or id not in cards:
                    fault = "There is no card with this id."
                    raise InvalidRequestError(
                        [FieldFault(place="body", pointer=f"#/gone/{place}", code="value", detail=fault)]
                    )
            facts, done = list[NewFact](), list[int]()
            for gone in ids[1:] or ids:
                found = await merge_cards(connection, ids[0], gone, by=who.id, now=now)
                if found is None:
                    raise CannotMergeError
                done.append(found[0])
                facts += found[1]
            kept = await held_contact(connection, who, ids[0])
            made = [m for m in await merges.merges_of(connection, ids[0]) if m.id in done]
            return Merged(contact=contact_view(kept), merges=tuple(_view(m) for m in made)), facts

        return await do_once(self._parts, asked, write)

    async def of_card(self, asked: Asked[ContactPath, Nothing, Nothing]) -> Merges:
        """The merges into a card, the last first; at most 200."""
        contact = await visible_contact(self._parts, asked.principal, asked.path.contact_id)
        return Merges(items=tuple(_view(m) for m in await merges.merges_of(self._parts.pool, contact.id)))

    async def undo(self, asked: Asked[MergePath, Nothing, Nothing]) -> Merged | web.Response:
        """Undo one merge."""
        who, now = asked.principal, datetime.now(UTC)

        async def write(connection: Connection) -> tuple[Merged, list[NewFact]]:
            merge = await merges.read_merge(connection, asked.path.merge_id)
            if merge is None or merge.kept_id not in await visible_ids(connection, [merge.kept_id], card_reach(who)):
                raise NotFoundError
            facts = await undo_merge(connection, merge.id, by=who.id, now=now)
            if facts is None:
                raise CannotUndoError
            kept = (await contacts.read_contacts(connection, [merge.kept_id]))[merge.kept_id]
            undone = await merges.read_merge(connection, merge.id)
            return Merged(contact=contact_view(kept), merges=(_view(undone or merge),)), facts

        return await do_once(self._parts, asked, write, status=200)

    async def queue(self, asked: Asked[Nothing, DuplicateQuery, Nothing]) -> Page[DuplicateView]:
        """A page of proposals with both cards."""
        query = asked.query
        place = read_cursor("duplicates", query.cursor, DuplicatePlace)
        found = await duplicates.list_duplicates(
            self._parts.pool,
            state=query.state,
            contact=query.contact,
            reach=card_reach(asked.principal),
            after=(place.score, place.id) if place else None,
            limit=query.limit + 1,
        )
        views = await self._proposals(self._parts.pool, found)
        rows = [(view, DuplicatePlace(score=d.score, id=d.id)) for view, d in zip(views, found, strict=True)]
        return page("duplicates", rows, query.limit)

    async def dismiss(self, asked: Asked[DuplicatePath, Nothing, Nothing]) -> DuplicateView | web.Response:
        """Dismiss a proposal."""
        who, now = asked.principal, datetime.now(UTC)

        async def write(connection: Connection) -> tuple[DuplicateView, list[NewFact]]:
            proposal = await self._seen(connection, who, asked.path.duplicate_id)
            if not await duplicates.dismiss(connection, proposal.id, by=who.id, now=now):
                raise DecidedError
            (view,) = await self._proposals(connection, [await self._seen(connection, who, proposal.id)])
            body: dict[str, object] = {"id": proposal.id, "contact_id": proposal.one_id, "other": proposal.other_id}
            return view, [NewFact(kind="duplicate.dismissed", body=body, contact_id=proposal.one_id)]

        return await do_once(self._parts, asked, write, status=200)

    async def reopen(self, asked: Asked[DuplicatePath, Nothing, Nothing]) -> DuplicateView | web.Response:
        """Take a dismissal back."""
        who = asked.principal

        async def write(connection: Connection) -> tuple[DuplicateView, list[NewFact]]:
            proposal = await self._seen(connection, who, asked.path.duplicate_id)
            if not await duplicates.reopen(connection, proposal.id):
                raise NotDismissedError
            (view,) = await self._proposals(connection, [await self._seen(connection, who, proposal.id)])
            return view, []

        return await do_once(self._parts, asked, write, status=200)

    async def _seen(self, connection: Connection, who: Principal, id: int) -> duplicates.Duplicate:
        found = await duplicates.read_duplicate(connection, id)
        cards = [found.one_id, found.other_id] if found else []
        if found is None or len(await visible_ids(connection, cards, card_reach(who))) < len(cards):
            raise NotFoundError
        return found

    async def _proposals(self, source: Pool | Connection, found: Sequence[duplicates.Duplicate]) -> list[DuplicateView]:
        cards = await contacts.read_contacts(source, [id for d in found for id in (d.one_id, d.other_id)])
        return [
            DuplicateView(
                id=d.id,
                score=round(d.score, 3),
                reasons=d.reasons,
                state=d.state,
                one=contact_view(cards[d.one_id]),
                other=contact_view(cards[d.other_id]),
                found_at=d.found_at,
                decided_by=d.decided_by,
                decided_at=d.decided_at,
            )
            for d in found
        ]


def _view(merge: merges.Merge) -> MergeView:
    return MergeView(
        id=merge.id,
        kept=merge.kept_id,
        gone=merge.gone_id,
        gone_name=merge.gone_name,
        by=merge.by,
        at=merge.at,
        undone_by=merge.undone_by,
        undone_at=merge.undone_at,
    )
