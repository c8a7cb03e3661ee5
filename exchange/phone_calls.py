"""One call as a phone of `exchange.phones` sees it: what it can be told, and what was seen of it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Phone(Protocol):
    """Whose call it is."""

    @property
    def user(self) -> str:
        """Its extension, or the provider's name."""
        ...

    async def order(self, do: str, **words: object) -> dict[str, object]:
        """Send a command and wait for its answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneEvent:
    """What a phone saw of a call.

    Attributes:
        kind: ringing, answered, transfer or ended.
        at: Seconds of the epoch, by the phone's clock.
        code: The SIP status that came with it.
    """

    kind: str
    at: float
    code: int


class PhoneCall:
    """One call as a phone sees it.

    Attributes:
        phone: Whose it is.
        number: Counted from 1 in each phone.
        caller: Number of the far end of an arrived call; empty for one we placed.
        dialled: User that an arrived call is for; empty for one we placed.
        seen: What became of it so far.
    """

    def __init__(self, phone: Phone, number: int, *, caller: str = "", dialled: str = "") -> None:
        """Made by its phone alone."""
        self.phone, self.number, self.caller, self.dialled = phone, number, caller, dialled
        self.seen: list[PhoneEvent] = []
        self._changed = asyncio.Event()

    def moment(self, kind: str) -> float | None:
        """When it was first seen ringing, answered or ended; None: not yet."""
        return next((event.at for event in self.seen if event.kind == kind), None)

    @property
    def code(self) -> int:
        """The last SIP status; 0 before any."""
        return self.seen[-1].code if self.seen else 0

    @property
    def is_over(self) -> bool:
        """Whether it ended."""
        return self.moment("ended") is not None

    async def answer(self, *, play: Path | None = None, again: bool = False) -> None:
        """Take an arrived call.

        Args:
            play: what is spoken from then on, WAV of 16 bits.
            again: from the beginning each time it is over.
        """
        await self._order("answer", play=None if play is None else str(play), again=again)

    async def refuse(self, code: int = 486) -> None:
        """Refuse an arrived call: 486 busy, 603 declined."""
        await self._order("refuse", code=code)

    async def hang_up(self) -> None:
        """End it in whatever state it is."""
        await self._order("hang_up")

    async def hold(self) -> None:
        """Put the far end on hold."""
        await self._order("hold")

    async def unhold(self) -> None:
        """Take the far end back."""
        await self._order("unhold")

    async def transfer(self, to: str) -> None:
        """Send the far end to another extension (REFER)."""
        await self._order("transfer", to=to)

    async def until(self, kind: str, seconds: float) -> bool:
        """Wait for a moment of it.

        Returns:
            Whether it came in time; False also as soon as the call ended without it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.moment(kind) is None and not self.is_over:
                    self._changed.clear()
                    await self._changed.wait()
        return self.moment(kind) is not None

    def note(self, event: PhoneEvent) -> None:
        """Take over what the phone saw."""
        self.seen.append(event)
        self._changed.set()

    async def _order(self, do: str, **words: object) -> None:
        if not self.is_over:
            await self.phone.order(do, call=self.number, **words)
