"""`/forms`: a site's form sends touches without a key of the API, straight from the visitor's browser.

The address of a form holds a key that can do nothing but this. It stands in the site's pages, so everybody knows it;
what it lets in is bounded by address and by form, and a field that people do not see catches simple programs: they get
the answer that everybody gets, and nothing is written. A number that cannot be read loses no lead: it is kept as text.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field

from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError, TooManyAttemptsError
from gateway.api.routing import API_PREFIX, Asked, Door, Handler, Method, Route, answer
from gateway.api.security import address_block, client_address
from gateway.api.touches import FieldText, Kind, Line, hold_back, take_touch
from gateway.domain.access import Right
from gateway.domain.cards import Address, AddressError, AddressKind, read_address
from gateway.domain.phone import NumberKind
from gateway.domain.touches import FIELD_MAX, FIELDS_MAX, FORM_BOUNDS, VISITOR_BOUNDS, NewTouch, Ways
from gateway.store import forms as store
from gateway.store.access import write_audit
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts
from gateway.store.forms import Form

TrapName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
KEY_PATTERN = r"^[A-Za-z0-9_-]{22}$"
_READABLE = {"Access-Control-Allow-Origin": "*"}
_PHONE, _EMAIL = "phone", "email"


class FormPath(Incoming):
    """Which form."""

    form_id: RowId


class FormKeyPath(Incoming):
    """Through which form."""

    form_key: Annotated[str, Field(pattern=KEY_PATTERN)]


class FormQuery(Incoming):
    """A part of the list."""

    limit: Limit = 50
    cursor: CursorText | None = None


class FormPlace(Incoming):
    """Where a page ends."""

    id: int


class NewForm(Incoming):
    """A form to be made."""

    name: Line
    kind: Kind = Field(default="form", description="of the touches that it sends")
    source_kind: Kind = "site"
    source_name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        default="", description="left empty: the form's name"
    )
    trap: TrapName = Field(default="website", description="a field that people do not see; filled in: a program")


class FormChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    name: Line | None = None
    source_kind: Kind | None = None
    source_name: Line | None = None
    trap: TrapName | None = None
    active: bool | None = None


class Filled(Incoming):
    """A form as a visitor filled it in: any fields, of which these are understood."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"maxProperties": FIELDS_MAX})
    __pydantic_extra__: dict[str, FieldText]

    phone: Annotated[str, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=FIELD_MAX * 2)] = ""


class FormView(Outgoing):
    """A form."""

    id: int
    address: str = Field(description="to which the site sends")
    name: str
    kind: str
    source_kind: str
    source_name: str
    trap: str
    active: bool
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


class Thanks(Outgoing):
    """The answer to a visitor."""

    accepted: bool


