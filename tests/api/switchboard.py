"""A PBX that answers orders as it was told and writes down what it was asked, an `Engine` of `gateway.domain.ports`.

What a real engine refuses by itself (tests/contract holds the real one to it) it refuses with the same words: legs that
are gone, a resume of what is not held, a consultation that was not begun, digits that are none.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.domain.errors import Rejected
from gateway.domain.ports import Ability, OrderOutcome, OrderState, SeenEndpoint, SpyMode


class BadOrder(Rejected, ValueError):
    """A field holds what no PBX may be sent; nothing was."""


@dataclass(slots=True)
class Switchboard:
    """One PBX."""

    pbx: str = "pbx1"
    orders: list[dict[str, str]] = field(default_factory=list)
    """Click-to-calls."""
    shown: list[str] = field(default_factory=list)
    """What the client saw, click by click."""
    told: list[tuple[str, ...]] = field(default_factory=list)
    """Every other order: its name and what it named, without the order's id."""
    hung_up: list[str] = field(default_factory=list)
    outcome: OrderOutcome | None = None
    """The answer to the next orders; None: it rings until `answered` is set."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    known: list[SeenEndpoint] = field(default_factory=list)
    away: bool = False
    gone_legs: set[str] = field(default_factory=set)
    lacking: dict[Ability, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    consulting: set[str] = field(default_factory=set)

    async def originate(
        self,
        *,
        order_id: str,
        endpoint: str,
        extension: str,
        number: str,
        caller_id: str,
        client_caller_id: str = "",
        ring_seconds: float | None = None,
    ) -> OrderOutcome:
        """Write the order down and answer it."""
        if not 1 <= len(order_id) <= 30 or not number.isdigit():
            raise BadOrder
        self.orders.append({"id": order_id, "endpoint": endpoint, "extension": extension, "number": number})
        self.shown.append(client_caller_id)
        return await self._answer()

    async def hang_up(self, leg: str) -> OrderOutcome:
        """Write the leg down."""
        self.hung_up.append(leg)
        return refused("leg_gone") if leg in self.gone_legs else accepted()

    async def endpoints(self) -> list[SeenEndpoint]:
        """Those it was given."""
        if self.away:
            raise ConnectionResetError
        return self.known

    def lacks(self, ability: Ability) -> str | None:
        """What it was told that it lacks."""
        return self.lacking.get(ability)

    async def hold(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Hold a client."""
        return await self._done("hold", client, manager, holds=client)

    async def resume(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Resume one who is held."""
        if client not in self.held:
            return refused("not_possible")
        self.held.discard(client)
        return await self._done("resume", client, manager)

    async def send_digits(self, *, order_id: str, leg: str, digits: str) -> OrderOutcome:
        """Write the digits down."""
        if not 1 <= len(digits) <= 32 or set(digits) - set("0123456789ABCD*#"):
            raise BadOrder
        return await self._done("digits", leg, digits)

    async def transfer(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Transfer at once."""
        return await self._done("transfer", client, manager, target)

    async def consult(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Begin a consultation."""
        self.consulting.add(client)
        return await self._done("consult", client, manager, target)

    async def complete_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End one that was begun."""
        return await self._consulted("complete", client, manager)

    async def abandon_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End one that was begun."""
        return await self._consulted("abandon", client, manager)

    async def pause_recording(self, *, order_id: str, leg: str, paused: bool) -> OrderOutcome:
        """Write it down."""
        return await self._done("pause" if paused else "sound", leg)

    async def spy(self, *, order_id: str, endpoint: str, extension: str, leg: str, mode: SpyMode) -> OrderOutcome:
        """Ring a supervisor."""
        return await self._done(str(mode), endpoint, leg)

    async def pause_in_queues(self, *, endpoint: str, extension: str, paused: bool, reason: str) -> OrderOutcome:
        """Write it down."""
        return await self._done("queue", endpoint, str(paused))

    def refuse(self, reason: str, detail: str = "") -> None:
        """Refuse the next orders."""
        self.outcome = refused(reason, detail)

    def accept(self) -> None:
        """Take the next orders."""
        self.outcome = accepted()

    def lose(self) -> None:
        """Lose the answers to the next orders."""
        self.outcome = OrderOutcome(state=OrderState.UNKNOWN, reason="connection_lost", at=datetime.now(UTC))

    async def _consulted(self, what: str, client: str, manager: str) -> OrderOutcome:
        if client not in self.consulting:
            return refused("not_possible")
        self.consulting.discard(client)
        return await self._done(what, client, manager)

    async def _done(self, *told: str, holds: str = "") -> OrderOutcome:
        if self.gone_legs & set(told):
            return refused("leg_gone")
        self.told.append(told)
        if holds:
            self.held.add(holds)
        return await self._answer()

    async def _answer(self) -> OrderOutcome:
        if self.outcome is None:
            await self.answered.wait()
        return self.outcome or accepted()


def accepted() -> OrderOutcome:
    """It was taken."""
    return OrderOutcome(state=OrderState.ACCEPTED, reason="", at=datetime.now(UTC))


def refused(reason: str, detail: str = "") -> OrderOutcome:
    """It was refused."""
    return OrderOutcome(state=OrderState.REFUSED, reason=reason, at=datetime.now(UTC), detail=detail)
