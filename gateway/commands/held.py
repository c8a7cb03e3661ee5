"""May a client be dialled while somebody of us has him? The one rule, pure.

A manager never rings a client whom he rings already, or with whom he talks: that is a double click, whatever he says.
What a colleague does with the client, he may set aside (`anyway`).
"""

from collections.abc import Sequence

from gateway.commands.errors import ClientHeld
from gateway.store.clients_held import HeldClient, Holding

_OWN = {
    Holding.ORDERED: (
        "in_flight",
        "You are calling this client already (command {command}); wait for its end or cancel it.",
    ),
    Holding.TALKING: ("in_call", "You are in a call with this client, or he rings your phone; take that call."),
}
_OTHERS = {
    Holding.ORDERED: (
        "colleague_calls",
        "{name} is calling this client at this moment; send `anyway` to call all the same.",
    ),
    Holding.TALKING: (
        "colleague_talks",
        "{name} is in a call with this client at this moment; send `anyway` to call all the same.",
    ),
    Holding.CALLING: (
        "client_calls",
        "This client is calling us at this moment; take the call, or send `anyway` to call all the same.",
    ),
    Holding.CLAIMED: (
        "colleague_claimed",
        "{name} took this client for calling back; send `anyway` to call all the same.",
    ),
}


def refusal_of(holders: Sequence[HeldClient], user_id: int, *, anyway: bool) -> ClientHeld | None:
    """Why this manager may not call the client now; None: he may.

    Args:
        holders: everybody who has the client.
        user_id: of the manager.
        anyway: whether he sets aside what colleagues do.
    """
    for held in holders:
        if held.user_id == user_id and held.how in _OWN:
            reason, words = _OWN[held.how]
            return ClientHeld(reason, words.format(command=held.command))
    for held in holders:
        if not anyway and held.user_id != user_id:
            reason, words = _OTHERS[held.how]
            return ClientHeld(reason, words.format(name=held.name or "Somebody"))
    return None
