"""Cards of clients: found by name, number or field, read with their calls, changed by versions, noted upon."""

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.calls import CallPlace, call_models
from gateway.api.card_input import CardInput, ContactChange, Line, NewContact, ShortLine, plain_changes
from gateway.api.card_views import ContactView, ContactWithCalls, card_values, contact_view
from gateway.api.fields import CursorText, Incoming, Limit, Moment, Nothing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import CountedView, Page, counted, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, StaleVersionError
from gateway.api.routing import API_PREFIX, Asked, Route, answer
from gateway.api.visibility import reach
from gateway.domain.access import Principal, Right
from gateway.domain.card_fields import FieldOf
from gateway.domain.cards import Heat, Stage, card_reach
from gateway.store import contacts as store
from gateway.store.call_lists import CallFilter, list_calls
from gateway.store.card_access import visible_ids
from gateway.store.card_lists import CardFilter, Order, Place, count_contacts, list_contacts
from gateway.store.card_numbers import set_phones
from gateway.store.card_owners import owner_changed
from gateway.store.contacts import Contact, NewCard, Refused, change_contact, hold_contact, make_contact
from gateway.store.database import Connection
from gateway.store.external_ids import IdentityOf, externals_of, read_external
from gateway.store.facts import NewFact, save_facts

HISTORY = 20


class ContactPath(Incoming):
    """Which card."""

    contact_id: RowId


class CardQuery(Incoming):
    """Which cards."""

    q: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="words of the name or of a searchable field, an e-mail address, a number in any way of writing"
        " or its last four digits or more",
    )
    owner: RowId | None = None
    has_owner: bool | None = None
    stage: Stage | None = None
    heat: Heat | None = None
    priority: Annotated[int, Field(ge=1, le=5, description="this or more")] | None = None
    source_kind: ShortLine | None = None
    source_name: Line | None = None
    city: Line | None = None
    line_of_business: Line | None = None
    organisation: RowId | None = None
    next_step: bool | None = Field(default=None, description="whether a task is open or a call is planned with him")
    touched_since: Moment | None = None
    created_since: Moment | None = None
    changed_since: Moment | None = None
    touched_before: Moment | None = Field(default=None, description="whom nobody has talked or written to since")
    field: Annotated[tuple[Annotated[str, Field(min_length=3, max_length=300)], ...], Field(max_length=10)] = Field(
        default=(), description="key:value that a field of the site's own must have; may be given several times"
    )


