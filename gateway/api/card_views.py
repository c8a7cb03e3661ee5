"""Cards as the API shows them: one shape for lists, searches, duplicates and single cards."""

from collections.abc import Mapping
from datetime import date, datetime

from pydantic import Field

from gateway.api.calls import CallView
from gateway.api.fields import Outgoing
from gateway.api.pages import Page
from gateway.domain.cards import proposed_zone
from gateway.store.contacts import Contact

Plain = str | int | float | bool


class PhoneView(Outgoing):
    """A number of a card."""

    number: str = Field(description="E.164")
    kind: str
    label: str
    shared: bool = Field(description="several cards have it; a caller with it has no card until one is chosen")


class AddressView(Outgoing):
    """An address of a card."""

    id: int
    kind: str
    label: str
    value: str


class ContactView(Outgoing):
    """A card."""

    id: int
    name: str
    note: str
    owner: int | None
    owner_name: str | None
    organisation: int | None
    organisation_name: str | None
    job_title: str
    city: str
    line_of_business: str
    priority: int
    heat: str | None
    stage: str
    source_kind: str | None
    source_name: str | None
    timezone: str | None
    timezone_proposed: str | None = Field(
        description="what the numbers say, where the card says nothing; null: nothing certain"
    )
    birthday: date | None
    fields: dict[str, Plain | None] = Field(description="the site's own fields by key")
    made_by: str
    created_at: datetime
    updated_at: datetime
    last_touch_at: datetime = Field(description="the last call, letter, visit or note; else when the card was made")
    version: int
    numbers: tuple[str, ...] = Field(description="E.164")
    phones: tuple[PhoneView, ...]
    addresses: tuple[AddressView, ...]


class ContactWithCalls(ContactView):
    """A card with its history."""

    external: dict[str, str] = Field(description="its ids in other systems")
    calls: Page[CallView] = Field(
        description="the last calls that the caller may see; `next` goes on at /calls?contact=...&kind=all"
    )


def card_values(contact: Contact) -> dict[str, object]:
    """A card's values by the names of the view."""
    return {
        "id": contact.id,
        "name": contact.name,
        "note": contact.note,
        "owner": contact.owner_id,
        "owner_name": contact.owner_name,
        "organisation": contact.organisation_id,
        "organisation_name": contact.organisation_name,
        "job_title": contact.job_title,
        "city": contact.city,
        "line_of_business": contact.line_of_business,
        "priority": contact.priority,
        "heat": contact.heat,
        "stage": contact.stage,
        "source_kind": contact.source_kind,
        "source_name": contact.source_name,
        "timezone": contact.timezone,
        "timezone_proposed": None if contact.timezone else proposed_zone(contact.numbers),
        "birthday": contact.birthday,
        "fields": plain_fields(contact.fields),
        "made_by": contact.made_by,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "last_touch_at": contact.last_touch_at,
        "version": contact.version,
        "numbers": contact.numbers,
        "phones": tuple(
            PhoneView(number=p.number, kind=p.kind, label=p.label, shared=p.shared) for p in contact.phones
        ),
        "addresses": tuple(
            AddressView(id=id, kind=a.kind, label=a.label, value=a.value) for id, a in contact.addresses
        ),
    }


def plain_fields(values: Mapping[str, object]) -> dict[str, Plain | None]:
    """Values of the site's own fields, as JSON shows them."""
    return {key: value if isinstance(value, Plain) else None for key, value in values.items()}


def contact_view(contact: Contact) -> ContactView:
    """A card as the API shows it."""
    return ContactView.model_validate(card_values(contact))
