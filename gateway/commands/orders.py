"""What is ordered and what comes of it: the values that pass between callers of this package and its parts."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class OrderSource(StrEnum):
    """By which way an order came in."""

    CLICK = "click"
    LIVE = "live"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """A call to be made: the manager's phone first, then the client."""

    id: str
    """The command's own id, from `gateway.domain.identity.command_id`; it also names the first leg."""
    user_id: int
    """Whose phone rings."""
    number: str
    """The client's, E.164."""
    pbx: str | None = None
    """None: the one PBX on which he has an extension."""
    source: OrderSource = OrderSource.CLICK
    anyway: bool = False
    """Also where a colleague has this client for himself; never where the same manager rings or talks with him."""
    actor: str = ""
    """Who ordered it, like `user:17`, `key:3f2a` or `schedule:9`; empty: the manager himself."""
    ordered_by: int | None = None
    """The person behind it; None: a program of nobody, or the gateway itself."""
    key_id: str | None = None
    """The API key by which it was ordered, whose limits count as well; None: none was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """What came of the wish to call somebody."""

    state: str
    """`sent`: it goes out, and live facts `command.*` and the command's row tell the rest; `refused`: nothing was
    written and nothing rings."""
    reason: str
    """Plain word for programs, such as `in_flight`, `client_busy_with_us` or a dial permission's; empty when sent."""
    detail: str
    """A sentence for people: what happened, who is concerned, what to do."""
    call_id: UUID | None
    """The call it makes, whose address answers from the first ring on; None: refused."""
    contact_id: int | None
    """The client's card, made if he had none; None: refused, or several persons share the number."""