class ContactQuery(CardQuery):
    """Which cards, in which order, and which page of them."""

    external: (
        Annotated[str, Field(max_length=241, pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}:[^\x00-\x1f\x7f]{1,200}$")] | None
    ) = Field(default=None, description="system:id, the card that this id of another system stands for, and no other")
    sort: Order = Order.NEWEST
    limit: Limit = 50
    cursor: CursorText | None = None


class ContactPlace(Incoming):
    """Where a page of cards ends."""

    at: datetime
    id: int


class NumberTakenError(ConflictError):
    """One of the numbers has a card already; change that one instead."""


async def wanted_cards(parts: ApiParts, who: Principal, query: CardQuery) -> CardFilter:
    """The cards that a query asks for, as far as the caller may see them."""
    text = query.q.strip() or None if query.q else None
    return CardFilter(
        reach=card_reach(who),
        text=text,
        number=parts.plan.parse(text).e164 if text else None,
        owner=query.owner,
        has_owner=query.has_owner,
        stage=query.stage,
        heat=query.heat,
        priority=query.priority,
        source_kind=query.source_kind,
        source_name=query.source_name,
        city=query.city,
        line_of_business=query.line_of_business,
        has_next_step=query.next_step,
        touched_since=query.touched_since,
        organisation=query.organisation,
        created_since=query.created_since,
        changed_since=query.changed_since,
        touched_before=query.touched_before,
        fields=await CardInput(parts).wanted_fields(FieldOf.CONTACT, query.field),
    )


class Contacts:
    """The handlers of `/contacts`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._input = CardInput(parts)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/contacts",
                handler=self.listing,
                summary="Find cards by name, number or field",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="GET",
                path="/contacts/count",
                handler=self.count,
                summary="How many cards a list has, up to ten thousand",
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
                idempotent=True,
                errors=(NumberTakenError,),
            ),
            Route(
                method="GET",
                path="/contacts/{contact_id}",
                handler=self.one,
                summary="One card with its last calls; a merged one answers with the card it was merged into",
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
                errors=(StaleVersionError, NumberTakenError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, ContactQuery, Nothing]) -> Page[ContactView]:
        """A page of cards."""
        query = asked.query
        if query.external is not None:
            return await self._of_external(asked.principal, query.external)
        place = read_cursor(f"contacts {query.sort}", query.cursor, ContactPlace)
        wanted = await wanted_cards(self._parts, asked.principal, query)
        found = await list_contacts(
            self._parts.pool,
            wanted,
            order=query.sort,
            after=Place(at=place.at, id=place.id) if place else None,
            limit=query.limit + 1,
        )
        rows = [(contact_view(c), ContactPlace(at=c.last_touch_at, id=c.id)) for c in found]
        return page(f"contacts {query.sort}", rows, query.limit)

    async def count(self, asked: Asked[Nothing, CardQuery, Nothing]) -> CountedView:
        """How many cards there are."""
        wanted = await wanted_cards(self._parts, asked.principal, asked.query)
        return counted(await count_contacts(self._parts.pool, wanted))

    async def _of_external(self, who: Principal, external: str) -> Page[ContactView]:
        """The card that an id of another system stands for, if the caller may see it."""
        system, _, id_ = external.partition(":")
        found = await read_external(self._parts.pool, system, IdentityOf.CONTACT, id_)
        try:
            cards = [await visible_contact(self._parts, who, int(found.local))] if found else []
        except NotFoundError:
            cards = []
        return Page(items=tuple(contact_view(card) for card in cards), next=None)

    async def one(self, asked: Asked[ContactPath, Nothing, Nothing]) -> ContactWithCalls | web.Response:
        """One card with its history, as far as the caller may see it."""
        contact = await visible_contact(self._parts, asked.principal, asked.path.contact_id)
        wanted = CallFilter(only_user=reach(asked.principal, Right.CALLS_READ_OWN), contact=contact.id)
        found = await list_calls(self._parts.pool, wanted, after=None, limit=HISTORY + 1)
        views = await call_models(self._parts, found, asked.principal)
        rows = [(view, CallPlace(at=c.sorted_at, id=c.id)) for view, c in zip(views, found, strict=True)]
        calls = page("calls", rows, HISTORY)
        external = await externals_of(self._parts.pool, IdentityOf.CONTACT, [str(contact.id)])
        known = external.get(str(contact.id), {})
        whole = ContactWithCalls.model_validate({**card_values(contact), "calls": calls, "external": known})
        if contact.id == asked.path.contact_id:
            return whole
        return answer(whole, headers={"Content-Location": f"{API_PREFIX}/contacts/{contact.id}"})

    async def make(self, asked: Asked[Nothing, Nothing, NewContact]) -> ContactView | web.Response:
        """Make a card."""
        body = asked.body
        phones = self._input.phones(body.phones, body.numbers)
        addresses = self._input.addresses(body.addresses)
        await self._input.links(
            asked.principal,
            owner=body.owner,
            organisation=body.organisation,
            zone=body.timezone or None,
        )

        async def write(connection: Connection) -> tuple[ContactView, list[NewFact]]:
            card = NewCard(
                name=body.name.strip(),
                made_by=asked.principal.id,
                note=body.note,
                owner_id=body.owner,
                organisation_id=body.organisation,
                job_title=body.job_title.strip(),
                city=body.city.strip(),
                line_of_business=body.line_of_business.strip(),
                priority=body.priority,
                heat=body.heat,
                stage=body.stage,
                source_kind=body.source_kind or None,
                source_name=body.source_name or None,
                timezone=body.timezone or None,
                birthday=body.birthday,
                fields=await self._input.fields(connection, FieldOf.CONTACT, None, body.fields),
                phones=phones,
                addresses=addresses,
            )
            made = await make_contact(connection, card)
            if isinstance(made, Refused):
                raise _taken(made, None)
            fact = NewFact(kind="contact.created", body={"id": made}, contact_id=made)
            return contact_view(await _there(connection, made)), [fact]

        return await do_once(self._parts, asked, write)

    async def change(self, asked: Asked[ContactPath, Nothing, ContactChange]) -> ContactView:
        """Change a card."""
        body = asked.body
        await self._input.links(
            asked.principal,
            owner=body.owner,
            organisation=body.organisation,
            zone=body.timezone or None,
        )
        phones = None if body.phones is None else self._input.phones(body.phones)
        addresses = None if body.addresses is None else self._input.addresses(body.addresses)
        now = datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            held = await held_contact(connection, asked.principal, asked.path.contact_id)
            if held.version != body.version:
                raise StaleVersionError
            changes = plain_changes(body)
            if body.fields is not None:
                changes["fields"] = await self._input.fields(connection, FieldOf.CONTACT, held.fields, body.fields)
            await change_contact(connection, held.id, changes=changes, now=now)
            if phones is not None and (taken := await set_phones(connection, held.id, phones)):
                raise _taken(Refused(taken), held.id)
            if addresses is not None:
                await store.set_addresses(connection, held.id, addresses)
            facts = []
            if "owner" in body.model_fields_set:
                told = await owner_changed(
                    connection, held.id, body.owner, reason="by hand", by=asked.principal.id, now=now, versioned=False
                )
                facts += [told] if told else []
            fact = NewFact(
                kind="contact.changed", body={"id": held.id, "version": held.version + 1}, contact_id=held.id
            )
            facts.append(fact)
            await save_facts(connection, facts)
            changed = await _there(connection, held.id)
        tell(self._parts, facts)
        return contact_view(changed)


async def visible_contact(parts: ApiParts, who: Principal, id: int) -> Contact:
    """The card behind an address, the one it was merged into where it was.

    Raises:
        NotFoundError: there is none, or he may not see it.
    """
    contact = await store.read_contact(parts.pool, id)
    if contact is None or contact.id not in await visible_ids(parts.pool, [contact.id], card_reach(who)):
        raise NotFoundError
    return contact


async def held_contact(connection: Connection, who: Principal, id: int) -> Contact:
    """The same for one who changes it: nobody else does until the transaction ends.

    Raises:
        NotFoundError: there is none, or he may not see it.
    """
    contact = await hold_contact(connection, id)
    if contact is None or contact.id not in await visible_ids(connection, [contact.id], card_reach(who)):
        raise NotFoundError
    return contact


async def _there(connection: Connection, id: int) -> Contact:
    found = await store.read_contact(connection, id)
    if found is None:
        raise NotFoundError
    return found


def _taken(refused: Refused, own: int | None) -> NumberTakenError:
    cards = ", ".join(str(c) for c in sorted({card for held in refused.taken.values() for card in held} - {own}))
    return NumberTakenError(
        f"One of the numbers has a card already: {cards}; change that one, or say that the number is shared."
    )
