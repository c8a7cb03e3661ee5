"""SIP messages on their way between a page and a PBX: read as far as needed to say whether they may pass.

How it fits: `gateway.softphones.relay` asks here for every message. Nothing is repaired: what two readers could
understand differently is refused, so that what we have checked is what the PBX does.

Where the rules come from: RFC 3261 (7.3 header fields, 20 compact forms), RFC 7118 (one message in a frame). A page may
speak for one account: in each request of its own From names it, and what Asterisk goes by besides (To and Contact of a
registration, the user of the digest) names nobody else. It may not transfer by REFER, subscribe or send texts:
transfers are ordered at the gateway, where dial permissions are asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MESSAGE_MAX = 32 * 1024
"""Characters of a message; one with a long session description has 6,000."""
_HEADERS_MAX = 80
_LINE_MAX = 4096

_COMPACT = {
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "v": "via",
    "c": "content-type",
    "l": "content-length",
    "e": "content-encoding",
    "k": "supported",
    "s": "subject",
    "o": "event",
    "u": "allow-events",
    "r": "refer-to",
    "b": "referred-by",
    "x": "session-expires",
    "j": "reject-contact",
    "d": "request-disposition",
}
_ONCE = frozenset({"from", "to", "call-id", "cseq", "content-length", "content-type"})
_ALLOWED = frozenset({"REGISTER", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK"})
_WITHIN = frozenset({"ACK", "BYE", "CANCEL", "INFO", "UPDATE", "PRACK"})
"""Methods that make no sense outside of a dialog or transaction."""
_FORBIDDEN = frozenset(
    {
        *("p-asserted-identity", "p-preferred-identity", "remote-party-id", "diversion", "history-info", "identity"),
        *("route", "path", "replaces", "join", "refer-to", "referred-by", "content-encoding", "privacy"),
    }
)
_TOKEN = re.compile(r"[A-Za-z0-9!%'*+_`~.-]{1,60}")
_REQUEST = re.compile(r"([A-Z]{1,20}) (sips?:[!-~]{1,300}) SIP/2\.0")
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) [^\r\n]{0,200}")
_ADDRESS = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*\"|[^<>\",;]*)\s*<sips?:(?:(?P<user>[^@<>:;\"]{1,128})@)?(?P<host>[^@<>;:?\"]{1,128})"
    r"(?::[0-9]{1,5})?(?:;[^<>\"?]*)?>(?P<after>(?:;(?:\"[^\"]*\"|[^<>\",])*)?)"
)
_BARE = re.compile(
    r"sips?:(?:(?P<user>[^@<>:;\"]{1,128})@)?(?P<host>[^@<>;:?\",]{1,128})(?::[0-9]{1,5})?(?P<after>(?:;[^<>\",?]*)?)"
)
_URI = re.compile(r"sips?:(?:(?P<user>[^@<>:;\"]{1,128})@)?(?P<host>[^@<>;:?\"]{1,128})(?::[0-9]{1,5})?(?:;[^?]*)?")
_USERNAME = re.compile(r"(?:^|[\s,])username\s*=\s*(?:\"([^\"\\]*)\"|([^\s,\"]+))", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9+*#]{1,32}")


class Unfit(Exception):
    """A message cannot pass; the status is what a SIP server answers (RFC 3261, 21)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One SIP message."""

    start: str
    method: str
    """Of a response, that of its request."""
    status: int | None
    """None: a request."""
    uri: str
    """Request-URI; of a response empty."""
    headers: tuple[tuple[str, str, str], ...]
    """Name in small letters and its long form, name as written, value."""
    body: str

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, _, value in self.headers if key == name]

    def first(self, name: str) -> str:
        """Its first value; empty: it is not there."""
        return next(iter(self.all(name)), "")

    @property
    def dialog(self) -> str:
        """Call-ID."""
        return self.first("call-id")

    @property
    def is_first(self) -> bool:
        """Whether a request begins something: its To has no tag yet."""
        return self.status is None and not _has_tag(self.first("to"))

    def with_header(self, name: str, value: str) -> "Message":
        """The message with one header more."""
        return replace(self, headers=((name.lower(), name, value), *self.headers))

    def without(self, prefix: str) -> "Message":
        """The message without the headers whose names begin so, in small letters."""
        return replace(self, headers=tuple(h for h in self.headers if not h[0].startswith(prefix)))

    def text(self) -> str:
        """As it is sent."""
        lines = [self.start, *(f"{written}: {value}" for _, written, value in self.headers)]
        return "\r\n".join(lines) + "\r\n\r\n" + self.body


def read_message(text: str) -> Message | None:
    """Read a frame.

    Returns:
        None: it keeps the connection alive (RFC 5626, 4.4.1) and says nothing.

    Raises:
        Unfit: it is no SIP message, or one that could be read in two ways.
    """
    if not text.strip("\r\n"):
        return None
    if len(text) > MESSAGE_MAX:
        raise Unfit(513, "Message Too Large")
    head, separator, body = text.partition("\r\n\r\n")
    if not separator:
        raise Unfit(400, "No End Of Headers")
    start, *lines = head.split("\r\n")
    if len(lines) > _HEADERS_MAX or any(c in head.replace("\r\n", "") for c in "\r\n\0"):
        raise Unfit(400, "Bad Headers")
    headers = tuple(_header(line) for line in lines)
    names = [name for name, _, _ in headers]
    if any(names.count(name) > 1 for name in _ONCE) or not {"from", "to", "call-id", "cseq", "via"} <= set(names):
        raise Unfit(400, "Missing Or Repeated Header")
    request, status = _REQUEST.fullmatch(start), _STATUS.fullmatch(start)
    cseq = re.fullmatch(r"([0-9]{1,10}) +([A-Z]{1,20})", next(v for n, _, v in headers if n == "cseq"))
    if cseq is None or (request is None) == (status is None):
        raise Unfit(400, "Bad Request Line")
    if request is not None and request[1] != cseq[2]:
        raise Unfit(400, "CSeq Of Another Method")
    message = Message(
        start=start,
        method=cseq[2],
        status=int(status[1]) if status else None,
        uri=request[2] if request else "",
        headers=headers,
        body=body,
    )
    length = message.first("content-length")
    if length and (not length.isdecimal() or int(length) != len(body.encode())):
        raise Unfit(400, "Wrong Content-Length")
    return message


def check_from_page(message: Message, account: str) -> None:
    """Let a message of a page pass, or say why not.

    Args:
        message: as the page sent it.
        account: the one for which it may speak.

    Raises:
        Unfit: it may not.
    """
    for name, _, value in message.headers:
        if name in _FORBIDDEN:
            raise Unfit(403, "Header Not Allowed")
        if name == "contact":
            _check_contacts(value, registers=message.method == "REGISTER")
        if name in ("authorization", "proxy-authorization") and _users(value) != [account]:
            raise Unfit(403, "Another Account")
    if message.status is not None:
        return
    if message.method not in _ALLOWED:
        raise Unfit(405, "Method Not Allowed")
    if message.method in _WITHIN and message.method not in ("ACK", "CANCEL") and message.is_first:
        raise Unfit(481, "No Such Dialog")
    if _user(message.first("from")) != account:
        raise Unfit(403, "Another Account")
    if message.method == "REGISTER" and _user(message.first("to")) != account:
        raise Unfit(403, "Another Account")


def dialled(message: Message) -> str | None:
    """What a call of the page dials; None: the message begins no call.

    Raises:
        Unfit: it is nothing that can be dialled.
    """
    if message.method != "INVITE" or not message.is_first:
        return None
    uri = _URI.fullmatch(message.uri)
    target = (uri["user"] or "") if uri else ""
    target = target.replace("%23", "#").replace("%2B", "+").replace("%2b", "+").replace("%2A", "*").replace("%2a", "*")
    if not _DIGITS.fullmatch(target):
        raise Unfit(404, "No Such Number")
    return target


def answer(message: Message, status: int, reason: str) -> str | None:
    """What the page is told in the PBX's place; None: a response or ACK is never answered (RFC 3261, 17)."""
    if message.status is not None or message.method == "ACK":
        return None
    kept = [(written, value) for name, written, value in message.headers if name in ("via", "from", "call-id", "cseq")]
    to = message.first("to")
    lines = [f"SIP/2.0 {status} {reason}", *(f"{name}: {value}" for name, value in kept)]
    lines += [f"To: {to}" if _has_tag(to) else f"To: {to};tag=trunkline", "Content-Length: 0"]
    return "\r\n".join(lines) + "\r\n\r\n"


