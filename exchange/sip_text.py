"""SIP messages as bytes and as values (RFC 3261, 7), read strictly because strangers write them.

A datagram is one message of at most 8 KiB. Lines end at CR LF and nowhere else, so that no caller can forge one;
control characters are refused; short header names are written out, and lists of Via, Route, Record-Route and Contact
are split, one header each. The body passes as it is.
"""

import re
from dataclasses import dataclass, replace
from typing import TypedDict

from exchange.sip_address import Address, BadMessage, Uri, Via, read_address, read_uri, read_via, split_list

MAX_DATAGRAM = 8192
_MAX_HEADERS = 120
_LONG_NAMES = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
    "e": "Content-Encoding",
    "k": "Supported",
    "r": "Refer-To",
    "b": "Referred-By",
    "o": "Event",
    "u": "Allow-Events",
    "s": "Subject",
    "x": "Session-Expires",
}
_NAMES = _LONG_NAMES | {
    name.lower(): name
    for name in (
        *_LONG_NAMES.values(),
        "CSeq",
        "Max-Forwards",
        "Route",
        "Record-Route",
        "Expires",
        "Min-Expires",
        "Authorization",
        "Proxy-Authorization",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "User-Agent",
        "Retry-After",
        "Replaces",
        "P-Asserted-Identity",
        "Remote-Party-ID",
        "Privacy",
        "Diversion",
    )
}
_LISTS = frozenset({"Via", "Route", "Record-Route", "Contact"})
_WRITTEN = frozenset({"Via", "Max-Forwards", "Content-Length"})
_ONCE = frozenset({"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"})
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
"""Control characters but the tabulator, and line ends that are but half of one."""
_NAME = re.compile(r"[A-Za-z0-9!%*_+`'~.-]{1,64}")
_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) (\S{1,1024}) SIP/2\.0")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.{0,256}))?")
_CSEQ = re.compile(r"(\d{1,10})[ \t]+([A-Z]{1,20})")
_CALL_ID = re.compile(r"[^\s,;\"]{1,256}")

Headers = tuple[tuple[str, str], ...]


