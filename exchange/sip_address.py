"""Addresses of SIP: URIs, name-addrs and Via values, read strictly and written back (RFC 3261, 19.1, 20.10, 20.42).

Whatever cannot be read is `BadMessage`; a value that can be read is written back with the same meaning, parameters in
their order. Only what a telephone needs is known: `sip:` and `tel:` URIs and hosts by name or IPv4 address.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from gateway.domain.errors import Rejected

Params = tuple[tuple[str, str | None], ...]

_URI = re.compile(
    r"(?P<scheme>[Ss][Ii][Pp][Ss]?):(?:(?P<user>[^@\s<>\"]{0,256})@)?"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?"
    r"(?P<params>(?:;[^;?\s<>\"]{1,512})*)(?P<headers>\?[^\s<>\"]*)?"
)
_TEL = re.compile(r"[Tt][Ee][Ll]:(?P<user>[^;\s<>\"@]{1,64})(?P<params>(?:;[^;\s<>\"]{1,128})*)")
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9-]{1,10})\s+"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])\s*(?::\s*(?P<port>\d{1,5}))?\s*(?P<params>(?:;.*)?)",
    re.IGNORECASE,
)
_PARAM = re.compile(r"\s*;\s*([^\s;=,\"<>]{1,128})(?:\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;,\"<>]{0,1024}))?\s*")
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
DEFAULT_PORT = 5060
_PLAIN_MAX = 128


class BadMessage(Rejected, ValueError):
    """This is no SIP message that can be understood; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """A SIP or tel URI.

    Attributes:
        scheme: `sip`, `sips` or `tel`.
        user: As it was written, percent signs and all; None without a user. The number of a tel URI.
        host: In small letters; empty for tel.
        port: None where none is written.
        params: Names in small letters.
        headers: What follows `?`, with it; empty for nothing.
    """

    scheme: str = "sip"
    user: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = ()
    headers: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the port 5060 where none is written."""
        return self.host, self.port or DEFAULT_PORT

    def param(self, name: str) -> str | None:
        """The value of a parameter; empty for one without a value, None for none."""
        return _value(self.params, name)

    def __str__(self) -> str:
        at = "" if self.user is None or not self.host else f"{self.user}@"
        place = self.host or (self.user or "")
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}:{at}{place}{port}{_written(self.params)}{self.headers}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URI with a name and the parameters of its header.

    Attributes:
        display: The name without quotes; empty for none.
        uri: The URI.
        params: The header's parameters, such as `tag` and `expires`.
    """

    display: str = ""
    uri: Uri
    params: Params = ()

    @property
    def tag(self) -> str | None:
        """The dialog tag; None without."""
        return self.param("tag")

    def param(self, name: str) -> str | None:
        """The value of a parameter; empty for one without a value, None for none."""
        return _value(self.params, name)

    def __str__(self) -> str:
        shown = ""
        if self.display:
            shown = '"' + self.display.replace("\\", "\\\\").replace('"', '\\"') + '" '
        return f"{shown}<{self.uri}>{_written(self.params)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """One hop of a request: where its answer goes.

    Attributes:
        transport: `UDP`, or what else was written.
        host: Whom the sender says to be.
        port: Its port; None where none is written.
        params: Among them `branch`, and by us `received` and `rport` (RFC 3581).
    """

    transport: str
    host: str
    port: int | None
    params: Params

    @property
    def branch(self) -> str:
        """The transaction's mark; empty without."""
        return _value(self.params, "branch") or ""

    @property
    def reply_to(self) -> tuple[str, int]:
        """Where the answer goes: `received` and `rport` where they are, else what the sender says of itself."""
        host = _value(self.params, "received") or self.host
        rport = _value(self.params, "rport")
        return host, int(rport) if rport and rport.isdecimal() else self.port or DEFAULT_PORT

    def seen_from(self, source: tuple[str, int]) -> "Via":
        """Say where the request really came from, whatever the sender says (RFC 3581, 4)."""
        others = tuple(pair for pair in self.params if pair[0] not in ("received", "rport"))
        return replace(self, params=(*others, ("received", source[0]), ("rport", str(source[1]))))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{_written(self.params)}"


def read_uri(text: str) -> Uri:
    """Read a URI.

    Raises:
        BadMessage: It is neither a sip nor a tel URI.
    """
    if found := _URI.fullmatch(text):
        return Uri(
            scheme=found["scheme"].lower(),
            user=found["user"],
            host=found["host"].lower(),
            port=_port(found["port"]),
            params=_params(found["params"]),
            headers=found["headers"] or "",
        )
    if found := _TEL.fullmatch(text):
        return Uri(scheme="tel", user=found["user"], params=_params(found["params"]))
    raise BadMessage("an address in the message is no sip or tel URI")


def read_address(text: str) -> Address:
    """Read a name-addr or addr-spec with the parameters of its header.

    Raises:
        BadMessage: It is none.
    """
    display, rest = "", text
    if found := _QUOTED.match(text):
        display, rest = re.sub(r"\\(.)", r"\1", found[1]), text[found.end() :]
    before, opened, after = rest.partition("<")
    if not opened:
        uri, semicolon, params = rest.strip().partition(";")
        return Address(uri=read_uri(uri.strip()), params=_params(semicolon + params))
    uri, closed, params = after.partition(">")
    if not closed:
        raise BadMessage("an address in the message has no closing bracket")
    return Address(display=display or before.strip(), uri=read_uri(uri.strip()), params=_params(params.strip()))


def read_via(text: str) -> Via:
    """Read one Via value.

    Raises:
        BadMessage: It is none.
    """
    found = _VIA.fullmatch(text.strip())
    if found is None:
        raise BadMessage("a Via of the message cannot be read")
    return Via(
        transport=found["transport"].upper(),
        host=found["host"].lower(),
        port=_port(found["port"]),
        params=_params(found["params"].strip()),
    )


def split_list(text: str) -> list[str]:
    """Split a header's value at its commas, those within quotes and brackets left alone."""
    if "," not in text:
        return [text.strip()]
    parts, start, quoted, bracket, position = [], 0, False, False, 0
    while position < len(text):
        match text[position]:
            case "\\" if quoted:
                position += 1
            case '"' if not bracket:
                quoted = not quoted
            case "<" if not quoted:
                bracket = True
            case ">" if not quoted:
                bracket = False
            case "," if not quoted and not bracket:
                parts.append(text[start:position].strip())
                start = position + 1
        position += 1
    return [*parts, text[start:].strip()]


def plain(text: str | None) -> str:
    """What a stranger wrote, as a person may see it: one line of at most 128 characters."""
    if not text:
        return ""
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub(" ", whole).strip()[:_PLAIN_MAX]


def decoded(user: str | None) -> str:
    """The user of a URI as a person may see it: percent signs decoded, then `plain`."""
    return plain(unquote((user or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace"), errors="replace"))


def _params(text: str) -> Params:
    params: list[tuple[str, str | None]] = []
    position = 0
    while position < len(text):
        found = _PARAM.match(text, position)
        if found is None:
            raise BadMessage("a parameter of the message cannot be read")
        params.append((found[1].lower(), found[2]))
        position = found.end()
    return tuple(params)


def _written(params: Params) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def _value(params: Params, name: str) -> str | None:
    for known, value in params:
        if known == name:
            return value or ""
    return None


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    port = int(text)
    if not 0 < port < 65536:
        raise BadMessage("a port of the message is none")
    return port