def registers_for(message: Message) -> int | None:
    """For how many seconds a successful answer to REGISTER holds; 0: it was taken back; None: it is no such answer."""
    if message.method != "REGISTER" or message.status is None or not 200 <= message.status < 300:
        return None
    told = [int(n) for value in message.all("contact") for n in re.findall(r";\s*expires\s*=\s*([0-9]{1,6})", value)]
    return max(told, default=0)


def _header(line: str) -> tuple[str, str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or len(line) > _LINE_MAX:
        raise Unfit(400, "Bad Header")  # also a line that goes on with a space: never needed, and read differently
    key = name.lower()
    return _COMPACT.get(key, key), name, value.strip()


def _check_contacts(value: str, *, registers: bool) -> None:
    """A page is reached over its own connection alone: its address is a name that does not exist (RFC 7118, 5)."""
    if value == "*" and registers:
        return
    found = _ADDRESS.fullmatch(value) or _BARE.fullmatch(value)
    if found is None or not found["host"].lower().endswith(".invalid"):
        raise Unfit(403, "Bad Contact")


def _user(value: str) -> str | None:
    """The user of From or To, as written."""
    found = _ADDRESS.fullmatch(value) or _BARE.fullmatch(value)
    return found["user"] if found else None


def _has_tag(value: str) -> bool:
    found = _ADDRESS.fullmatch(value) or _BARE.fullmatch(value)
    return found is not None and any(p.strip().lower().startswith("tag=") for p in found["after"].split(";"))


def _users(value: str) -> list[str]:
    return list(_usernames(value))


def _usernames(value: str) -> Iterator[str]:
    for quoted, bare in _USERNAME.findall(value):
        yield quoted or bare
