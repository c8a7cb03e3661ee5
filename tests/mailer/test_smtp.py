"""Letters over protected connections to a real server: certificates, logins, and what is said where they do not fit.

The server is aiosmtpd; its certificate is made by openssl for the run, signed by nobody but itself.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from gateway.domain.letters import Letter, SendingOutcome, SendingState
from mailer.smtp import MailServer, Security, SmtpMail

LETTER = Letter(key="report-1", to="head@example.com", subject="The day", text="All", html="<p>All</p>")
USER, PASSWORD = "calls@example.com", "long random word"
NOT_NOW = SendingState.NOT_NOW
pytestmark = [  # what aiosmtpd says of itself
    pytest.mark.filterwarnings("ignore:Session.login_data:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem for `localhost` and key.pem."""
    folder = tmp_path_factory.mktemp("tls")
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*made.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


class Connection(SMTP):
    """Closes its socket in the end, also where the client broke TLS off; aiosmtpd forgets it."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.transports.append(transport)
        super().connection_made(transport)


class Post:
    """A mail server that wants a login over a protected connection."""

    def __init__(self, folder: Path, *, implicit: bool) -> None:
        self.taken: list[Envelope] = []
        self.transports: list[asyncio.Transport] = []
        self.logins = 0
        self.implicit = implicit
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins += 1
        right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 OK"

    def protocol(self) -> SMTP:
        early: dict[str, Any] = {} if self.implicit else {"tls_context": self.context, "require_starttls": True}
        return Connection(
            self,
            hostname="mx.example.com",
            authenticator=self.login,
            auth_required=True,
            auth_require_tls=not self.implicit,
            **early,
        )


@asynccontextmanager
async def post_office(
    folder: Path, security: Security, *, host: str = "localhost", trusted: bool = True, **login: str | None
) -> AsyncIterator[tuple[Post, SmtpMail]]:
    """A server and who hands letters to it."""
    post = Post(folder, implicit=security is Security.TLS)
    server = await asyncio.get_running_loop().create_server(
        post.protocol, "127.0.0.1", 0, ssl=post.context if post.implicit else None
    )
    given = {"user": USER, "password": PASSWORD} | login
    mail = MailServer(
        host=host,
        port=server.sockets[0].getsockname()[1],
        security=security,
        sender=USER,
        patience=3,
        **given,  # type: ignore[arg-type]
    )
    context = ssl.create_default_context(cafile=folder / "cert.pem") if trusted else None
    try:
        yield post, SmtpMail(mail, context=context)
    finally:
        for transport in post.transports:
            transport.abort()
        server.close()
        await server.wait_closed()


protected = pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])


@protected
async def test_a_letter_goes_over_a_protected_connection_with_a_login(certificate: Path, security: Security) -> None:
    async with post_office(certificate, security) as (post, mail):
        assert await mail.send(LETTER) == SendingOutcome(state=SendingState.SENT, reason="250")
        assert await mail.greet() is None

    (envelope,) = post.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == (USER, ["head@example.com"])
    assert post.logins == 2


@protected
@pytest.mark.parametrize("how", [{"trusted": False}, {"host": "127.0.0.1"}])
async def test_a_certificate_nobody_trusts_or_of_another_name_stops_the_letter_before_the_password(
    certificate: Path, security: Security, how: dict[str, Any]
) -> None:
    async with post_office(certificate, security, **how) as (post, mail):
        assert await mail.send(LETTER) == SendingOutcome(state=NOT_NOW, reason="certificate")
        assert await mail.greet() == "certificate"

    assert (post.taken, post.logins) == ([], 0)


@protected
async def test_a_wrong_password_can_be_mended_so_the_letter_waits(certificate: Path, security: Security) -> None:
    async with post_office(certificate, security, password="another") as (post, mail):
        assert await mail.send(LETTER) == SendingOutcome(state=NOT_NOW, reason="login_535")
        assert await mail.greet() == "login_535"

    assert post.taken == []


async def test_a_server_that_wants_a_login_and_gets_none_keeps_the_letter_waiting(certificate: Path) -> None:
    async with post_office(certificate, Security.STARTTLS, user=None, password=None) as (post, mail):
        outcome = await mail.send(LETTER)

    assert (outcome.state, post.taken) == (NOT_NOW, [])


async def test_a_password_is_never_said_where_the_server_offers_no_protection() -> None:
    """A man in the middle who takes STARTTLS out of the answer gets no login (RFC 3207 section 6)."""
    heard: list[bytes] = []
    ended = asyncio.Event()

    async def stripped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while line := await reader.readline():  # until the client is gone
            heard.append(line)
            writer.write(b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n" if line.startswith(b"EHLO") else b"502 no\r\n")
        writer.close()
        ended.set()

    server = await asyncio.start_server(stripped, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    make = partial(MailServer, host="localhost", port=port, sender=USER, user=USER, password=PASSWORD, patience=1)
    try:
        outcome = await SmtpMail(make(security=Security.STARTTLS)).send(LETTER)
        await ended.wait()
    finally:
        server.close()
        await server.wait_closed()

    assert outcome == SendingOutcome(state=NOT_NOW, reason="connection")
    assert not [line for line in heard if line.upper().startswith(b"AUTH")]


async def test_a_server_that_speaks_no_tls_where_tls_was_set_is_told_so() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = MailServer(host="localhost", port=port, sender=USER, security=Security.TLS, patience=1)
    try:
        assert (await SmtpMail(mail).send(LETTER)).state is NOT_NOW
        assert await SmtpMail(mail).greet() in ("connection", "certificate")
    finally:
        server.close()
        await server.wait_closed()
