"""A card's time line and its notes: what happened with a client, over all managers, the newest first."""

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field, JsonValue

from gateway.api.contacts import ContactPath, held_contact, visible_contact
from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Right
from gateway.store.card_notes import Note, list_notes, make_note
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.timeline import read_timeline

KindText = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]


class TimelineQuery(Incoming):
    """Which entries."""

    kind: Annotated[tuple[KindText, ...], Field(max_length=20)] = Field(
        default=(),
        description="call, touch, note, owner, merge, task, task_ended, outcome, import; may be given several times;"
        " left out: all",
    )
    limit: Limit = 50
    cursor: CursorText | None = None


class TimelinePlace(Incoming):
    """Where a page of the time line ends."""

    at: datetime
    kind: str
    id: str


class NotePlace(Incoming):
    """Where a page of notes ends."""

    at: datetime
    id: int


class NotesQuery(Incoming):
    """Which notes."""

    limit: Limit = 50
    cursor: CursorText | None = None


class TimelineEntryView(Outgoing):
    """One thing that happened with a client."""

    at: datetime
    kind: str
    id: str = Field(description="of the thing itself: a call's id, a task's number")
    by: str | None = Field(description="who did it, like user:17")
    open: bool = Field(description="whether the caller may open the thing itself")
    body: dict[str, JsonValue]


class NewNote(Incoming):
    """A note to be written."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class NoteView(Outgoing):
    """A note."""

    id: int
    contact: int
    author: str
    text: str
    at: datetime


class Timeline:
    """The handlers of what happened with a client."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/contacts/{contact_id}/timeline",
                handler=self.timeline,
                summary="All that happened with a client, over all managers",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="GET",
                path="/contacts/{contact_id}/notes",
                handler=self.notes,
                summary="The notes upon a card",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="POST",
                path="/contacts/{contact_id}/notes",
                handler=self.note,
                summary="Write a note upon a card",
                right=Right.CONTACTS_WRITE,
                tag="contacts",
                status=201,
                idempotent=True,
            ),
        )

    async def timeline(self, asked: Asked[ContactPath, TimelineQuery, Nothing]) -> Page[TimelineEntryView]:
        """A page of the time line."""
        query = asked.query
        contact = await visible_contact(self._parts, asked.principal, asked.path.contact_id)
        place = read_cursor("timeline", query.cursor, TimelinePlace)
        found = await read_timeline(
            self._parts.pool,
            contact.id,
            only_user=reach(asked.principal, Right.CALLS_READ_OWN),
            kinds=query.kind,
            before=(place.at, place.kind, place.id) if place else None,
            limit=query.limit + 1,
        )
        rows = [
            (
                TimelineEntryView.model_validate(
                    {"at": e.at, "kind": e.kind, "id": e.id, "by": e.by, "open": e.open, "body": dict(e.body)}
                ),
                TimelinePlace(at=e.at, kind=e.kind, id=e.id),
            )
            for e in found
        ]
        return page("timeline", rows, query.limit)

    async def notes(self, asked: Asked[ContactPath, NotesQuery, Nothing]) -> Page[NoteView]:
        """A page of notes, the newest first."""
        contact = await visible_contact(self._parts, asked.principal, asked.path.contact_id)
        place = read_cursor("notes", asked.query.cursor, NotePlace)
        before = (place.at, place.id) if place else None
        found = await list_notes(self._parts.pool, contact.id, before=before, limit=asked.query.limit + 1)
        return page("notes", [(_view(n), NotePlace(at=n.at, id=n.id)) for n in found], asked.query.limit)

    async def note(self, asked: Asked[ContactPath, Nothing, NewNote]) -> NoteView | web.Response:
        """Write a note."""
        who, now = asked.principal, datetime.now(UTC)

        async def write(connection: Connection) -> tuple[NoteView, list[NewFact]]:
            card = await held_contact(connection, who, asked.path.contact_id)
            note = await make_note(connection, card.id, author=who.id, text=asked.body.text, now=now)
            body: dict[str, object] = {"id": card.id, "note": note.id, "by": who.id}
            return _view(note), [NewFact(kind="contact.noted", body=body, contact_id=card.id)]

        return await do_once(self._parts, asked, write)


def _view(note: Note) -> NoteView:
    return NoteView(id=note.id, contact=note.contact_id, author=note.author, text=note.text, at=note.at)
