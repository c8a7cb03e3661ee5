"""Addresses and headers as a worker meets them: what callers sent, made harmless, and what it is told to send, checked.

Whatever stands in an INVITE was written by a stranger (RFC 3261 sections 20 and 25), so only headers that somebody here
reads go on, shortened and without control characters. What goes out is refused rather than mended: an address with a
line break in it would be another header.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import Rejected

TEXT_LETTERS = 512
HEADERS_KEPT = frozenset(
    ("p-asserted-identity", "p-preferred-identity", "remote-party-id", "diversion", "privacy", "call-id", "user-agent")
)
OWN_HEADERS = "x-trunkline-"
MOST_HEADERS = 24
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_URI = re.compile(r"sips?:[\x21-\x7e]{1,300}")
_DIGITS = re.compile(r"[0-9A-D*#]{1,32}")


class BadOrder(Rejected, ValueError):
    """A command to a worker holds what may not be sent; write the address, header or digits as SIP wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """What an arrived INVITE says.

    Attributes:
        from_uri: who calls, without parameters.
        display: the name he shows; may be empty.
        to: the To address.
        uri: the address that was called (the request's).
        headers: those worth reading; names in lower case.
    """

    from_uri: str
    display: str
    to: str
    uri: str
    headers: Mapping[str, str]


def harmless(text: str) -> str:
    """Text without control characters and broken letters, and not too long."""
    return _CONTROL.sub("", text)[:TEXT_LETTERS].encode("utf-8", "replace").decode()


def read_invite(message: str) -> Invite:
    """The parts of an INVITE that matter.

    Args:
        message: the whole request as it came.
    """
    first, *lines = re.split(r"\r?\n", message.partition("\r\n\r\n")[0])
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = {"f": "from", "t": "to", "i": "call-id"}.get(name.strip().lower(), name.strip().lower())
        wanted = key in HEADERS_KEPT or key in ("from", "to") or key.startswith(OWN_HEADERS)
        if colon and wanted and key not in headers and len(headers) < MOST_HEADERS:
            headers[harmless(key)] = harmless(value.strip())
    display, from_uri = split_address(headers.pop("from", ""))
    _, to = split_address(headers.pop("to", ""))
    words = first.split(" ")
    uri = harmless(words[1]) if len(words) == 3 else ""
    return Invite(from_uri=from_uri, display=display, to=to, uri=uri, headers=headers)


def split_address(text: str) -> tuple[str, str]:
    """Name and address of `"Name" <sip:...>;tag=...`; either may be empty."""
    text = text.strip()
    quoted = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    rest = text[quoted.end() :] if quoted else text
    before, angle, after = rest.partition("<")
    display = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else before.strip() if angle else ""
    uri = after.partition(">")[0] if angle else rest.partition(";")[0]
    return display.strip(), uri.strip()


def user_of(uri: str) -> str:
    """The user part of a SIP address, or all of a telephone number's (`tel:`)."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return rest.partition(";")[0]
    return rest.rpartition("@")[0].partition(":")[0].partition(";")[0] if "@" in rest else ""


def call_id_of_replaces(uri: str) -> str | None:
    """The Call-ID that a Refer-To wants replaced (RFC 3891), in plain letters; None: nothing."""
    found = re.search(r"[?&]replaces=([^&>]*)", uri, re.IGNORECASE)
    if found is None:
        return None
    plain = re.sub(r"%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found[1])
    return plain.partition(";")[0].strip()


def checked_uri(uri: str) -> str:
    """A SIP address that may be sent.

    Raises:
        BadOrder: it is none.
    """
    if not _URI.fullmatch(uri) or any(letter in uri for letter in '<>"'):
        raise BadOrder("an address to dial must be like sip:101@host, printable and without < > and quotes")
    return uri


def identity(display: str, uri: str) -> str:
    """Name and address as they stand in From.

    Raises:
        BadOrder: the address is none.
    """
    name = harmless(display)[:80].replace("\\", "\\\\").replace('"', '\\"')
    return (f'"{name}" ' if name else "") + f"<{checked_uri(uri)}>"


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers that may be sent.

    Raises:
        BadOrder: a name is none, or a value holds a line break.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value) or len(value) > TEXT_LETTERS:
            raise BadOrder(
                "a header needs a name of letters, digits and dashes, and a value of one line of 512 letters at most"
            )
    return headers


def checked_digits(digits: str) -> str:
    """Digits that a telephone can send.

    Raises:
        BadOrder: others are among them.
    """
    if not _DIGITS.fullmatch(digits):
        raise BadOrder("digits must be 1 to 32 of 0-9, A-D, * and #")
    return digits
