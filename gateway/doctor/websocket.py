"""The way of browsers' phones into the PBX: its web server, the modules behind it, and a handshake to prove it.

RFC 7118 (SIP over WebSocket) and RFC 6455, 4.1; Asterisk takes it at `/ws`, behind http.conf's `prefix`.
"""

import asyncio
import base64
import secrets
import ssl
from collections.abc import AsyncIterator

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look

_MODULES = ("res_http_websocket", "res_pjsip_transport_websocket", "res_srtp")
_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})
_SECONDS = 3.0
_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", ""})  # noqa: S104 - read, not bound


async def check_websocket(look: Look, browsers: int) -> AsyncIterator[Finding]:
    """Whether browsers can register.

    Args:
        look: at the PBX.
        browsers: how many endpoints are browsers' phones.
    """
    missing = [name for name in _MODULES if await look.has_module(name) is False]
    if missing:
        yield look.area.fault(
            f"No browser's phone can register ({browsers} in all); modules that do not run: {', '.join(missing)}.",
            *look.places.write("modules.conf", *(f"load = {name}.so" for name in missing)),
            *(f"then: asterisk -rx 'module load {name}.so'" for name in missing),
            code="webrtc_modules",
        )
        return
    if (await look.setting("http.conf", "general", "enabled") or "no").casefold() not in _TRUE:
        yield look.area.fault(
            f"No browser's phone can register ({browsers} in all): Asterisk's web server is switched off.",
            *look.places.write(
                look.places.web_server,
                look.places.web_section,
                "#include trunkline_http.conf",
                copied="trunkline_http.conf",
            ),
            "then: asterisk -rx 'module reload http'",
            code="webrtc_http_off",
        )
        return
    async for finding in _ports(look):
        yield finding


async def _ports(look: Look) -> AsyncIterator[Finding]:
    prefix = (await look.setting("http.conf", "general", "prefix") or "").strip("/")
    path = f"/{prefix}/ws" if prefix else "/ws"
    secure = (await look.setting("http.conf", "general", "tlsenable") or "no").casefold() in _TRUE
    if secure:
        bound = await look.setting("http.conf", "general", "tlsbindaddr") or ""
        address, _, port = bound.rpartition(":")
        host, number = _reachable(look, address), int(port) if port.isdecimal() else 8089
    else:
        host = _reachable(look, await look.setting("http.conf", "general", "bindaddr") or "")
        told = await look.setting("http.conf", "general", "bindport") or ""
        number = int(told) if told.isdecimal() else 8088
    address = f"{'wss' if secure else 'ws'}://{host}:{number}{path}"
    if fault := await shake_hands(host, number, path, secure=secure):
        yield look.area.fault(
            f"Browsers' phones cannot connect to {address}: {fault}.",
            f"in {look.places.web_server}: see deploy/asterisk/trunkline_http.conf for the address and the certificate",
            "then: asterisk -rx 'module reload http' and 'http show status'",
            code="webrtc_port",
        )
    elif not secure:
        yield look.area.advice(
            f"Browsers' phones can connect, but without TLS ({address}): browsers allow that from this machine only.",
            *look.places.write(look.places.web_server, look.places.web_section, "tlsenable = yes"),
            "with tlsbindaddr, tlscertfile and tlsprivatekey as in deploy/asterisk/trunkline_http.conf",
            code="webrtc_no_tls",
        )
    else:
        yield look.area.ok(f"Browsers' phones can connect to {address}.")


def _reachable(look: Look, bound: str) -> str:
    """Where a bound address is found from here."""
    return look.config.host if bound in _EVERYWHERE else bound.strip("[]")


async def shake_hands(host: str, port: int, path: str, *, secure: bool) -> str | None:
    """Open a WebSocket for SIP and close it again.

    Args:
        host: of Asterisk's web server.
        port: of it.
        path: of its WebSocket.
        secure: with TLS; whose certificate it is is not asked here.

    Returns:
        What went wrong, in words; None: nothing.
    """
    context = ssl.create_default_context() if secure else None
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.write(request.encode())
            first = (await reader.readline()).decode("ascii", "replace").split(" ", 2)
            writer.close()
    except TimeoutError:
        return f"no answer within {_SECONDS:.0f} s"
    except (OSError, ssl.SSLError) as fault:
        return getattr(fault, "strerror", None) or type(fault).__name__
    return None if first[1:2] == ["101"] else f"it answers {' '.join(first[1:]).strip()[:60] or 'nothing'}"
