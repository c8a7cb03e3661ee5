"""`GET /search`: one field for everything, from any place of the screen.

Cards are found by words of the name, searchable fields, e-mail addresses, a number in any writing or its end; where
nothing fits, by names that are nearly so, among the clients touched lately. Organisations by their names, calls by
words that were said in them, as far as the caller may listen to them.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gateway.api.calls import CallView, call_models
from gateway.api.card_views import ContactView, contact_view
from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.organisations import OrganisationView, organisation_view
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Principal, Right, holds
from gateway.domain.cards import card_reach
from gateway.store.call_lists import CallFilter, list_calls
from gateway.store.card_lists import CardFilter, list_contacts, nearly_named, number_end
from gateway.store.contacts import Contact
from gateway.store.organisations import list_organisations


class Place(StrEnum):
    """Where something is looked for."""

    CONTACTS = "contacts"
    ORGANISATIONS = "organisations"
    CALLS = "calls"


class SearchQuery(Incoming):
    """What is looked for."""

    q: Annotated[str, Field(min_length=1, max_length=100)]
    where: Annotated[tuple[Place, ...], Field(max_length=3)] = Field(
        default=(), description="may be given several times; left out: everywhere"
    )
    limit: Annotated[int, Field(ge=1, le=50, description="how many of each at most")] = 10


class Found(Outgoing):
    """What was found, each list the newest first."""

    contacts: tuple[ContactView, ...]
    organisations: tuple[OrganisationView, ...]
    calls: tuple[CallView, ...] = Field(description="in which these words were said")


class Search:
    """The handler of `/search`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/search",
                handler=self.search,
                summary="Find cards, organisations and calls by one text",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
        )

    async def search(self, asked: Asked[Nothing, SearchQuery, Nothing]) -> Found:
        """Look everywhere."""
        query, who = asked.query, asked.principal
        places, text = set(query.where) or set(Place), query.q.strip()
        if not text:
            return Found(contacts=(), organisations=(), calls=())
        contacts = await self._contacts(who, text, query.limit) if Place.CONTACTS in places else []
        organisations = (
            await list_organisations(self._parts.pool, text=text, reach=card_reach(who), before=None, limit=query.limit)
            if Place.ORGANISATIONS in places
            else []
        )
        calls = await self._calls(who, text, query.limit) if Place.CALLS in places else ()
        return Found(
            contacts=tuple(contact_view(c) for c in contacts),
            organisations=tuple(organisation_view(o) for o in organisations),
            calls=calls,
        )

    async def _contacts(self, who: Principal, text: str, limit: int) -> list[Contact]:
        sees = card_reach(who)
        number = self._parts.plan.parse(text).e164
        found = await list_contacts(self._parts.pool, CardFilter(reach=sees, text=text, number=number), limit=limit)
        if found or number_end(text) is not None:
            return found
        return await nearly_named(self._parts.pool, text, reach=sees, limit=limit)

    async def _calls(self, who: Principal, text: str, limit: int) -> tuple[CallView, ...]:
        """Calls in which it was said; words are heard with the right to listen, which is over one's own at least."""
        if not holds(who, Right.RECORDINGS_LISTEN_OWN) or not holds(who, Right.CALLS_READ_OWN):
            return ()
        reaches = [reach(who, right) for right in (Right.RECORDINGS_LISTEN_OWN, Right.CALLS_READ_OWN)]
        only = next((user for user in reaches if user is not None), None)
        wanted = CallFilter(only_user=only, text=text, languages=self._parts.settings.transcription.languages)
        found = await list_calls(self._parts.pool, wanted, after=None, limit=limit)
        return tuple(await call_models(self._parts, found, who))
