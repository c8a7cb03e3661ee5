"""What a caller may write into a card, checked: numbers, addresses, people, zones and the site's own fields."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from gateway.api.fields import Day, Incoming, LongText, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError
from gateway.domain.access import Principal
from gateway.domain.card_fields import FieldOf, FieldValueError, changed_values, read_text
from gateway.domain.cards import Address, AddressError, AddressKind, Heat, Stage, card_reach, is_zone, read_address
from gateway.domain.phone import NumberKind
from gateway.store import custom_fields, organisations, people
from gateway.store.card_numbers import Phone
from gateway.store.database import Connection, Pool

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
"""No line ends or other controls, and nothing that turns the direction of what stands behind it."""
Line = Annotated[str, Field(max_length=200, pattern=ONE_LINE)]
ShortLine = Annotated[str, Field(max_length=60, pattern=ONE_LINE)]
NumberText = Annotated[str, Field(min_length=1, max_length=64)]
PHONES_MAX = 20
ADDRESSES_MAX = 30
Plain = Annotated[str, Field(max_length=2000)] | bool | int | float | None
FieldValues = Annotated[
    dict[Annotated[str, Field(max_length=40)], Plain],
    Field(max_length=100, description="the site's own fields by key; null takes a value away"),
]
Priority = Annotated[int, Field(ge=0, le=5)]


class PhoneInput(Incoming):
    """A number to be written into a card."""

    number: NumberText = Field(description="in any way of writing")
    kind: ShortLine = "phone"
    label: ShortLine = ""
    shared: bool = Field(default=False, description="true: other cards may have this number too")


class AddressInput(Incoming):
    """An address to be written into a card."""

    kind: AddressKind
    value: Annotated[str, Field(min_length=1, max_length=500, pattern=ONE_LINE)]
    label: ShortLine = ""


Phones = Annotated[tuple[PhoneInput, ...], Field(max_length=PHONES_MAX)]
Addresses = Annotated[tuple[AddressInput, ...], Field(max_length=ADDRESSES_MAX)]


class NewContact(Incoming):
    """A card to be made."""

    name: Line
    note: LongText = ""
    owner: RowId | None = Field(default=None, description="whose client")
    organisation: RowId | None = None
    job_title: Line = ""
    city: Line = ""
    line_of_business: Line = ""
    priority: Priority = 0
    heat: Heat | None = None
    stage: Stage = Stage.UNSORTED
    source_kind: ShortLine | None = None
    source_name: Line | None = None
    timezone: ShortLine | None = Field(default=None, description="like Europe/Warsaw")
    birthday: Day | None = None
    fields: FieldValues = Field(default_factory=dict)
    numbers: Annotated[tuple[NumberText, ...], Field(max_length=PHONES_MAX)] = Field(
        default=(), description="numbers without kinds and labels"
    )
    phones: Phones = ()
    addresses: Addresses = ()


class ContactChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        description="of the card as it was read; another one is a conflict"
    )
    name: Line | None = None
    note: LongText | None = None
    owner: RowId | None = Field(default=None, description="null: nobody's client any more")
    organisation: RowId | None = None
    job_title: Line | None = None
    city: Line | None = None
    line_of_business: Line | None = None
    priority: Priority | None = None
    heat: Heat | None = None
    stage: Stage | None = None
    source_kind: ShortLine | None = None
    source_name: Line | None = None
    timezone: ShortLine | None = None
    birthday: Day | None = None
    fields: FieldValues | None = None
    phones: Phones | None = Field(default=None, description="all numbers that the card shall have")
    addresses: Addresses | None = Field(default=None, description="all addresses that the card shall have")


def plain_changes(change: ContactChange) -> dict[str, object]:
    """Columns that a change writes as they are: null where a card may have nothing, else left out."""
    given = change.model_fields_set
    changes: dict[str, object] = {}
    for name in ("name", "note", "job_title", "city", "line_of_business", "priority", "stage"):
        if (value := getattr(change, name)) is not None:
            changes[name] = value.strip() if isinstance(value, str) and name != "note" else value
    for name in ("heat", "source_kind", "source_name", "timezone", "birthday"):
        if name in given:
            changes[name] = getattr(change, name) or None
    if "organisation" in given:
        changes["organisation_id"] = change.organisation
    return changes


class CardInput:
    """Checks what is to be written against what is there."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def phones(self, phones: Sequence[PhoneInput], numbers: Sequence[str] = ()) -> list[Phone]:
        """Numbers in E.164, each once.

        Raises:
            InvalidRequestError: one is no client's number.
        """
        found: dict[str, Phone] = {}
        for place, given in enumerate(phones):
            number = self._e164(f"#/phones/{place}/number", given.number)
            kind = given.kind.strip() or "phone"
            found.setdefault(number, Phone(number=number, kind=kind, label=given.label.strip(), shared=given.shared))
        for place, text in enumerate(numbers):
            number = self._e164(f"#/numbers/{place}", text)
            found.setdefault(number, Phone(number=number))
        return list(found.values())

    def _e164(self, pointer: str, text: str) -> str:
        number = self._parts.plan.parse(text)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            detail = "This is no client's number; write it with its code, like +7 916 123-45-67."
            raise InvalidRequestError([_fault(pointer, str(number.kind), detail)])
        return number.e164

    def addresses(self, addresses: Sequence[AddressInput]) -> list[Address]:
        """Addresses as they are compared, each once.

        Raises:
            InvalidRequestError: one is none of its kind.
        """
        found: dict[tuple[str, str], Address] = {}
        for place, given in enumerate(addresses):
            try:
                address = read_address(given.kind, given.value, given.label)
            except AddressError as fault:
                raise InvalidRequestError([_fault(f"#/addresses/{place}/value", "address", str(fault))]) from None
            found.setdefault((address.kind, address.folded), address)
        return list(found.values())

    async def links(self, who: Principal, *, owner: int | None, organisation: int | None, zone: str | None) -> None:
        """Check what a card points at.

        Raises:
            InvalidRequestError: there is no such user, organisation or zone.
        """
        faults = []
        if owner is not None and await people.read_user(self._parts.pool, owner) is None:
            faults.append(_fault("#/owner", "value", "Nobody has this id."))
        if organisation is not None:
            found = await organisations.read_organisation(self._parts.pool, organisation, reach=card_reach(who))
            if found is None:
                faults.append(_fault("#/organisation", "value", "There is no organisation with this id."))
        if zone is not None and not is_zone(zone):
            detail = "This time zone is not known; write a name of the IANA list, like Europe/Warsaw."
            faults.append(_fault("#/timezone", "value", detail))
        if faults:
            raise InvalidRequestError(faults)

    async def fields(
        self, source: Pool | Connection, of: FieldOf, present: Mapping[str, object] | None, given: Mapping[str, object]
    ) -> dict[str, object]:
        """The values of the site's own fields after a change; `present` None: of a card that is being made.

        Raises:
            InvalidRequestError: a value is not allowed, or a required one is missing.
        """
        values, faults = changed_values(
            await custom_fields.list_fields(source, of), present or {}, given, is_new=present is None
        )
        if faults:
            raise InvalidRequestError(_fault(f"#/fields/{f.key}", "value", str(f)) for f in faults)
        return values

    async def wanted_fields(self, of: FieldOf, texts: Iterable[str]) -> dict[str, object]:
        """Values that a list asks for, each written `key:value`.

        Raises:
            InvalidRequestError: there is no such field, or it cannot hold the value.
        """
        found: dict[str, object] = {}
        if not texts:
            return found
        known = {field.key: field for field in await custom_fields.list_fields(self._parts.pool, of)}
        for text in texts:
            key, _, value = text.partition(":")
            try:
                if key not in known:
                    raise FieldValueError(key, _no_field(known))
                found[key] = read_text(known[key], value)
            except FieldValueError as fault:
                raise InvalidRequestError(
                    [FieldFault(place="query", pointer="#/field", code="value", detail=str(fault))]
                ) from None
        return {key: value for key, value in found.items() if value is not None}


def _fault(pointer: str, code: str, detail: str) -> FieldFault:
    return FieldFault(place="body", pointer=pointer, code=code, detail=detail)


def _no_field(known: Iterable[str]) -> str:
    if there := ", ".join(known):
        return f"Write key:value; there is no field of this key; there are: {there}."
    return "There are no fields of your own to ask by."
