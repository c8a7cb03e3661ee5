"""`/touches`: a site's form, a visit, a click, a message: whatever a client did elsewhere, in one POST.

The card is found by our id, by another system's, by number or by e-mail address; several that contradict each other
are offered as a choice, and nothing is guessed. The same touch once more (by the other system's id, or the same words
within ten minutes) is answered with the first one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.external_ids import External, System
from gateway.api.fields import CursorText, Incoming, Limit, LongText, Moment, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    TooManyAttemptsError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.cards import Address, AddressError, AddressKind, card_reach, read_address
from gateway.domain.phone import NumberKind
from gateway.domain.touches import CHOICES_MAX, FIELD_MAX, FIELDS_MAX, KEY_BOUNDS, KIND_PATTERN, Bound, NewTouch, Ways
from gateway.store import people
from gateway.store import touches as store
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.touches import Place, Touch

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Kind = Annotated[str, Field(pattern=KIND_PATTERN)]
FieldName = Annotated[str, Field(min_length=1, max_length=80)]
FieldText = Annotated[str, Field(max_length=FIELD_MAX)]


class Ref(Incoming):
    """An id of another system."""

    system: System
    id: External


class Source(Incoming):
    """Where it came from."""

    kind: Kind = Field(description="`site`, `campaign`, `messenger`...")
    name: Line | None = Field(default=None, description="which one")


class Whom(Incoming):
    """By what the client may be found; all that is known."""

    id: RowId | None = Field(default=None, description="our card")
    external: Ref | None = None
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="in any way of writing"
    )
    email: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    name: Line | None = Field(default=None, description="for a card that is made")


class TouchOrder(Incoming):
    """A touch."""

    kind: Kind = Field(description="`form`, `visit`, `ad_click`, `message`, `chat`, or a word of your own")
    contact: Whom = Field(default=Whom(), description="left out: nobody known, as with most visits")
    external: Ref | None = Field(default=None, description="the touch's id in your system; sent twice it is one touch")
    at: Moment | None = Field(default=None, description="when it was; left out: now")
    direction: Literal["inbound", "outbound"] = "inbound"
    source: Source | None = None
    user: RowId | None = Field(default=None, description="manager who was touched")
    text: LongText = ""
    fields: Annotated[dict[FieldName, FieldText], Field(max_length=FIELDS_MAX)] = Field(
        default={}, description="whatever else was sent along"
    )


class TouchPath(Incoming):
    """Which touch."""

    touch_id: UUID


class TouchQuery(Incoming):
    """Which touches."""

    contact: RowId | None = None
    kind: Kind | None = None
    unplaced: bool = Field(default=False, description="only those for which a card has to be chosen")
    limit: Limit = 50
    cursor: CursorText | None = None


class TouchPlace(Incoming):
    """Where a page ends."""

    at: datetime
    id: UUID


class Chosen(Incoming):
    """The card that a touch belongs to."""

    contact: RowId


class TouchView(Outgoing):
    """A touch."""

    id: UUID
    contact: int | None = Field(description="null: nobody known, or several: see `choices`")
    choices: tuple[int, ...] = Field(description="cards of which it is one; choose with PUT .../contact")
    kind: str
    at: datetime
    direction: str
    source_kind: str | None
    source_name: str | None
    user: int | None
    text: str
    fields: dict[str, str]
    number: str | None = Field(description="E.164, where there is no card")
    email: str | None = Field(description="where there is no card")
    name: str | None = Field(description="as it was sent")
    joined: int = Field(description="how often the same came once more")
    made_by: str
    made_at: datetime


class WrittenTouch(TouchView):
    """What became of a touch."""

    card_made: bool = Field(description="nobody was known, so a card was made")
    repeated: bool = Field(description="this is the touch of an earlier request")


class PlacedError(ConflictError):
    """This touch has a card already."""


class Touches:
    """The handlers of `/touches`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/touches",
                handler=self.make,
                summary="Tell what a client did elsewhere",
                right=Right.TOUCHES_WRITE,
                tag="touches",
                status=201,
                idempotent=True,
                body_max=256 * 1024,
                errors=(TooManyAttemptsError,),
            ),
            Route(
                method="GET",
                path="/touches",
                handler=self.listing,
                summary="Touches, the newest first",
                right=Right.CONTACTS_READ,
                tag="touches",
            ),
            Route(
                method="GET",
                path="/touches/{touch_id}",
                handler=self.one,
                summary="One touch",
                right=Right.CONTACTS_READ,
                tag="touches",
            ),
            Route(
                method="PUT",
                path="/touches/{touch_id}/contact",
                handler=self.choose,
                summary="Say whose touch it is",
                right=Right.CONTACTS_WRITE,
                tag="touches",
                errors=(PlacedError,),
            ),
        )

    async def make(self, asked: Asked[Nothing, Nothing, TouchOrder]) -> WrittenTouch | web.Response:
        """Take a touch."""
        order, who, now = asked.body, asked.principal, datetime.now(UTC)
        await hold_back(self._parts, who.id, KEY_BOUNDS, now)
        ways = Ways(
            contact=order.contact.id,
            external=_pair(order.contact.external),
            number=self._number(order.contact.number),
            email=_email(order.contact.email),
            name=(order.contact.name or "").strip(),
        )
        if order.user is not None and await people.read_user(self._parts.pool, order.user) is None:
            raise refused_value("user", "Nobody has this id.")
        touch = NewTouch(
            kind=order.kind,
            at=order.at or now,
            direction=order.direction,
            source_kind=order.source.kind if order.source else None,
            source_name=order.source.name if order.source else None,
            text=order.text,
            made_by=who.id,
            user=order.user,
            external=_pair(order.external),
            fields=order.fields,
        )

        async def work(connection: Connection) -> tuple[WrittenTouch, Sequence[NewFact]]:
            if ways.contact is not None and not await self._visible(connection, who, [ways.contact]):
                raise refused_value("contact/id", "There is no card with this id.")
            return await take_touch(connection, touch, ways, now)

        return await do_once(self._parts, asked, work)

    async def listing(self, asked: Asked[Nothing, TouchQuery, Nothing]) -> Page[TouchView]:
        """A page of touches; those of cards that the caller may not see are left out."""
        query = asked.query
        place = read_cursor("touches", query.cursor, TouchPlace)
        found = await store.list_touches(
            self._parts.pool,
            contact=query.contact,
            kind=query.kind,
            unplaced=query.unplaced,
            before=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        visible = await self._seen(asked.principal, found)
        rows = [(touch_view(t), TouchPlace(at=t.made_at, id=t.id)) for t in found]
        whole = page("touches", rows, query.limit)
        items = tuple(view for view in whole.items if view.contact is None or view.contact in visible)
        return Page(items=items, next=whole.next)

    async def one(self, asked: Asked[TouchPath, Nothing, Nothing]) -> TouchView:
        """One touch."""
        return touch_view(await self._there(asked.principal, asked.path.touch_id))

    async def choose(self, asked: Asked[TouchPath, Nothing, Chosen]) -> TouchView:
        """Put a touch at the card it belongs to."""
        touch = await self._there(asked.principal, asked.path.touch_id)
        card = asked.body.contact
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await self._visible(connection, asked.principal, [card]):
                raise refused_value("contact", "There is no card with this id.")
            if not await store.give_touch(connection, touch.id, card):
                raise PlacedError
            body: dict[str, object] = {"id": str(touch.id), "kind": touch.kind, "contact_id": card}
            fact = NewFact(kind="touch.placed", body=body, contact_id=card)
            await save_facts(connection, [fact])
        tell(self._parts, [fact])
        return touch_view(await self._there(asked.principal, touch.id))

    async def _there(self, who: Principal, id: UUID) -> Touch:
        touch = await store.read_touch(self._parts.pool, id)
        if touch is None or (touch.contact_id is not None and touch.contact_id not in await self._seen(who, [touch])):
            raise NotFoundError
        return touch

    async def _seen(self, who: Principal, touches: Sequence[Touch]) -> frozenset[int]:
        cards = {touch.contact_id for touch in touches if touch.contact_id is not None}
        return await visible_ids(self._parts.pool, cards, card_reach(who))

    async def _visible(self, connection: Connection, who: Principal, cards: Sequence[int]) -> bool:
        there = await connection.fetchval(
            "select count(*) from contact where id = any($1::bigint[]) and merged_into is null", cards
        )
        return bool(there == len(cards) and await visible_ids(connection, cards, card_reach(who)) == set(cards))

    def _number(self, text: str | None) -> str | None:
        if text is None:
            return None
        number = self._parts.plan.parse(text)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            raise refused_value(
                "contact/number", "This is no client's number; write it with its code, like +7 916 123-45-67."
            )
        return number.e164


async def hold_back(parts: ApiParts, who: str, bounds: Sequence[Bound], now: datetime) -> None:
    """Count a touch of somebody.

    Raises:
        TooManyAttemptsError: he sends too many.
    """
    until = await store.is_too_often(parts.pool, who, bounds, now)
    if until is not None:
        raise TooManyAttemptsError(until - now)


async def take_touch(
    connection: Connection, touch: NewTouch, ways: Ways, now: datetime
) -> tuple[WrittenTouch, Sequence[NewFact]]:
    """Place and write a touch, within a transaction; gives what to answer and what to tell."""
    if touch.external is not None:
        await store.hold_external(connection, touch.external)
        if earlier := await store.same_touch(connection, touch, Place(contact=None), now):
            return await _written(connection, earlier, Place(contact=None), repeated=True), ()
    where = await store.place(connection, ways, store.new_card(ways, touch))
    if touch.external is None and (earlier := await store.same_touch(connection, touch, where, now)):
        return await _written(connection, earlier, where, repeated=True), ()
    id_ = await store.write_touch(connection, touch, ways, where, now)
    written = await _written(connection, id_, where, repeated=False)
    facts = (
        [NewFact(kind="contact.created", body={"id": where.contact}, contact_id=where.contact)] if where.made else []
    )
    facts.append(NewFact(kind="touch.made", body=_told(written), contact_id=where.contact))
    return written, facts


def _told(written: WrittenTouch) -> dict[str, object]:
    """What the feed says of a touch."""
    body = written.model_dump(mode="json", exclude={"contact", "repeated", "joined"})
    return {**body, "contact_id": written.contact}


async def _written(connection: Connection, id: UUID, where: Place, *, repeated: bool) -> WrittenTouch:
    touch = await store.read_touch(connection, id)
    if touch is None:
        raise NotFoundError
    made = where.made and not repeated
    return WrittenTouch.model_validate({**touch_values(touch), "card_made": made, "repeated": repeated})


def touch_values(touch: Touch) -> dict[str, object]:
    """A touch's values by the names of its view."""
    body = touch.body
    choices, fields = body.get("choices"), body.get("fields")
    return {
        "id": touch.id,
        "contact": touch.contact_id,
        "choices": tuple(choices)[:CHOICES_MAX] if isinstance(choices, list) and touch.contact_id is None else (),
        "kind": touch.kind,
        "at": touch.at,
        "direction": touch.direction,
        "source_kind": touch.source_kind,
        "source_name": touch.source_name,
        "user": touch.user_id,
        "text": touch.text,
        "fields": {str(k): str(v) for k, v in fields.items()} if isinstance(fields, dict) else {},
        "number": body.get("number"),
        "email": body.get("email"),
        "name": body.get("name"),
        "joined": body.get("joined", 0),
        "made_by": touch.made_by,
        "made_at": touch.made_at,
    }


def touch_view(touch: Touch) -> TouchView:
    """A touch as the API shows it."""
    return TouchView.model_validate(touch_values(touch))


def _pair(ref: Ref | None) -> tuple[str, str] | None:
    return (ref.system, ref.id) if ref else None


def _email(text: str | None) -> Address | None:
    if text is None:
        return None
    try:
        return read_address(AddressKind.EMAIL, text)
    except AddressError as fault:
        raise refused_value("contact/email", str(fault)) from fault
