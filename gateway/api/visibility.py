"""What a caller may see: the one place where the rules of `gateway.domain.access` meet calls, events and figures.

Everything is hidden that is not shown here. A thing that may not be seen is answered like one that does not exist.
"""

from collections.abc import Collection, Iterable

from gateway.domain.access import Principal, Right, allowed, holds
from gateway.domain.errors import NotAllowed

NOBODY = 0
"""No user has this id: a list narrowed to it is empty."""

_BY_OWNER = {
    "call": Right.CALLS_READ_OWN,
    "command": Right.CALLS_CONTROL_OWN,
    "recording": Right.RECORDINGS_LISTEN_OWN,
    "transcript": Right.RECORDINGS_LISTEN_OWN,
    "outcome": Right.OUTCOMES_WRITE_OWN,
    "missed": Right.TASKS_READ_OWN,
    "task": Right.TASKS_READ_OWN,
    "lead": Right.TASKS_READ_OWN,
    "absence": Right.TASKS_READ_OWN,
    "goal": Right.STATISTICS_READ_OWN,
    "report": Right.STATISTICS_READ_OWN,
    "team": Right.STATISTICS_READ_OWN,
    "scheduled": Right.SCHEDULED_READ_OWN,
    "manager": Right.STATES_READ_OWN,
    "help": Right.STATES_READ_OWN,
}
"""Kinds of events, by the word before their dot, that are seen by those whom they concern."""
_BY_RIGHT = {
    "card": Right.CONTACTS_READ,
    "contact": Right.CONTACTS_READ,
    "organisation": Right.CONTACTS_READ,
    "field": Right.CONTACTS_READ,
    "duplicate": Right.CONTACTS_MERGE,
    "import": Right.CONTACTS_IMPORT,
    "user": Right.USERS_READ,
    "endpoint": Right.USERS_READ,
    "touch": Right.CONTACTS_READ,
    "webhook": Right.WEBHOOKS_MANAGE,
    "pbx": Right.DOCTOR_READ,
    "demo": Right.DEMO_SHOW,
    "dialling": Right.DIALLING_READ,
    "inbound_route": Right.ROUTING_READ,
    "routing_group": Right.ROUTING_READ,
}
_HIS_ALONE = frozenset({"preferences", "profile"})
"""Kinds of events that are nobody's matter but the person's own, whatever rights others have."""
_TELLS_NOBODY_ANYTHING = frozenset({"call.merged"})
"""Events that hold ids only; a screen needs them for the calls it shows."""


def owners(users: Iterable[int | None]) -> frozenset[str]:
    """Users as the rules of access name managers."""
    return frozenset(str(user) for user in users if user is not None)


def own_user(principal: Principal) -> int | None:
    """The user whose things are the caller's own; None: a program without a person."""
    return None if principal.manager is None else int(principal.manager)


def reach(principal: Principal, right: Right) -> int | None:
    """How far a right reaches in a list.

    Args:
        principal: who asks.
        right: over one's own things.

    Returns:
        None: over everybody's; else the user whose things are shown, `NOBODY` for none.
    """
    if allowed(principal, right):
        return None
    own = own_user(principal)
    return own if own is not None and allowed(principal, right, str(own)) else NOBODY


def sees_cards(principal: Principal) -> bool:
    """Whether the caller may see clients' cards, and so their names: the right that `/contacts` asks for."""
    return holds(principal, Right.CONTACTS_READ)


def require_reach(principal: Principal, right: Right, user: int) -> None:
    """Let him go on who holds the right over this user's things.

    Raises:
        NotAllowed: he may see his own only.
    """
    if not allowed(principal, right, str(user)):
        raise NotAllowed("You may see your own figures and goals only; ask an administrator for a wider right.")


def sees_kinds(principal: Principal, kinds: Iterable[str]) -> bool:
    """Whether the caller may see every event of these kinds, whomever it concerns.

    Args:
        principal: who asks.
        kinds: like `call.ended`, `call.*`, or `*` for everything.
    """
    families = {kind.partition(".")[0] for kind in kinds}
    if "*" in families:
        families |= {*_BY_OWNER, *_BY_RIGHT}
    return all(sees_event(principal, f"{family}.any", ()) for family in families)


def sees_event(principal: Principal, kind: str, users: Collection[int]) -> bool:
    """Whether an event may be told to the caller.

    Args:
        principal: who listens.
        kind: of the event, like `call.ended`.
        users: whom it concerns.
    """
    if kind in _TELLS_NOBODY_ANYTHING:
        return holds(principal, Right.CALLS_READ_OWN)
    word = kind.partition(".")[0]
    if kind == "card.opened":
        return principal.manager in owners(users) and sees_cards(principal)
    if word in _HIS_ALONE:
        return principal.manager in owners(users)
    if word in _BY_OWNER:
        return allowed(principal, _BY_OWNER[word], owners(users))
    return allowed(principal, _BY_RIGHT.get(word, Right.EVENTS_READ))
