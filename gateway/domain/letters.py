"""A letter, the need to send one, and what can become of it.

Between the last byte of a letter and the server's answer nobody knows whether it was taken (RFC 5321 section 4.5.3.2
allows the answer ten minutes); a connection that breaks there leaves `unknown`. Such a letter is never sent again by
itself, because its reader would get it twice.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.domain.errors import Rejected

ADDRESS_MAX = 254
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{3,{ADDRESS_MAX}}}\Z)(?=[^@]{{1,64}}@){_LOCAL}@{_LABEL}(\.{_LABEL})*", re.ASCII)


class AddressError(Rejected, ValueError):
    """This is no e-mail address; write it like head@example.com, in ASCII and without a name."""


def checked_address(text: str) -> str:
    """An address that can stand in an envelope and a header as it is.

    Raises:
        AddressError: it is none.
    """
    if not _ADDRESS.fullmatch(text):
        raise AddressError
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter to one reader."""

    key: str
    """Its own for ever: the Message-ID is made of it."""
    to: str
    subject: str
    text: str
    html: str


class SendingState(StrEnum):
    """What became of a letter."""

    SENT = "sent"  # the server has taken it
    REFUSED = "refused"  # the server does not want it, now and later
    NOT_NOW = "not_now"  # nothing was handed over: it can be tried again
    UNKNOWN = "unknown"  # it may have been taken


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingOutcome:
    """A state and its reason."""

    state: SendingState
    reason: str = ""
    """A plain word with the server's code, like `recipient_550`; never the server's text."""


class MailSender(Protocol):
    """Sends letters."""

    async def send(self, letter: Letter) -> SendingOutcome:
        """Send a letter once."""
        ...
