"""Cards: found by number, made for a number that has none."""

from collections.abc import Mapping

from gateway.store.database import Connection


async def cards_for(connection: Connection, numbers: Mapping[str, str]) -> dict[str, tuple[int, bool]]:
    """The card of each number, made where there is none.

    Args:
        connection: within a transaction; two that want the same new number wait for each other.
        numbers: E.164 to the name the line sent, for a new card.

    Returns:
        Card and whether it was made now, by number.
    """
    if not numbers:
        return {}
    rows = await connection.fetch(
        "select number, contact_id, made from cards_for($1::text[], $2::text[])", list(numbers), list(numbers.values())
    )
    return {r["number"]: (r["contact_id"], r["made"]) for r in rows}
