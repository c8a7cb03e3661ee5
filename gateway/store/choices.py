"""Who it was: the card that a person chooses for a call, where several share the number or the card is wrong."""

from uuid import UUID

from gateway.store.card_numbers import remember, settle_numbers
from gateway.store.database import Connection


async def choose_card(connection: Connection, call: UUID, contact: int | None) -> bool:
    """Say whose call it was; what is folded later does not change it again.

    Args:
        connection: within a transaction.
        call: which call.
        contact: the card; None: take back what was chosen, so the number decides.

    Returns:
        False: there is no such call.
    """
    found = await connection.fetchval(
        "update call set contact_chosen = $2, contact_id = coalesce($2, (select n.contact_id from contact_number n"
        "  where n.number = client_number and client_kind = 'client')), updated_at = now() where id = $1"
        " returning true",
        call,
        contact,
    )
    return bool(found)


async def remember_choice(connection: Connection, number: str, contact: int) -> None:
    """From now on a caller with this number gets this card; where the card lacks the number, it gets it too.

    Args:
        connection: within a transaction.
        number: E.164.
        contact: the card.
    """
    await connection.execute(
        "insert into contact_number (number, contact_id) values ($1, $2) on conflict do nothing", number, contact
    )
    await connection.execute("select from contact_number where number = $1 for update", number)
    await connection.execute(
        "insert into contact_phone (contact_id, number) values ($2, $1) on conflict do nothing", number, contact
    )
    await settle_numbers(connection, [number])
    await remember(connection, number, contact)
