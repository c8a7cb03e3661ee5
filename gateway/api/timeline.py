"""A card's time line and its notes: what happened with a client, over all managers, the newest first.

A note is a record: its author may mend it or take it back for a day (`NOTE_OPEN`), and the audit says that he did.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field, JsonValue

from gateway.api.contacts import ContactPath, held_contact, visible_contact
from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Principal, Right
from gateway.domain.errors import NotAllowed
from gateway.store.access import write_audit
from gateway.store.card_notes import Note, change_note, hold_note, list_notes, make_note, remove_note
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.timeline import read_timeline

NOTE_OPEN = timedelta(hours=24)
KindText = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]


class TimelineQuery(Incoming):
    """Which entries."""

    kind: Annotated[tuple[KindText, ...], Field(max_length=20)] = Field(
        default=(),
        description="call, touch, note, owner, merge, task, task_ended, scheduled, scheduled_ended, outcome, import;"
        " may be given several times; left out: all",
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
    by_name: str | None = Field(description="the name of a person who did it")
    open: bool = Field(description="whether the caller may open the thing itself")
    body: dict[str, JsonValue]


class NewNote(Incoming):
    """A note to be written."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class NotePath(ContactPath):
    """Which note of which card."""

    note_id: RowId


class NoteChange(Incoming):
    """A note's new text."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        description="of the note as it was read; another one is a conflict"
    )
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class NoteClosedError(ConflictError):
    """This note is older than a day, so it stays as it is; write another one."""


class NoteView(Outgoing):
    """A note."""

    id: int
    contact: int
    author: str
    text: str
    at: datetime
    changed_at: datetime | None = Field(description="when its author changed it last; null: never")
    version: int


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
            Route(
                method="PATCH",
                path="/contacts/{contact_id}/notes/{note_id}",
                handler=self.change,
                summary="Change one's own note within a day",
                right=Right.CONTACTS_WRITE,
                tag="contacts",
                errors=(StaleVersionError, NoteClosedError),
            ),
            Route(
                method="DELETE",
                path="/contacts/{contact_id}/notes/{note_id}",
                handler=self.remove,
                summary="Take one's own note back within a day",
                right=Right.CONTACTS_WRITE,
                tag="contacts",
                errors=(NoteClosedError,),
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
                    {
                        "at": e.at,
                        "kind": e.kind,
                        "id": e.id,
                        "by": e.by,
                        "by_name": e.by_name,
                        "open": e.open,
                        "body": dict(e.body),
                    }
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

    async def change(self, asked: Asked[NotePath, Nothing, NoteChange]) -> NoteView:
        """Change one's own note."""
        now = datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            note = await self._own(connection, asked.principal, asked.path, now)
            if note.version != asked.body.version:
                raise StaleVersionError
            changed = await change_note(connection, note, asked.body.text, now)
            fact = await _note_moved(connection, "note_changed", note, asked.principal)
        tell(self._parts, [fact])
        return _view(changed)

    async def remove(self, asked: Asked[NotePath, Nothing, Nothing]) -> None:
        """Take one's own note back."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            note = await self._own(connection, asked.principal, asked.path, datetime.now(UTC))
            await remove_note(connection, note)
            fact = await _note_moved(connection, "note_removed", note, asked.principal)
        tell(self._parts, [fact])

    async def _own(self, connection: Connection, who: Principal, path: NotePath, now: datetime) -> Note:
        """The caller's note upon a card that he may see, if it is still open."""
        card = await held_contact(connection, who, path.contact_id)
        note = await hold_note(connection, card.id, path.note_id)
        if note is None:
            raise NotFoundError
        if note.author != who.id:
            raise NotAllowed("This note is another's; only its author may change it.")
        if now - note.at > NOTE_OPEN:
            raise NoteClosedError
        return note


async def _note_moved(connection: Connection, what: str, note: Note, who: Principal) -> NewFact:
    detail: dict[str, object] = {"contact": note.contact_id, "letters": len(note.text)}
    await write_audit(connection, actor=who.id, action=f"contact.{what}", object=f"note:{note.id}", detail=detail)
    body: dict[str, object] = {"id": note.contact_id, "note": note.id, "by": who.id}
    fact = NewFact(kind=f"contact.{what}", body=body, contact_id=note.contact_id)
    await save_facts(connection, [fact])
    return fact


def _view(note: Note) -> NoteView:
    return NoteView(
        id=note.id,
        contact=note.contact_id,
        author=note.author,
        text=note.text,
        at=note.at,
        changed_at=note.changed_at,
        version=note.version,
    )
