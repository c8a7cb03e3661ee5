"""Cards as a file: what the list shows under the same filters, in columns that an import understands again.

Each export leaves two rows in the audit, one before the first byte and one with the number of cards that went out: the
base of clients is what a leaving manager takes along. Nothing in the file is a formula (`spreadsheets.writing`).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from aiohttp import web

from gateway.api.contacts import CardQuery, wanted_cards
from gateway.api.fields import Nothing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.api.table_files import MEDIA, send_table
from gateway.domain.access import Right
from gateway.domain.card_fields import CustomField, FieldOf
from gateway.domain.import_files import Value
from gateway.store.access import write_audit
from gateway.store.card_lists import Order, Place, list_contacts
from gateway.store.contacts import Contact
from gateway.store.custom_fields import list_fields

_PAGE = 500
HEADS = (
    "Card", "Name", "Phone", "E-mail", "Company", "Job title", "City", "Line of business", "Owner", "Priority", "Heat",
    "Stage", "Source", "Birthday", "Time zone", "Note", "Address", "Site", "Messenger", "Made", "Last touch",
)  # fmt: skip


class ExportQuery(CardQuery):
    """Which cards, and in which kind of file."""

    format: Literal["csv", "xlsx"] = "csv"


class Exports:
    """The handlers of `/exports`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/exports/contacts",
                handler=self.contacts,
                summary="Cards as a file, filtered like the list; written into the audit",
                right=Right.CONTACTS_EXPORT,
                tag="imports",
                media=MEDIA,
            ),
        )

    async def contacts(self, asked: Asked[Nothing, ExportQuery, Nothing]) -> web.StreamResponse:
        """Cards as a file."""
        query, who = asked.query, asked.principal
        wanted = await wanted_cards(self._parts, who, query)
        fields = await list_fields(self._parts.pool, FieldOf.CONTACT)
        filters = sorted(query.model_dump(exclude_defaults=True, exclude={"format"}))
        await self._audit(who.id, "contacts.export_started", {"format": query.format, "filters": filters})

        async def pages() -> AsyncIterator[Sequence[Sequence[Value]]]:
            yield [(*HEADS, *(field.label for field in fields))]
            sent, after = 0, None
            while cards := await list_contacts(self._parts.pool, wanted, order=Order.NEWEST, after=after, limit=_PAGE):
                yield [_row(card, fields) for card in cards]
                sent, after = sent + len(cards), Place(at=cards[-1].last_touch_at, id=cards[-1].id)
            await self._audit(who.id, "contacts.exported", {"format": query.format, "cards": sent})

        return await send_table(self._parts, asked.http, pages(), name="contacts", format=query.format)

    async def _audit(self, who: str, action: str, detail: dict[str, object]) -> None:
        await write_audit(self._parts.pool, actor=who, action=action, object="contacts", detail=detail)


def _row(card: Contact, fields: Sequence[CustomField]) -> list[Value]:
    return [
        card.id,
        card.name,
        "; ".join(f"{phone.number} {phone.label}".strip() for phone in card.phones),
        _addresses(card, "email"),
        card.organisation_name,
        card.job_title,
        card.city,
        card.line_of_business,
        card.owner_name,
        card.priority or None,
        card.heat,
        card.stage,
        card.source_name,
        card.birthday,
        card.timezone,
        card.note,
        _addresses(card, "postal"),
        _addresses(card, "site"),
        _addresses(card, "messenger"),
        card.created_at,
        card.last_touch_at,
        *(_value(card.fields.get(field.key)) for field in fields),
    ]


def _addresses(card: Contact, kind: str) -> str:
    return "; ".join(address.value for _, address in card.addresses if address.kind == kind)


def _value(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) else None