class _Shared(TypedDict):
    vias: tuple[Via, ...]
    sender: Address
    receiver: Address
    call_id: str
    cseq: int
    cseq_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What requests and responses share.

    Attributes:
        headers: Names and values in their order; known names as RFC 3261 writes them.
        body: Mostly SDP; passes as it is.
        vias: The hops, the topmost first, read.
        sender: From.
        receiver: To.
        call_id: Call-ID.
        cseq: The number of CSeq.
        cseq_method: Its method.
    """

    headers: Headers
    body: bytes = b""
    vias: tuple[Via, ...]
    sender: Address
    receiver: Address
    call_id: str
    cseq: int
    cseq_method: str

    def first(self, name: str) -> str | None:
        """The first header of this name, written as RFC 3261 writes it; None without."""
        return next((value for known, value in self.headers if known == name), None)

    def every(self, name: str) -> list[str]:
        """All headers of this name in their order."""
        return [value for known, value in self.headers if known == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """A request.

    Attributes:
        method: In capitals.
        uri: The Request-URI.
        max_forwards: Hops it may still take; 70 where nothing is said.
    """

    method: str
    uri: Uri
    max_forwards: int = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Message):
    """A response.

    Attributes:
        code: 100 to 699.
        reason: Its words.
    """

    code: int
    reason: str


def read_message(data: bytes) -> Request | Response:
    """Read one datagram.

    Raises:
        BadMessage: It is too long or no SIP message; the text says what is wrong and holds nothing of it.
    """
    if len(data) > MAX_DATAGRAM:
        raise BadMessage(f"the message is longer than {MAX_DATAGRAM} bytes")
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        raise BadMessage("the message has no empty line after its headers")
    text = head.decode("utf-8", "surrogateescape").lstrip("\r\n")
    if _FORBIDDEN.search(text):
        raise BadMessage("the message holds control characters")
    start, _, rest = text.partition("\r\n")
    headers = _read_headers(rest)
    once = {name: value for name, value in headers if name in _ONCE}
    if sum(name in _ONCE for name, _ in headers) != len(once):
        raise BadMessage("a header of the message that may stand once stands twice")
    shared = _read_shared(headers, once)
    body = _cut(body, once.get("Content-Length"))
    if found := _STATUS_LINE.fullmatch(start):
        return Response(headers=headers, body=body, code=int(found[1]), reason=found[2] or "", **shared)
    if found := _REQUEST_LINE.fullmatch(start):
        return _read_request(found, headers, body, shared, once)
    raise BadMessage("the first line is neither a request nor a response of SIP/2.0")


def _read_request(
    found: re.Match[str], headers: Headers, body: bytes, shared: _Shared, once: dict[str, str]
) -> Request:
    if shared["cseq_method"] != found[1]:
        raise BadMessage("CSeq names another method than the request")
    if shared["sender"].tag is None:
        raise BadMessage("From has no tag")
    forwards = once.get("Max-Forwards", "70")
    if not (forwards.isdecimal() and forwards.isascii() and int(forwards) < 256):
        raise BadMessage("Max-Forwards is no number below 256")
    return Request(
        headers=headers, body=body, method=found[1], uri=read_uri(found[2]), max_forwards=int(forwards), **shared
    )


def write_message(message: Request | Response) -> bytes:
    """Write a message as a datagram; Via, Max-Forwards and Content-Length are written from their fields."""
    lines = [_start_line(message)]
    lines += [f"Via: {via}" for via in message.vias]
    if isinstance(message, Request):
        lines.append(f"Max-Forwards: {message.max_forwards}")
    lines += [f"{name}: {value}" for name, value in message.headers if name not in _WRITTEN]
    lines.append(f"Content-Length: {len(message.body)}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + message.body


def _start_line(message: Request | Response) -> str:
    if isinstance(message, Response):
        return f"SIP/2.0 {message.code} {message.reason}"
    return f"{message.method} {message.uri} SIP/2.0"


def make_response(request: Request, code: int, reason: str, *, tag: str, headers: Headers = ()) -> Response:
    """Answer a request ourselves (RFC 3261, 8.2.6).

    Args:
        request: With a topmost Via that says where it came from (`Via.seen_from`).
        code: The status.
        reason: Its words, without line breaks.
        tag: Our tag of To; a To that has one keeps it.
        headers: Further headers.
    """
    receiver = request.receiver
    if receiver.tag is None and code > 100:
        receiver = replace(receiver, params=(*receiver.params, ("tag", tag)))
    copied: Headers = (
        ("From", request.first("From") or ""),
        ("To", str(receiver)),
        ("Call-ID", request.call_id),
        ("CSeq", f"{request.cseq} {request.method}"),
    )
    return Response(
        headers=(*copied, *headers),
        vias=request.vias,
        sender=request.sender,
        receiver=receiver,
        call_id=request.call_id,
        cseq=request.cseq,
        cseq_method=request.method,
        code=code,
        reason=reason,
    )


def _read_headers(text: str) -> Headers:
    headers: list[tuple[str, str]] = []
    for line in text.split("\r\n"):
        if line[:1] in (" ", "\t") and headers:
            name, value = headers.pop()
            headers.append((name, f"{value} {line.strip()}"))
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        known = _NAMES.get(name.lower())
        if not colon or (known is None and not _NAME.fullmatch(name)):
            raise BadMessage("a line of the message is no header")
        headers.append((known or name, value.strip()))
    if len(headers) > _MAX_HEADERS:
        raise BadMessage(f"the message has more than {_MAX_HEADERS} headers")
    return tuple(_single(headers))


def _single(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if not any(name in _LISTS and "," in value for name, value in headers):
        return headers
    single: list[tuple[str, str]] = []
    for name, value in headers:
        single += [(name, part) for part in split_list(value)] if name in _LISTS else [(name, value)]
    return single


def _read_shared(headers: Headers, once: dict[str, str]) -> _Shared:
    vias = tuple(read_via(value) for name, value in headers if name == "Via")
    if not vias:
        raise BadMessage("the message has no Via")
    for name in ("From", "To", "Call-ID", "CSeq"):
        if name not in once:
            raise BadMessage(f"the message has no {name}")
    cseq = _CSEQ.fullmatch(once["CSeq"])
    if cseq is None or int(cseq[1]) >= 1 << 31:
        raise BadMessage("CSeq is no number below 2**31 with a method")
    if not _CALL_ID.fullmatch(once["Call-ID"]):
        raise BadMessage("Call-ID is no word of at most 256 characters")
    return {
        "vias": vias,
        "sender": read_address(once["From"]),
        "receiver": read_address(once["To"]),
        "call_id": once["Call-ID"],
        "cseq": int(cseq[1]),
        "cseq_method": cseq[2],
    }


def _cut(body: bytes, length: str | None) -> bytes:
    """The body; bytes behind its length are no part of it (RFC 3261, 18.3)."""
    if length is None:
        return body
    if not (length.isdecimal() and length.isascii()) or int(length) > len(body):
        raise BadMessage("Content-Length does not fit the message")
    return body[: int(length)]
