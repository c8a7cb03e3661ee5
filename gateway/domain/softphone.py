"""A browser's phone at a PBX, in our own words: the account it signs in with, and what becomes of its calls.

How it fits: `sip.softphone` does it at an Asterisk, `gateway.softphones` decides when. The account lives as long as the
session of the person who signed in, and its password is known to his page and to the PBX alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftphoneAccount:
    """What the PBX is told of one browser's phone."""

    endpoint: str
    """Also the SIP user and the authentication name."""
    password: str = field(repr=False)
    context: str
    """Where in the dialplan its calls begin."""
    extension: str
    name: str
    """Shown to colleagues who are called."""
    codecs: tuple[str, ...]
    media_address: str = ""
    """Where the PBX takes sound; empty: by its own choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """What becomes of a client whose manager's page has gone."""

    wait: timedelta
    """How long he hears music."""
    then: str = ""
    """Extension to which he goes then; empty: the call ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftphoneLeg:
    """One leg of a browser's phone."""

    leg: str
    """Its id at the PBX."""
    family: str
    """Id that ties it to the other legs of the call."""
    dialog: str
    """Call-ID of its SIP dialog; empty: the PBX does not say."""


class SoftphonePbx(Protocol):
    """What a PBX does for phones in browsers; `sip.softphone.AsteriskSoftphones` is one."""

    async def put(self, account: SoftphoneAccount) -> None:
        """Make the account, or give it another password.

        Raises:
            TryAgain: the PBX does not answer.
            GiveUp: it refuses; the message says what it lacks.
        """
        ...

    async def remove(self, endpoint: str) -> None:
        """Take the account away; can be repeated. Raises as `put`."""
        ...

    async def part(self, endpoint: str, away: Away) -> int:
        """The page has gone in mid call: its legs end, and the clients they talked with hear music.

        Returns:
            How many clients wait now. Nobody is moved who talks in a conference.

        Raises:
            TryAgain: the PBX does not answer.
        """
        ...

    async def bring_back(self, endpoint: str) -> int:
        """The page is registered again: ring it for each client who waits for it; he talks with it once it answers.

        Returns:
            For how many it was rung. Raises as `put`.
        """
        ...

    async def legs(self, endpoint: str) -> Sequence[SoftphoneLeg]:
        """Its legs at this moment; raises TryAgain where the PBX does not answer."""
        ...
