"""Fields of the site's own, defined by its administrator, and the rule of who sees which card."""

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.card_input import ONE_LINE
from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    FieldFault,
    InvalidRequestError,
    NotFoundError,
    StaleVersionError,
)
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.card_fields import CHOICES_MAX, FIELDS_MAX, KEY, CustomField, FieldKind, FieldOf
from gateway.domain.cards import CardRule
from gateway.store import custom_fields as store
from gateway.store.access import write_audit
from gateway.store.card_access import change_rule, read_rule
from gateway.store.custom_fields import NewField
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts

Label = Annotated[str, Field(min_length=1, max_length=120, pattern=ONE_LINE)]
Choices = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)], ...], Field(max_length=CHOICES_MAX)
]
Place = Annotated[int, Field(ge=0, le=10_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class FieldPath(Incoming):
    """Which field."""

    field_id: RowId


class FieldsQuery(Incoming):
    """Which fields."""

    of: FieldOf = FieldOf.CONTACT
    archived: bool = Field(default=False, description="true: those that are no longer used too")


class NewFieldBody(Incoming):
    """A field to be defined."""

    of: FieldOf = FieldOf.CONTACT
    key: Annotated[str, Field(pattern=KEY)] = Field(description="its name for programs; it never changes")
    label: Label
    kind: FieldKind
    choices: Choices = Field(default=(), description="of a choice: what can be chosen")
    required: bool = Field(default=False, description="a card made by hand must have it; a caller's card need not")
    searchable: bool = False
    place: Place = 0


class FieldChange(Incoming):
    """What is to be changed; key and kind never are."""

    version: Version
    label: Label | None = None
    choices: Choices | None = None
    required: bool | None = None
    searchable: bool | None = None
    place: Place | None = None
    archived: bool | None = Field(default=None, description="true: no longer used; the values stay and come back")


class FieldView(Outgoing):
    """A field of the site's own."""

    id: int
    of: str
    key: str
    label: str
    kind: str
    choices: tuple[str, ...]
    required: bool
    searchable: bool
    place: int
    archived: bool
    version: int


class FieldList(Outgoing):
    """The fields of one kind of card, in their order."""

    items: tuple[FieldView, ...]


class CardRuleView(Outgoing):
    """Who sees which card."""

    sees: CardRule = Field(
        description="all: a manager sees every card; own: his own, nobody's, and those of clients he has talked with"
    )
    version: int


class CardRuleChange(Incoming):
    """Another rule."""

    version: Version
    sees: CardRule


class KeyTakenError(ConflictError):
    """There is a field with this key, perhaps an archived one; bring that one back, or choose another key."""


class TooManyFieldsError(ConflictError):
    """There are as many fields as there can be; archived ones count."""


class ChoiceUsedError(ConflictError):
    """Some cards have a choice that would be gone; change them first, or keep it."""


class CustomFields:
    """The handlers of `/fields` and of the rule of cards."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/fields",
                handler=self.listing,
                summary="The site's own fields",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="POST",
                path="/fields",
                handler=self.make,
                summary="Define a field",
                right=Right.FIELDS_MANAGE,
                tag="contacts",
                status=201,
                idempotent=True,
                errors=(KeyTakenError, TooManyFieldsError),
            ),
            Route(
                method="PATCH",
                path="/fields/{field_id}",
                handler=self.change,
                summary="Change or archive a field",
                right=Right.FIELDS_MANAGE,
                tag="contacts",
                errors=(StaleVersionError, ChoiceUsedError),
            ),
            Route(
                method="GET",
                path="/card-rule",
                handler=self.rule,
                summary="Who sees which card",
                right=Right.CONTACTS_READ,
                tag="contacts",
            ),
            Route(
                method="PATCH",
                path="/card-rule",
                handler=self.set_rule,
                summary="Set who sees which card",
                right=Right.FIELDS_MANAGE,
                tag="contacts",
                errors=(StaleVersionError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, FieldsQuery, Nothing]) -> FieldList:
        """All fields of one kind of card."""
        query = asked.query
        found = await store.list_fields(self._parts.pool, query.of, archived=query.archived)
        return FieldList(items=tuple(_view(f) for f in found))

    async def make(self, asked: Asked[Nothing, Nothing, NewFieldBody]) -> FieldView | web.Response:
        """Define a field."""
        body, who = asked.body, asked.principal
        choices = tuple(dict.fromkeys(c.strip() for c in body.choices if c.strip()))
        _check_choices(body.kind, choices)

        async def write(connection: Connection) -> tuple[FieldView, list[NewFact]]:
            if len(await store.list_fields(connection, body.of, archived=True)) >= FIELDS_MAX:
                raise TooManyFieldsError
            new = NewField(
                of=body.of,
                key=body.key,
                label=body.label.strip() or body.key,
                kind=body.kind,
                choices=choices,
                required=body.required,
                searchable=body.searchable,
                place=body.place,
            )
            made = await store.make_field(connection, new)
            if made is None:
                raise KeyTakenError
            await write_audit(connection, actor=who.id, action="field.created", object=f"field:{made}")
            return _view(await _there(connection, made)), [_fact("field.created", made, body.key)]

        return await do_once(self._parts, asked, write)

    async def change(self, asked: Asked[FieldPath, Nothing, FieldChange]) -> FieldView:
        """Change a field."""
        body, who = asked.body, asked.principal
        async with self._parts.pool.acquire() as connection, connection.transaction():
            before = await _there(connection, asked.path.field_id)
            choices = before.choices
            if body.choices is not None:
                choices = tuple(dict.fromkeys(c.strip() for c in body.choices if c.strip()))
                _check_choices(before.kind, choices)
                gone = [c for c in before.choices if c not in choices]
                if used := await store.used_choices(connection, before, gone):
                    raise ChoiceUsedError(f"Some cards have a choice that would be gone: {', '.join(used[:5])}.")
            after = CustomField(
                id=before.id,
                of=before.of,
                key=before.key,
                kind=before.kind,
                label=body.label.strip() or before.key if body.label is not None else before.label,
                choices=choices,
                required=before.required if body.required is None else body.required,
                searchable=before.searchable if body.searchable is None else body.searchable,
                place=before.place if body.place is None else body.place,
                version=body.version,
            )
            archived = before.archived if body.archived is None else body.archived
            if not await store.change_field(connection, after, now_archived=archived):
                raise StaleVersionError
            await write_audit(connection, actor=who.id, action="field.changed", object=f"field:{before.id}")
            fact = _fact("field.changed", before.id, before.key)
            await save_facts(connection, [fact])
            changed = await _there(connection, before.id)
        tell(self._parts, [fact])
        return _view(changed)

    async def rule(self, asked: Asked[Nothing, Nothing, Nothing]) -> CardRuleView:
        """The rule as it is."""
        sees, version = await read_rule(self._parts.pool)
        return CardRuleView(sees=sees, version=version)

    async def set_rule(self, asked: Asked[Nothing, Nothing, CardRuleChange]) -> CardRuleView:
        """Set the rule."""
        body = asked.body
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await change_rule(connection, body.sees, body.version):
                raise StaleVersionError
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="card_rule.changed",
                object="card_rule",
                detail={"sees": body.sees, "at": datetime.now(UTC).isoformat()},
            )
        return CardRuleView(sees=body.sees, version=body.version + 1)


def _fact(kind: str, id: int, key: str) -> NewFact:
    return NewFact(kind=kind, body={"id": id, "key": key})


def _check_choices(kind: FieldKind, choices: tuple[str, ...]) -> None:
    detail = None
    if kind is FieldKind.CHOICE and not choices:
        detail = "A choice needs something to choose from."
    if kind is not FieldKind.CHOICE and choices:
        detail = "Only a field of the kind choice has choices."
    if detail:
        raise InvalidRequestError([FieldFault(place="body", pointer="#/choices", code="value", detail=detail)])


async def _there(connection: Connection, id: int) -> CustomField:
    found = await store.read_field(connection, id)
    if found is None:
        raise NotFoundError
    return found


def _view(field: CustomField) -> FieldView:
    return FieldView(
        id=field.id,
        of=field.of,
        key=field.key,
        label=field.label,
        kind=field.kind,
        choices=field.choices,
        required=field.required,
        searchable=field.searchable,
        place=field.place,
        archived=field.archived,
        version=field.version,
    )
