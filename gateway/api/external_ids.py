"""`/external-ids`: which id of another system stands for which of our things, so that both can be kept in step.

One id stands for one thing, and a thing has one id in a system. What contradicts that is refused and named; to move an
identity, delete it first. A thing that was merged answers with the one that stands.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right, holds
from gateway.domain.cards import card_reach
from gateway.domain.errors import NotAllowed
from gateway.domain.touches import SYSTEM_PATTERN
from gateway.store import external_ids as store
from gateway.store.card_access import visible_ids
from gateway.store.external_ids import ExternalId, IdentityOf

System = Annotated[str, Field(pattern=SYSTEM_PATTERN)]
External = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
LOCAL_PATTERN = r"^([1-9][0-9]{0,18}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
Local = Annotated[str, Field(pattern=LOCAL_PATTERN)]
_BY_UUID = frozenset({IdentityOf.CALL, IdentityOf.TOUCH})


class IdentityPath(Incoming):
    """Which identity."""

    system: System = Field(description="the other system, in your words, like `bitrix24`")
    kind: IdentityOf
    external: External = Field(description="its id")


class IdentityQuery(Incoming):
    """Which identities."""

    system: System | None = None
    kind: IdentityOf | None = None
    local: Local | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class IdentityPlace(Incoming):
    """Where a page ends."""

    system: str
    kind: IdentityOf
    external: str


class NewIdentity(Incoming):
    """What the id stands for."""

    local: Local = Field(description="our id: a number, or a UUID for calls and touches")


class IdentityView(Outgoing):
    """One identity."""

    system: str
    kind: IdentityOf
    external: str
    local: str = Field(description="our id; of a thing that was merged, the one that stands")
    made_at: datetime


class IdentityTakenError(ConflictError):
    """The id stands for another thing, or the thing has another id in that system; delete that identity first."""


class ExternalIds:
    """The handlers of `/external-ids`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        one = "/external-ids/{system}/{kind}/{external}"
        return (
            Route(
                method="GET",
                path="/external-ids",
                handler=self.listing,
                summary="Ids of other systems",
                right=Right.CONTACTS_READ,
                tag="external ids",
            ),
            Route(
                method="GET",
                path=one,
                handler=self.one,
                summary="What an id of another system stands for",
                right=Right.CONTACTS_READ,
                tag="external ids",
            ),
            Route(
                method="PUT",
                path=one,
                handler=self.put,
                summary="Let an id of another system stand for a thing of ours",
                right=Right.CONTACTS_WRITE,
                tag="external ids",
                errors=(IdentityTakenError,),
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self.delete,
                summary="Forget an id of another system",
                right=Right.CONTACTS_WRITE,
                tag="external ids",
            ),
        )

    async def listing(self, asked: Asked[Nothing, IdentityQuery, Nothing]) -> Page[IdentityView]:
        """A page of identities; those of cards that the caller may not see are left out."""
        query = asked.query
        place = read_cursor("external-ids", query.cursor, IdentityPlace)
        found = await store.list_externals(
            self._parts.pool,
            system=query.system,
            kind=query.kind,
            local=query.local,
            after=(place.system, place.kind, place.external) if place else None,
            limit=query.limit + 1,
        )
        rows = [(_view(e), IdentityPlace(system=e.system, kind=e.kind, external=e.external)) for e in found]
        whole = page("external-ids", rows, query.limit)
        hidden = await self._hidden(asked.principal, found)
        items = tuple(view for view in whole.items if view.kind is not IdentityOf.CONTACT or view.local not in hidden)
        return Page(items=items, next=whole.next)

    async def one(self, asked: Asked[IdentityPath, Nothing, Nothing]) -> IdentityView:
        """What one id stands for."""
        path = asked.path
        found = await store.read_external(self._parts.pool, path.system, path.kind, path.external)
        if found is None or found.local in await self._hidden(asked.principal, [found]):
            raise NotFoundError
        return _view(found)

    async def put(self, asked: Asked[IdentityPath, Nothing, NewIdentity]) -> IdentityView:
        """Let an id stand for a thing; the same once more changes nothing."""
        path = asked.path
        self._may_write(asked.principal, path.kind)
        local = await self._local(asked.principal, path.kind, asked.body.local)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            taken = await store.link(connection, path.system, path.kind, path.external, local)
            found = await store.read_external(connection, path.system, path.kind, path.external)
        if taken is not None:
            hidden = taken.local in await self._hidden(asked.principal, [taken])
            raise IdentityTakenError(_taken_by(taken, hidden=hidden))
        if found is None:
            raise NotFoundError
        return _view(found)

    async def delete(self, asked: Asked[IdentityPath, Nothing, Nothing]) -> None:
        """Forget an identity."""
        path = asked.path
        self._may_write(asked.principal, path.kind)
        found = await store.read_external(self._parts.pool, path.system, path.kind, path.external)
        if found is None or found.local in await self._hidden(asked.principal, [found]):
            raise NotFoundError
        async with self._parts.pool.acquire() as connection:
            await store.unlink(connection, path.system, path.kind, path.external)

    def _may_write(self, who: Principal, kind: IdentityOf) -> None:
        if kind is IdentityOf.USER and not holds(who, Right.USERS_MANAGE):
            raise NotAllowed(f"Ids of people need the right {Right.USERS_MANAGE}; ask an administrator for it.")

    async def _local(self, who: Principal, kind: IdentityOf, local: str) -> str:
        """Our id as it stands.

        Raises:
            InvalidRequestError: there is no such thing, or none the caller may see.
        """
        fits = ("-" in local) == (kind in _BY_UUID) and (kind in _BY_UUID or int(local) <= store.INT64_MAX)
        found = await store.standing(self._parts.pool, kind, local) if fits else None
        if found is None or (kind is IdentityOf.CONTACT and not await self._sees(who, [int(found)])):
            detail = f"Nothing of the kind `{kind}` has this id."
            raise InvalidRequestError([FieldFault(place="body", pointer="#/local", code="unknown", detail=detail)])
        return found

    async def _hidden(self, who: Principal, found: list[ExternalId]) -> set[str]:
        """Those of the cards that the caller may not see."""
        cards = {int(e.local) for e in found if e.kind is IdentityOf.CONTACT}
        return {str(card) for card in cards - await self._sees(who, sorted(cards))}

    async def _sees(self, who: Principal, cards: list[int]) -> frozenset[int]:
        return await visible_ids(self._parts.pool, cards, card_reach(who))


def _taken_by(taken: ExternalId, *, hidden: bool) -> str:
    """What an id stands for already, so that it cannot stand for another thing."""
    if hidden:
        return f"{taken.external} of {taken.system} stands for a card that you may not see; delete that identity first."
    return (
        f"{taken.external} of {taken.system} stands for the {taken.kind} {taken.local} already;"
        " delete that identity first."
    )


def _view(found: ExternalId) -> IdentityView:
    return IdentityView(
        system=found.system, kind=found.kind, external=found.external, local=found.local, made_at=found.made_at
    )
