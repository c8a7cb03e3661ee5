"""Cards of clients: found by name or by a number in any way of writing, read with their calls, changed by versions."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from gateway.api.calls import CallPlace, CallView, call_model
from gateway.api.fields import CursorText, Incoming, Limit, LongText, Nothing, Outgoing, RowId
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Right
from gateway.domain.phone import NumberKind
from gateway.live import Happening
from gateway.store import contacts as store
from gateway.store import people, reading
from gateway.store.contacts import Contact
from gateway.store.facts import NewFact, save_facts
from gateway.store.reading import CallFilter

HISTORY = 20
CardName = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
NumberText = Annotated[str, Field(min_length=1, max_length=64)]


class ContactPath(Incoming):
    """Which card."""

    contact_id: RowId


class ContactQuery(Incoming):
    """Which cards."""

    q: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="part of the name, or a number in any way of writing"
    )
    owner: RowId | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class ContactPlace(Incoming):
    """Where a page of cards ends."""

    id: int


class NewContact(Incoming):
    """A card to be made."""

    name: CardName
    note: LongText = ""
    owner: RowId | None = Field(default=None, description="whose client")
    numbers: Annotated[tuple[NumberText, ...], Field(max_length=20)] = ()


class ContactChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        description="of the card as it was read; another one is a conflict"
    )
    name: CardName | None = None
    note: LongText | None = None
    owner: RowId | None = Field(default=None, description="null: nobody's client any more")


class ContactView(Outgoing):
    """A card."""

    id: int
    name: str
    note: str
    owner: int | None
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    numbers: tuple[str, ...] = Field(description="E.164")


class ContactWithCalls(ContactView):
    """A card with its history."""

    calls: Page[CallView] = Field(
        description="the last calls that the caller may see; `next` goes on at /calls?contact=...&kind=all"
    )


class NumberTakenError(ConflictError):
    """One of the numbers has a card already; change that one instead."""


class StaleVersionError(ConflictError):
    """Somebody has changed this card since it was read; read it again and decide anew."""


def _values(contact: Contact) -> dict[str, object]:
    return {
        "id": contact.id,
        "name": contact.name,
        "note": contact.note,
        "owner": contact.owner_id,
        "made_by": contact.made_by,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "version": contact.version,
        "numbers": contact.numbers,
    }


class Contacts:
    """The handlers of `/contacts`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/contacts",
                handler=self.listing,
                summary="Find cards by name or number",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="POST",
                path="/contacts",
                handler=self.make,
                summary="Make a card",
                right=Right.CONTACTS_WRITE,
                tag="contacts",
                status=201,
                errors=(NumberTakenError,),
            ),
            Route(
                method="GET",
                path="/contacts/{contact_id}",
                handler=self.one,
                summary="One card with its last calls",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="PATCH",
                path="/contacts/{contact_id}",
                handler=self.change,
                summary="Change a card that nobody has changed since it was read",
                right=Right.CONTACTS_WRITE,
                tag="contacts",
                errors=(StaleVersionError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, ContactQuery, Nothing]) -> Page[ContactView]:
        """A page of cards, the newest first."""
        query = asked.query
        place = read_cursor("contacts", query.cursor, ContactPlace)
        found = await store.find_contacts(
            self._parts.pool,
            text=query.q,
            number=self._parts.plan.parse(query.q).e164 if query.q else None,
            owner=query.owner,
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        rows = [(ContactView.model_validate(_values(c)), ContactPlace(id=c.id)) for c in found]
        return page("contacts", rows, query.limit)

    async def one(self, asked: Asked[ContactPath, Nothing, Nothing]) -> ContactWithCalls:
        """One card with its history, as far as the caller may see it."""
        contact = await store.read_contact(self._parts.pool, asked.path.contact_id)
        if contact is None:
            raise NotFoundError
        wanted = CallFilter(only_user=reach(asked.principal, Right.CALLS_READ_OWN), contact=contact.id)
        found = await reading.list_calls(self._parts.pool, wanted, after=None, limit=HISTORY + 1)
        rows = [(call_model(c, asked.principal), CallPlace(at=c.sorted_at, id=c.id)) for c in found]
        calls = page("calls", rows, HISTORY)
        return ContactWithCalls.model_validate({**_values(contact), "calls": calls})

    async def make(self, asked: Asked[Nothing, Nothing, NewContact]) -> ContactView:
        """Make a card."""
        body = asked.body
        numbers = tuple(dict.fromkeys(self._e164(place, text) for place, text in enumerate(body.numbers)))
        await self._check_owner(body.owner)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            card = await store.make_contact(
                connection,
                name=body.name.strip(),
                note=body.note,
                owner_id=body.owner,
                made_by=asked.principal.id,
                numbers=numbers,
            )
            if card is None:
                taken = await store.taken_numbers(connection, numbers)
                cards = ", ".join(str(c) for c in sorted(set(taken.values()) - {card}))
                raise NumberTakenError(f"One of the numbers has a card already: {cards}; change that one instead.")
            fact = NewFact(kind="contact.created", body={"id": card}, contact_id=card)
            await save_facts(connection, [fact])
        self._parts.live.publish(Happening(kind=fact.kind, body=fact.body))
        return await self._shown(card)

    async def change(self, asked: Asked[ContactPath, Nothing, ContactChange]) -> ContactView:
        """Change a card."""
        id_, body = asked.path.contact_id, asked.body
        await self._check_owner(body.owner)
        changes: dict[str, object] = {}
        if body.name is not None:
            changes["name"] = body.name.strip()
        if body.note is not None:
            changes["note"] = body.note
        if "owner" in body.model_fields_set:
            changes["owner_id"] = body.owner
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.change_contact(connection, id_, version=body.version, changes=changes):
                if await store.read_contact(connection, id_) is None:
                    raise NotFoundError
                raise StaleVersionError
            fact = NewFact(kind="contact.changed", body={"id": id_, "version": body.version + 1}, contact_id=id_)
            await save_facts(connection, [fact])
        self._parts.live.publish(Happening(kind=fact.kind, body=fact.body))
        return await self._shown(id_)

    async def _shown(self, id: int) -> ContactView:
        contact = await store.read_contact(self._parts.pool, id)
        if contact is None:
            raise NotFoundError
        return ContactView.model_validate(_values(contact))

    async def _check_owner(self, owner: int | None) -> None:
        if owner is not None and await people.read_user(self._parts.pool, owner) is None:
            detail = "Nobody has this id."
            raise InvalidRequestError([FieldFault(place="body", pointer="#/owner", code="value", detail=detail)])

    def _e164(self, place: int, text: str) -> str:
        number = self._parts.plan.parse(text)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            detail = "This is no client's number; write it with its code, like +7 916 123-45-67."
            fault = FieldFault(place="body", pointer=f"#/numbers/{place}", code=str(number.kind), detail=detail)
            raise InvalidRequestError([fault])
        return number.e164
