"""New calls for which no worker had room at once, so that they are asked about again without the caller.

He would repeat his INVITE himself after 0.5, 1.5 and 3.5 s (RFC 3261, 17.1.1.2), and a worker that starts or a leg that
goes makes room long before: measured, a call rang after 1.52 s that can ring after 0.1.
"""

from dataclasses import dataclass

from exchange.parties import Invite, Place
from exchange.sip_text import Request

LOOK_SECONDS = 0.05
"""How often they are asked about."""
_LONGEST = 10.0
"""Seconds, more than whoever chooses lets a call wait (`exchange.service`): a guard against calls that nobody drops."""
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseated:
    """A call that was not answered yet.

    Attributes:
        request: Its INVITE.
        source: Where it came from.
        invite: What is known of it.
        since: When it came first, in seconds of the front's clock; only the guard against forgotten calls asks it.
    """

    request: Request
    source: Place
    invite: Invite
    since: float


class WaitingRoom:
    """Those who wait, the first first; beyond two hundred the caller's own repetition must do."""

    def __init__(self) -> None:
        self._calls: dict[str, Unseated] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def keep(self, call: Unseated) -> None:
        """Keep a call that has no answer yet; one that is there stays as it is."""
        if len(self._calls) < _MOST:
            self._calls.setdefault(call.invite.mark, call)

    def drop(self, mark: str) -> None:
        """A call has its answer, or its caller gave up."""
        self._calls.pop(mark, None)

    def waiting(self, now: float) -> list[Unseated]:
        """Those to ask about now; who was not dropped within ten seconds is forgotten."""
        for mark in [mark for mark, call in self._calls.items() if now - call.since > _LONGEST]:
            del self._calls[mark]
        return list(self._calls.values())
