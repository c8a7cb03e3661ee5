"""Which cards the reader of an answer, a message or the feed may see (`gateway.store.card_access` has the rule).

Whoever sees every card costs no look; for a manager one query says which of the cards in question he may see.
"""

from collections.abc import Iterable, Mapping

from gateway.api.visibility import sees_cards
from gateway.domain.access import Principal
from gateway.domain.call_view import Names, Sight
from gateway.domain.cards import card_reach
from gateway.store.card_access import hidden_ids, visible_ids
from gateway.store.database import Connection, Pool

_BY_ID = frozenset({"card", "contact"})
_BY_CONTACT = frozenset({"touch", "duplicate"})


async def sight_of(source: Pool | Connection, who: Principal, names: Iterable[Names]) -> Sight:
    """Which of the cards that calls name somebody may see.

    Args:
        source: where to read.
        who: reads them.
        names: that come with the calls.
    """
    if not sees_cards(who):
        return False
    reach = card_reach(who)
    if reach is None:
        return True
    return await visible_ids(source, frozenset[int]().union(*(named.cards for named in names)), reach)


def card_of(kind: str, body: Mapping[str, object]) -> int | None:
    """The card of which an event tells; None: it is no event of a card."""
    word = kind.partition(".")[0]
    card = body.get("id") if word in _BY_ID else body.get("contact_id") if word in _BY_CONTACT else None
    return card if isinstance(card, int) else None


async def unseen_cards(
    source: Pool | Connection, who: Principal, told: Iterable[tuple[str, Mapping[str, object]]]
) -> frozenset[int]:
    """The cards of which somebody must not be told.

    Args:
        source: where to read.
        who: is told.
        told: events by kind and body.
    """
    cards = {card for kind, body in told if (card := card_of(kind, body)) is not None}
    return await hidden_ids(source, cards, card_reach(who))