class Forms:
    """The handlers of `/forms`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            _route("GET", "/forms", self.listing, "Forms of sites"),
            _route("POST", "/forms", self.make, "Make a form with an address of its own", status=201),
            _route("GET", "/forms/{form_id}", self.one, "One form"),
            _route("PATCH", "/forms/{form_id}", self.change, "Change or close a form", errors=(StaleVersionError,)),
            _route("DELETE", "/forms/{form_id}", self.delete, "Remove a form; what came through it stays"),
            Route(
                method="POST",
                path="/form/{form_key}",
                handler=self.fill_in,
                summary="Send what a visitor filled in, as JSON or as an HTML form, from any page",
                right=Door.PUBLIC,
                tag="touches",
                status=202,
                body_max=64 * 1024,
                foreign=True,
                errors=(TooManyAttemptsError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, FormQuery, Nothing]) -> Page[FormView]:
        """A page of forms."""
        place = read_cursor("forms", asked.query.cursor, FormPlace)
        limit = asked.query.limit
        found = await store.list_forms(self._parts.pool, before=place.id if place else None, limit=limit + 1)
        return page("forms", [(self._view(f), FormPlace(id=f.id)) for f in found], limit)

    async def one(self, asked: Asked[FormPath, Nothing, Nothing]) -> FormView:
        """One form."""
        return await self._there(self._parts.pool, asked.path.form_id)

    async def make(self, asked: Asked[Nothing, Nothing, NewForm]) -> FormView | web.Response:
        """Make a form."""
        body, who = asked.body, asked.principal

        async def work(connection: Connection) -> tuple[FormView, Sequence[NewFact]]:
            form = await store.make_form(
                connection,
                key=secrets.token_urlsafe(16),
                name=body.name,
                kind=body.kind,
                source_kind=body.source_kind,
                source_name=body.source_name or body.name,
                trap=body.trap,
                made_by=who.id,
            )
            await write_audit(connection, actor=who.id, action="form.made", object=f"form:{form.id}")
            return self._view(form), ()

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[FormPath, Nothing, FormChange]) -> FormView:
        """Change a form."""
        id_, body = asked.path.form_id, asked.body
        changes = {n: v for n in store.CHANGEABLE if (v := getattr(body, n)) is not None}
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.change_form(connection, id_, version=body.version, changes=changes):
                await self._there(connection, id_)
                raise StaleVersionError
            return await self._there(connection, id_)

    async def delete(self, asked: Asked[FormPath, Nothing, Nothing]) -> None:
        """Remove a form."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.delete_form(connection, asked.path.form_id):
                raise NotFoundError
            await write_audit(
                connection, actor=asked.principal.id, action="form.deleted", object=f"form:{asked.path.form_id}"
            )

    async def fill_in(self, asked: Asked[FormKeyPath, Nothing, Filled]) -> Thanks | web.Response:
        """Take what a visitor sent; a program that fell into the trap gets the same answer."""
        now = datetime.now(UTC)
        address = client_address(asked.http, self._parts.settings.http.trusted_proxies)
        await hold_back(self._parts, f"visitor {address_block(address)}", VISITOR_BOUNDS, now)
        form = await store.form_of_key(self._parts.pool, asked.path.form_key)
        if form is None:
            raise NotFoundError
        await hold_back(self._parts, f"form {form.id}", FORM_BOUNDS, now)
        extra = dict(asked.body.__pydantic_extra__ or {})
        if not extra.pop(form.trap, ""):
            ways, touch = self._read(form, asked.body, extra, now)
            async with self._parts.pool.acquire() as connection, connection.transaction():
                _, facts = await take_touch(connection, touch, ways, now)
                await save_facts(connection, facts)
            tell(self._parts, facts)
        return answer(Thanks(accepted=True), status=202, headers=_READABLE)

    def _read(self, form: Form, filled: Filled, extra: dict[str, str], now: datetime) -> tuple[Ways, NewTouch]:
        """The touch in what was filled in; what cannot be understood is kept as it was written."""
        number = self._parts.plan.parse(filled.phone)
        e164 = number.e164 if number.kind is NumberKind.CLIENT else None
        email = _email(filled.email)
        if filled.phone and e164 is None:
            extra[_PHONE] = filled.phone
        if filled.email and email is None:
            extra[_EMAIL] = filled.email
        name = "".join(sign for sign in filled.name if sign.isprintable()).strip()
        ways = Ways(number=e164, email=email, name=name)
        touch = NewTouch(
            kind=form.kind,
            at=now,
            direction="inbound",
            source_kind=form.source_kind,
            source_name=form.source_name,
            text=filled.text,
            made_by=f"form:{form.id}",
            fields={key[:80]: text for key, text in list(extra.items())[:FIELDS_MAX] if key},
        )
        return ways, touch

    async def _there(self, source: Pool | Connection, id: int) -> FormView:
        form = await store.read_form(source, id)
        if form is None:
            raise NotFoundError
        return self._view(form)

    def _view(self, form: Form) -> FormView:
        address = f"{self._parts.settings.public_url}{API_PREFIX}/form/{form.key}"
        values = {name: getattr(form, name) for name in FormView.model_fields if name != "address"}
        return FormView.model_validate({**values, "address": address})


def _email(text: str) -> Address | None:
    try:
        return read_address(AddressKind.EMAIL, text)
    except AddressError:
        return None


def _route(method: Method, path: str, handler: Handler, summary: str, **more: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        right=Right.WEBHOOKS_MANAGE,
        tag="touches",
        idempotent=method == "POST",
        **more,
    )
