"""The audit for administrators: a list, the codes that stand in it, and a file that leaves its own rows.

A row is told by a code and its values, for a screen to word it in its reader's language; names come along, for an id
tells nobody anything. Numbers, secrets and texts are in no row.
"""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, JsonValue

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Nothing, Outgoing, RowId
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.table_files import MEDIA, send_table
from gateway.domain.access import Right
from gateway.domain.import_files import Value
from gateway.store.access import write_audit
from gateway.store.audit import AuditFilter, AuditRow, Names, actions, list_audit, names_of

_PAGE = 500
HEADS = ("At", "Who", "Name", "Act", "About", "Called", "Values")
_PERSONS = frozenset({"user", "key"})


class AuditedQuery(Incoming):
    """Which acts."""

    user: RowId | None = Field(default=None, description="who did it")
    actor: Annotated[str, Field(pattern=r"^[a-z ]{1,30}(:[A-Za-z0-9._-]{1,60})?$")] | None = Field(
        default=None, description="who did it, as `actor` says it: `key:3f2a`"
    )
    action: Annotated[str, Field(pattern=r"^[a-z_]{1,40}([.]([a-z_]{1,40}|[*]))?$")] | None = Field(
        default=None, description="a code of `/audit/actions`, or a family like `user.*`"
    )
    about: Annotated[str, Field(pattern=r"^[a-z_]{1,40}(:[^\x00-\x1f\x7f]{1,100})?$")] | None = Field(
        default=None, description="what it was done to, like `user:17`, or a kind of thing, like `user`"
    )
    since: Moment | None = None
    until: Moment | None = None


class AuditQuery(AuditedQuery):
    """Which acts, and which page of them."""

    limit: Limit = 50
    cursor: CursorText | None = None


class AuditFile(AuditedQuery):
    """Which acts, and in which kind of file."""

    format: Literal["csv", "xlsx"] = "csv"


class AuditPlace(Incoming):
    """Where a page ends."""

    at: datetime
    id: int


class AuditedThing(Outgoing):
    """Who did something, or what it was done to."""

    kind: str = Field(description="user, key, trunkline; call, contact, team...")
    id: str | None = Field(description="null: there is only one of it")
    name: str | None = Field(description="as it is called now; null: it has no name, or is gone")


class AuditView(Outgoing):
    """Something that somebody did."""

    id: int
    at: datetime
    actor: AuditedThing
    action: str = Field(description="a code to be worded, like user.changed")
    about: AuditedThing
    params: dict[str, JsonValue] = Field(description="what belongs to the code: fields, roles, counts")


class ActionList(Outgoing):
    """Codes of acts."""

    items: tuple[str, ...]


class Audit:
    """The handlers of `/audit`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/audit",
                handler=self.listing,
                summary="Who did what, the newest first",
                right=Right.AUDIT_READ,
                tag="audit",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/audit/actions",
                handler=self.actions,
                summary="Every code that stands in the audit",
                right=Right.AUDIT_READ,
                tag="audit",
            ),
            Route(
                method="GET",
                path="/audit/file",
                handler=self.file,
                summary="The audit as a file, filtered like the list; written into the audit",
                right=Right.AUDIT_READ,
                tag="audit",
                media=MEDIA,
            ),
        )

    async def listing(self, asked: Asked[Nothing, AuditQuery, Nothing]) -> Page[AuditView]:
        """A page of acts."""
        query = asked.query
        place = read_cursor("audit", query.cursor, AuditPlace)
        before = (place.at, place.id) if place else None
        rows = await list_audit(self._parts.pool, _wanted(query), before=before, limit=query.limit + 1)
        names = await names_of(self._parts.pool, rows)
        return page("audit", [(_view(row, names), AuditPlace(at=row.at, id=row.id)) for row in rows], query.limit)

    async def actions(self, asked: Asked[Nothing, Nothing, Nothing]) -> ActionList:
        """Codes, for a filter to offer."""
        return ActionList(items=tuple(await actions(self._parts.pool)))

    async def file(self, asked: Asked[Nothing, AuditFile, Nothing]) -> web.StreamResponse:
        """The audit as a file."""
        query, who = asked.query, asked.principal.id
        wanted = _wanted(query)
        filters = sorted(query.model_dump(exclude_defaults=True, exclude={"format"}))
        await self._note(who, "audit.export_started", {"format": query.format, "filters": filters})

        async def pages() -> AsyncIterator[Sequence[Sequence[Value]]]:
            yield [HEADS]
            sent, before = 0, None
            while rows := await list_audit(self._parts.pool, wanted, before=before, limit=_PAGE):
                names = await names_of(self._parts.pool, rows)
                yield [_cells(_view(row, names)) for row in rows]
                sent, before = sent + len(rows), (rows[-1].at, rows[-1].id)
            await self._note(who, "audit.exported", {"format": query.format, "rows": sent})

        return await send_table(self._parts, asked.http, pages(), name="audit", format=query.format)

    async def _note(self, who: str, action: str, detail: dict[str, object]) -> None:
        await write_audit(self._parts.pool, actor=who, action=action, object="audit", detail=detail)


def _wanted(query: AuditedQuery) -> AuditFilter:
    if query.user is not None and query.actor is not None:
        raise refused_value("actor", "Name a user or an actor, not both.", place="query")
    return AuditFilter(
        actor=f"user:{query.user}" if query.user is not None else query.actor,
        action=query.action,
        about=query.about,
        since=query.since,
        until=query.until,
    )


def _view(row: AuditRow, names: Names) -> AuditView:
    about = "recording" if row.action == "recording.listened" else "thing"
    return AuditView.model_validate(
        {
            "id": row.id,
            "at": row.at,
            "actor": _thing(row.actor, names, otherwise="actor"),
            "action": row.action,
            "about": _thing(row.about, names, otherwise=about),
            "params": dict(row.detail),
        }
    )


def _thing(text: str, names: Names, *, otherwise: str) -> AuditedThing:
    """What a text of the audit names; a recording stands there by its bare id."""
    kind, colon, id_ = text.partition(":")
    if not colon and "-" in kind:
        return AuditedThing(kind=otherwise, id=kind, name=None)
    return AuditedThing(kind=kind, id=id_ or None, name=names.things.get((kind, id_)))


def _cells(view: AuditView) -> list[Value]:
    values = json.dumps(view.params, ensure_ascii=False, sort_keys=True) if view.params else None
    return [view.at, _text(view.actor), view.actor.name, view.action, _text(view.about), view.about.name, values]


def _text(thing: AuditedThing) -> str:
    return thing.kind if thing.id is None else f"{thing.kind}:{thing.id}"
