"""Hands letters to an SMTP server (RFC 5321), and says honestly what became of each.

Until the server has asked for the letter's text (354), nothing was handed over and it can be tried again. From the
first byte of the text to the final answer a break leaves `unknown`. A 4xx says "not now", a 5xx "no" (RFC 5321 section
4.2.1). A certificate that does not fit stops the letter before its first word.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from enum import StrEnum

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from gateway.domain.letters import Letter, SendingOutcome, SendingState

_TRY_LATER = 400
_NEVER = 500


class Security(StrEnum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where letters are handed over, and in whose name."""

    host: str
    port: int
    security: Security
    sender: str
    """The address in the envelope and in From."""
    sender_name: str = "Trunkline"
    user: str | None = None
    password: str | None = None
    patience: float = 60.0
    """Seconds that an answer may take; after the text twice as long."""


class SmtpMail:
    """Sends letters one by one, each over a connection of its own: there are few, and none waits for another."""

    def __init__(self, server: MailServer, *, context: ssl.SSLContext | None = None) -> None:
        """Args:
        server: where letters are handed over.
        context: what certificates are trusted; None: those the system trusts.
        """
        self._server = server
        self._context = context

    async def send(self, letter: Letter) -> SendingOutcome:
        """Send a letter once; every fault becomes an outcome."""
        client = self._client()
        try:
            if (refusal := await self._enter(client, letter)) is not None:
                return refusal
            return await self._hand_over(client, letter)
        finally:
            client.close()

    async def greet(self) -> str | None:
        """Connect and log in, and send nothing; gives what went wrong in a plain word, None: letters can be sent."""
        client = self._client()
        try:
            refusal = await self._enter(client)
        finally:
            client.close()
        return None if refusal is None else refusal.reason

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=self._context,
            timeout=server.patience,
        )

    async def _enter(self, client: SMTP, letter: Letter | None = None) -> SendingOutcome | None:
        """Everything before the text, without a letter only connection and login; None: the server may go on."""
        server = self._server
        step = "connection"
        try:
            await client.connect()
            if server.user is not None:
                step = "login"
                await client.login(server.user, server.password or "")
            if letter is not None:
                step = "sender"
                await client.mail(server.sender)
                step = "recipient"
                await client.rcpt(letter.to)
        except SMTPResponseException as refusal:
            return _refused(step, refusal.code)
        except ssl.SSLCertVerificationError:
            return SendingOutcome(state=SendingState.NOT_NOW, reason="certificate")
        except (SMTPException, OSError, TimeoutError) as fault:
            named = "certificate" if isinstance(fault.__cause__, ssl.SSLError) else step
            return SendingOutcome(state=SendingState.NOT_NOW, reason=named)
        return None

    async def _hand_over(self, client: SMTP, letter: Letter) -> SendingOutcome:
        """The text. A refusal is the server's answer; a break is nobody's, and leaves it unknown."""
        text = message_of(letter, self._server).as_bytes(policy=SMTP_POLICY)
        try:
            response = await client.data(text, timeout=2 * self._server.patience)
        except SMTPResponseException as refusal:
            if refusal.code < _TRY_LATER:  # aiosmtplib gives -1 and the like for an answer that was none
                return SendingOutcome(state=SendingState.UNKNOWN, reason="text")
            return _refused("text", refusal.code)
        except (SMTPException, OSError, TimeoutError, asyncio.IncompleteReadError):
            return SendingOutcome(state=SendingState.UNKNOWN, reason="text")
        return SendingOutcome(state=SendingState.SENT, reason=str(response.code))


def _refused(step: str, code: int) -> SendingOutcome:
    """A 5xx is final, but for the login and the sender: these are ours, and a person will mend them."""
    final = code >= _NEVER and step in ("recipient", "text")
    return SendingOutcome(state=SendingState.REFUSED if final else SendingState.NOT_NOW, reason=f"{step}_{code}")


def message_of(letter: Letter, server: MailServer) -> EmailMessage:
    """A letter as RFC 5322 writes it: text and HTML side by side, marked as made by a machine (RFC 3834)."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = Address(display_name=server.sender_name, addr_spec=server.sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in letter.subject).split())[:200]
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{letter.key}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    return message
