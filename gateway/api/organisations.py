"""Organisations and their people: found, made, read, changed."""

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.card_input import CardInput, FieldValues, Line
from gateway.api.card_views import ContactView, Plain, contact_view, plain_fields
from gateway.api.contacts import ContactPlace
from gateway.api.fields import CursorText, Incoming, Limit, LongText, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.card_fields import FieldOf
from gateway.domain.cards import card_reach
from gateway.store import organisations as store
from gateway.store.card_lists import CardFilter, Place, list_contacts
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts
from gateway.store.organisations import NewOrganisation, Organisation


class OrganisationPath(Incoming):
    """Which organisation."""

    organisation_id: RowId


class OrganisationQuery(Incoming):
    """Which organisations."""

    q: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="words of the name or of a searchable field"
    )
    city: Line | None = None
    owner: RowId | None = None
    field: Annotated[tuple[Annotated[str, Field(min_length=3, max_length=300)], ...], Field(max_length=10)] = Field(
        default=(), description="key:value that a field of the site's own must have; may be given several times"
    )
    limit: Limit = 50
    cursor: CursorText | None = None


class OrganisationPlace(Incoming):
    """Where a page of organisations ends."""

    id: int


class PeopleQuery(Incoming):
    """Which people of an organisation."""

    limit: Limit = 50
    cursor: CursorText | None = None


class NewOrganisationBody(Incoming):
    """An organisation to be made."""

    name: Annotated[Line, Field(min_length=1)]
    city: Line = ""
    line_of_business: Line = ""
    note: LongText = ""
    owner: RowId | None = None
    fields: FieldValues = Field(default_factory=dict)


class OrganisationChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    name: Annotated[Line, Field(min_length=1)] | None = None
    city: Line | None = None
    line_of_business: Line | None = None
    note: LongText | None = None
    owner: RowId | None = Field(default=None, description="null: nobody's any more")
    fields: FieldValues | None = None


class OrganisationView(Outgoing):
    """An organisation."""

    id: int
    name: str
    city: str
    line_of_business: str
    note: str
    owner: int | None
    owner_name: str | None
    fields: dict[str, Plain | None]
    people: int = Field(description="how many cards belong to it")
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


def organisation_view(organisation: Organisation) -> OrganisationView:
    """An organisation as the API shows it."""
    return OrganisationView(
        id=organisation.id,
        name=organisation.name,
        city=organisation.city,
        line_of_business=organisation.line_of_business,
        note=organisation.note,
        owner=organisation.owner_id,
        owner_name=organisation.owner_name,
        fields=plain_fields(organisation.fields),
        people=organisation.people,
        made_by=organisation.made_by,
        created_at=organisation.created_at,
        updated_at=organisation.updated_at,
        version=organisation.version,
    )


