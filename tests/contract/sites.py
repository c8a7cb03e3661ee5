"""A site for the contract of engines: an engine, phones around it, and the calls as the fold makes them.

The tests of this folder know nothing but this. `open_asterisk_site` gives the real Asterisk of the lab; the embedded
engine will be the second of `SITES`, with the same office: Anna at 101, Boris at 102, the supervisor at 100, a trunk
behind which the client's phone rings, a number that rings Anna and is recorded.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Protocol

from gateway.domain.call import Call, CallKind, Command
from gateway.domain.phone import NumberKind, PhoneNumber
from gateway.domain.ports import Engine, OrderOutcome
from lab.phone_calls import PhoneCall
from lab.phones import Phone

CLIENT = "79161234567"
PATIENCE = 60.0

_orders = count(1)


def new_id() -> str:
    """The id of an order that was never used."""
    return f"tl-contract-{next(_orders)}"


class Behind(Protocol):
    """What a test of the contract must be able to see or break, and no engine's port shows."""

    def calls(self) -> Sequence[Call]:
        """The calls since the test began, folded from the journal as it stands."""

    def leg_of(self, who: str) -> str:
        """Id of the only open leg of an extension, or of `trunk`."""

    def open_legs(self) -> int:
        """How many legs the journal has open."""

    def recording(self, leg: str) -> tuple[Path, Path]:
        """The closed recording of a client's leg: what he said, and what he heard."""

    def queue_pauses(self) -> dict[str, str] | None:
        """Reason by paused extension, as the PBX's queue has them; None: it has no queues."""

    def freeze(self) -> None:
        """Let the PBX answer nothing."""

    def thaw(self) -> None:
        """Let it go on."""

    def without_line(self) -> AbstractContextManager[None]:
        """While it lasts, no line to the provider can be had."""

    def without(self, right: str) -> AbstractAsyncContextManager[Engine | None]:
        """The same PBX by an account that lacks one right; None: it knows no rights."""

    def offline(self) -> AbstractAsyncContextManager[Engine]:
        """The same engine without a connection to its PBX."""

    def ordered(self, command: Command) -> None:
        """Let the fold know a click-to-call, as the gateway's database does."""

    def begin(self) -> None:
        """Forget what was before this test."""


@dataclass(kw_only=True)
class ContractSite:
    """An engine, phones, and what came of it."""

    engine: Engine
    behind: Behind
    anna: Phone
    boris: Phone
    chief: Phone
    client: Phone
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Orders whose first phone was not taken, with the reason."""

    async def inbound(self, *, play: Path | None = None) -> tuple[PhoneCall, PhoneCall]:
        """A client who talks with Anna, recorded: his phone's call and hers."""
        await self.anna.script(answer_after=0.1)
        calling = await self.client.dial("4950005", caller=CLIENT, play=play)
        await calling.connected()
        taken = await self.anna.next_call()
        await taken.connected()
        await self.talk()
        return calling, taken

    async def outbound(self, **more: object) -> tuple[str, PhoneCall, PhoneCall]:
        """A click-to-call of Anna's that the client takes: the order's id, his phone's call and hers."""
        await self.anna.script(answer_after=0.1)
        await self.client.script(answer_after=0.1)
        order = new_id()
        outcome = await self.order(order, **more)
        assert outcome.accepted, outcome
        taken, called = await self.anna.next_call(), await self.client.next_call()
        await called.connected()
        await self.talk()
        return order, called, taken

    async def order(self, order: str, **more: object) -> OrderOutcome:
        """A click-to-call for Anna."""
        number = str(more.get("number", CLIENT))
        client = PhoneNumber(raw=number, kind=NumberKind.CLIENT, e164=f"+{number}")
        self.behind.ordered(Command(id=order, extension="101", client=client, ordered_at=datetime.now(UTC)))
        asked = {"endpoint": "101", "extension": "101", "number": CLIENT, "caller_id": f"Ivan <{CLIENT}>"} | more
        return await self.engine.originate(order_id=order, **asked)  # type: ignore[arg-type]  # by name, as given

    def pair(self) -> dict[str, str]:
        """Client's and Anna's legs, as orders name them."""
        return {"client": self.behind.leg_of("trunk"), "manager": self.behind.leg_of("101")}

    async def talk(self) -> None:
        """Wait until client and manager stand together; their phones may know it a moment before."""
        await self.until(lambda: any(call.answered_at for call in self.behind.calls()))

    async def stand(self, *who: str) -> None:
        """Wait until the journal has a leg of each."""

        def there() -> bool:
            try:
                return all(self.behind.leg_of(one) for one in who)
            except LookupError:
                return False

        await self.until(there)

    async def until(self, there: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(seconds):
            while not there():
                await asyncio.sleep(0.02)

    async def over(self) -> Call:
        """The client's one call, once every leg has ended."""
        await self.until(lambda: self.behind.calls() and not self.behind.open_legs())
        (call,) = [call for call in self.behind.calls() if call.kind is not CallKind.SERVICE]
        return call


def told(call: Call) -> dict[str, object]:
    """What a test compares of a call to the last figure: seconds to a tenth."""
    return {
        "direction": str(call.direction),
        "client": call.client.e164 if call.client else None,
        "result": str(call.result),
        "answered_by": list(call.answered_by),
        "talk": {part.extension: _tenths(part.talk.total_seconds()) for part in call.managers},
        "hold": None if call.hold is None else _tenths(call.hold.total_seconds()),
        "transfers": [(str(t.kind), t.by, t.to, t.outcome and str(t.outcome), t.taken_by) for t in call.transfers],
        "hung_up_by": call.hung_up_by and str(call.hung_up_by),
    }


def _tenths(seconds: float) -> float:
    return round(seconds, 1)
