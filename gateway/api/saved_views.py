"""Saved views: a list with its filters under a name, one's own or a team's.

What a view holds is the page's business (`query`: filters, order, columns). Whoever keeps a view changes it; a team's
view is made by its head, a supervisor or an administrator, and seen by everybody in the team.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field, JsonValue

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Door, Route
from gateway.api.visibility import own_user
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.store import saved_views
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.saved_views import VIEWS_MAX, SavedView
from gateway.store.teams import read_team

QUERY_MAX = 8192
ListName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
ViewName = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Place = Annotated[int, Field(ge=0, le=10_000, description="among the others")]


class ViewQuery(Incoming):
    """Which views."""

    list: ListName | None = Field(default=None, description="of which list, like calls; left out: of all")


class ViewPath(Incoming):
    """Which view."""

    view_id: RowId


class NewView(Incoming):
    """A view to be kept."""

    list: ListName
    name: ViewName
    query: dict[str, JsonValue] = Field(description=f"filters, order, columns; at most {QUERY_MAX} bytes as JSON")
    team: RowId | None = Field(default=None, description="whose; null: my own")
    place: Place = 0


class ViewChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    name: ViewName | None = None
    query: dict[str, JsonValue] | None = None
    team: RowId | None = Field(default=None, description="null: my own again")
    place: Place | None = None


class SavedViewView(Outgoing):
    """A list as somebody kept it."""

    id: int
    list: str
    name: str
    owner: int
    owner_name: str
    team: int | None
    team_name: str | None
    mine: bool = Field(description="whether I may change it")
    query: dict[str, JsonValue]
    place: int
    changed_at: datetime
    version: int


class SavedViewList(Outgoing):
    """My own views, then those of my teams."""

    items: tuple[SavedViewView, ...]


class TooManyViewsError(ConflictError):
    """You have as many views as may be kept; remove one first."""


class SavedViews:
    """The handlers of `/views`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/views",
                handler=self.listing,
                summary="My saved views and those of my teams",
                right=Door.PERSON,
                tag="views",
                errors=(NotAllowed,),
            ),
            Route(
                method="POST",
                path="/views",
                handler=self.make,
                summary="Keep a list with its filters",
                right=Door.PERSON,
                tag="views",
                status=201,
                idempotent=True,
                errors=(NotAllowed, TooManyViewsError),
            ),
            Route(
                method="PATCH",
                path="/views/{view_id}",
                handler=self.change,
                summary="Change a saved view",
                right=Door.PERSON,
                tag="views",
                errors=(NotAllowed, StaleVersionError),
            ),
            Route(
                method="DELETE",
                path="/views/{view_id}",
                handler=self.drop,
                summary="Remove a saved view",
                right=Door.PERSON,
                tag="views",
                errors=(NotAllowed,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, ViewQuery, Nothing]) -> SavedViewList:
        """Views that the caller sees."""
        own = _own(asked.principal)
        found = await saved_views.views_of(self._parts.pool, own, asked.query.list)
        return SavedViewList(items=tuple(_view(v, own) for v in found))

    async def make(self, asked: Asked[Nothing, Nothing, NewView]) -> SavedViewView | web.Response:
        """Keep a view."""
        own, body, who = _own(asked.principal), asked.body, asked.principal
        _bounded(body.query)

        async def work(connection: Connection) -> tuple[SavedViewView, Sequence[NewFact]]:
            await self._check_team(connection, who, body.team)
            made = await saved_views.keep_view(
                connection,
                own,
                list=body.list,
                name=body.name.strip(),
                team=body.team,
                query=body.query,
                place=body.place,
            )
            if made is None:
                raise TooManyViewsError(f"You have {VIEWS_MAX} views, as many as may be kept; remove one first.")
            return _view(await self._read(connection, own, made), own), ()

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[ViewPath, Nothing, ViewChange]) -> SavedViewView:
        """Change a view."""
        own, body, id_ = _own(asked.principal), asked.body, asked.path.view_id
        given = body.model_fields_set
        changes: dict[str, object] = {
            name: value for name in ("query", "place") if (value := getattr(body, name)) is not None
        }
        if body.name is not None:
            changes["name"] = body.name.strip()
        if body.query is not None:
            _bounded(body.query)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._mine(connection, own, id_)
            if "team" in given:
                await self._check_team(connection, asked.principal, body.team)
                changes["team_id"] = body.team
            if not await saved_views.change_view(connection, id_, changes, version=body.version):
                raise StaleVersionError
            return _view(await self._read(connection, own, id_), own)

    async def drop(self, asked: Asked[ViewPath, Nothing, Nothing]) -> None:
        """Remove a view."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._mine(connection, _own(asked.principal), asked.path.view_id)
            await saved_views.drop_view(connection, asked.path.view_id)

    async def _read(self, connection: Connection, own: int, id: int) -> SavedView:
        found = await saved_views.read_view(connection, own, id)
        if found is None:
            raise NotFoundError("There is no view with this id that you may see.")
        return found

    async def _mine(self, connection: Connection, own: int, id: int) -> None:
        if (await self._read(connection, own, id)).owner_id != own:
            raise NotAllowed("A colleague keeps this view; keep one of your own like it.")

    async def _check_team(self, connection: Connection, who: Principal, team: int | None) -> None:
        if team is None:
            return
        found = await read_team(connection, team)
        if found is None or found.archived_at is not None:
            raise refused_value("team", "There is no team with this id.")
        if found.head_id != own_user(who) and not allowed(who, Right.GOALS_MANAGE):
            raise NotAllowed("A view of a team is made by its head or a supervisor.")


def _bounded(query: dict[str, JsonValue]) -> None:
    if len(json.dumps(query, ensure_ascii=False).encode()) > QUERY_MAX:
        raise refused_value("query", f"This is more than {QUERY_MAX} bytes; keep fewer filters.")


def _own(who: Principal) -> int:
    own = own_user(who)
    if own is None:
        raise NotAllowed("This key belongs to no person, so it has no views.")
    return own


def _view(view: SavedView, own: int) -> SavedViewView:
    return SavedViewView.model_validate(
        {
            "id": view.id,
            "list": view.list,
            "name": view.name,
            "owner": view.owner_id,
            "owner_name": view.owner_name,
            "team": view.team_id,
            "team_name": view.team_name,
            "mine": view.owner_id == own,
            "query": dict(view.query),
            "place": view.place,
            "changed_at": view.changed_at,
            "version": view.version,
        }
    )