class Organisations:
    """The handlers of `/organisations`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._input = CardInput(parts)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/organisations",
                handler=self.listing,
                summary="Find organisations",
                right=Right.CONTACTS_READ,
                tag="organisations",
            ),
            Route(
                method="POST",
                path="/organisations",
                handler=self.make,
                summary="Make an organisation",
                right=Right.CONTACTS_WRITE,
                tag="organisations",
                status=201,
                idempotent=True,
            ),
            Route(
                method="GET",
                path="/organisations/{organisation_id}",
                handler=self.one,
                summary="One organisation",
                right=Right.CONTACTS_READ,
                tag="organisations",
            ),
            Route(
                method="PATCH",
                path="/organisations/{organisation_id}",
                handler=self.change,
                summary="Change an organisation that nobody has changed since it was read",
                right=Right.CONTACTS_WRITE,
                tag="organisations",
                errors=(StaleVersionError,),
            ),
            Route(
                method="GET",
                path="/organisations/{organisation_id}/contacts",
                handler=self.people,
                summary="The people who call for an organisation",
                right=Right.CONTACTS_READ,
                tag="organisations",
            ),
        )

    async def listing(self, asked: Asked[Nothing, OrganisationQuery, Nothing]) -> Page[OrganisationView]:
        """A page of organisations, the newest first."""
        query = asked.query
        place = read_cursor("organisations", query.cursor, OrganisationPlace)
        found = await store.list_organisations(
            self._parts.pool,
            text=query.q,
            city=query.city,
            owner=query.owner,
            values=await self._input.wanted_fields(FieldOf.ORGANISATION, query.field),
            reach=card_reach(asked.principal),
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        return page("organisations", [(organisation_view(o), OrganisationPlace(id=o.id)) for o in found], query.limit)

    async def one(self, asked: Asked[OrganisationPath, Nothing, Nothing]) -> OrganisationView:
        """One organisation."""
        return organisation_view(await self._seen(self._parts.pool, asked.principal, asked.path.organisation_id))

    async def people(self, asked: Asked[OrganisationPath, PeopleQuery, Nothing]) -> Page[ContactView]:
        """A page of its people, as far as the caller may see them."""
        query = asked.query
        organisation = await self._seen(self._parts.pool, asked.principal, asked.path.organisation_id)
        place = read_cursor("people", query.cursor, ContactPlace)
        found = await list_contacts(
            self._parts.pool,
            CardFilter(reach=card_reach(asked.principal), organisation=organisation.id),
            after=Place(at=place.at, id=place.id) if place else None,
            limit=query.limit + 1,
        )
        rows = [(contact_view(c), ContactPlace(at=c.last_touch_at, id=c.id)) for c in found]
        return page("people", rows, query.limit)

    async def make(self, asked: Asked[Nothing, Nothing, NewOrganisationBody]) -> OrganisationView | web.Response:
        """Make an organisation."""
        body, who = asked.body, asked.principal
        await self._input.links(who, owner=body.owner, organisation=None, zone=None)

        async def write(connection: Connection) -> tuple[OrganisationView, list[NewFact]]:
            new = NewOrganisation(
                name=body.name.strip(),
                made_by=who.id,
                city=body.city.strip(),
                line_of_business=body.line_of_business.strip(),
                note=body.note,
                owner_id=body.owner,
                fields=await self._input.fields(connection, FieldOf.ORGANISATION, None, body.fields),
            )
            made = await store.make_organisation(connection, new)
            fact = NewFact(kind="organisation.created", body={"id": made})
            return organisation_view(await self._there(connection, made)), [fact]

        return await do_once(self._parts, asked, write)

    async def change(self, asked: Asked[OrganisationPath, Nothing, OrganisationChange]) -> OrganisationView:
        """Change an organisation."""
        body, who = asked.body, asked.principal
        await self._input.links(who, owner=body.owner, organisation=None, zone=None)
        changes: dict[str, object] = {}
        for name in ("name", "city", "line_of_business", "note"):
            if (value := getattr(body, name)) is not None:
                changes[name] = value if name == "note" else value.strip()
        if "owner" in body.model_fields_set:
            changes["owner_id"] = body.owner
        async with self._parts.pool.acquire() as connection, connection.transaction():
            before = await self._seen(connection, who, asked.path.organisation_id)
            if body.fields is not None:
                changes["fields"] = await self._input.fields(
                    connection, FieldOf.ORGANISATION, before.fields, body.fields
                )
            if not await store.change_organisation(
                connection, before.id, version=body.version, changes=changes, now=datetime.now(UTC)
            ):
                raise StaleVersionError
            facts = [NewFact(kind="organisation.changed", body={"id": before.id, "version": body.version + 1})]
            await save_facts(connection, facts)
            changed = await self._there(connection, before.id)
        tell(self._parts, facts)
        return organisation_view(changed)

    async def _seen(self, source: Pool | Connection, who: Principal, id: int) -> Organisation:
        found = await store.read_organisation(source, id, reach=card_reach(who))
        if found is None:
            raise NotFoundError
        return found

    async def _there(self, connection: Connection, id: int) -> Organisation:
        found = await store.read_organisation(connection, id)
        if found is None:
            raise NotFoundError
        return found
