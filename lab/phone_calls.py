"""One call as one lab phone sees it: what it can be told to do, and what can be waited for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol, cast

from lab.errors import LabTimeoutError

WAIT_SECONDS = 30.0


class Order(Protocol):
    """How a call tells its phone's process what to do."""

    async def __call__(self, do: str, **fields: object) -> dict[str, object]:
        """Send a command and give its answer."""


class PhoneCall:
    """One call as one phone sees it.

    Attributes:
        user: Whose phone it is.
        number: Its number within the phone, from 1.
        peer: The other side's SIP address as it arrived; empty for calls we placed.
        state: calling, incoming, ringing, connected or ended.
        code: The last SIP status seen (486 busy, 200 answered...); 0 before any.
        transfer_code: The last status of a transfer we asked for; None before any.
        digits: What the other side sent as telephone events (RFC 4733).
        moments: When the phone first saw each state, in epoch seconds of its own clock.
    """

    def __init__(self, user: str, number: int, order: Order) -> None:
        """Belong to a phone; made by it alone."""
        self.user = user
        self.number = number
        self.peer = ""
        self.state = "calling"
        self.code = 0
        self.transfer_code: int | None = None
        self.digits = ""
        self.moments: dict[str, float] = {}
        self._send = order
        self._reached = {state: asyncio.Event() for state in ("ringing", "connected", "ended")}

    async def answer(self) -> None:
        """Answer an arrived call."""
        await self._order("answer")

    async def refuse(self, code: int = 486, *, to: str | None = None) -> None:
        """Refuse an arrived call with a SIP status: 486 busy, 603 declined, 302 moved to another number `to`."""
        await self._order("refuse", code=code, to=to)

    async def hang_up(self) -> None:
        """Hang up, or cancel while it rings; nothing happens when the call is over."""
        if self.state != "ended":
            await self._order("hang_up")

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self._order("hold")

    async def unhold(self) -> None:
        """Take the other side back from hold."""
        await self._order("unhold")

    async def blind_transfer(self, to: str) -> None:
        """Send the other side to another extension or number (REFER)."""
        await self._order("blind_transfer", to=to)

    async def attended_transfer(self, other: PhoneCall) -> None:
        """Join the other side of this call with that of `other`, a call of the same phone."""
        await self._order("attended_transfer", other=other.number)

    async def play(self, wav: Path) -> None:
        """Play a file (mono, 16 bit) to the other side, once, from the moment there is sound."""
        await self._order("play", path=str(wav))

    async def record(self, wav: Path) -> None:
        """Write what is heard from now on into a file, until the call is over; it must be answered."""
        await self._order("record", path=str(wav))

    async def dtmf(self, digits: str) -> None:
        """Send digits as telephone events (RFC 4733)."""
        await self._order("dtmf", digits=digits)

    async def ringing(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the other side rings."""
        await self._wait("ringing", seconds)

    async def connected(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the call is answered.

        Raises:
            LabTimeoutError: It was not answered in time, or ended first.
        """
        await self._wait("connected", seconds)

    async def ended(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the call is over."""
        await self._wait("ended", seconds)

    def note(self, event: dict[str, object]) -> None:
        """Take over what the phone tells about this call."""
        kind = str(event["event"])
        if kind == "transfer":
            self.transfer_code = cast(int, event["code"])
        elif kind == "digit":
            self.digits += str(event["digit"])
        else:
            self.state = kind
            self.moments.setdefault(kind, cast(float, event.get("at", 0.0)))
            self.code = cast(int, event.get("code", 0))
            self.peer = str(event.get("peer", self.peer))
            if kind in self._reached:
                self._reached[kind].set()

    async def _order(self, do: str, **fields: object) -> None:
        await self._send(do, call=self.number, **fields)

    async def _wait(self, state: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._reached[state].wait()
        except TimeoutError:
            raise LabTimeoutError(
                f"phone {self.user}: call {self.number} was not {state} in {seconds:.1f} s; "
                f"it is {self.state}, last SIP status {self.code}"
            ) from None
