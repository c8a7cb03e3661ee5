"""Where the PBX is stays with us: a page is told `pbx0.invalid` for its host and port, which are put back on the way.

Via of a request from Asterisk comes back in the page's response and must then be as it was (RFC 3261, 18.1.2); Contact
comes back as Request-URI. Digests are left alone: they are computed over what the page was told. What a session
description says of sound is not touched, for sound goes straight to the PBX.
"""

import re
from dataclasses import replace

from gateway.softphones.messages import Message

_PLACE = re.compile(r"(?<=sip:)(?:([^@<>;\s]*)@)?([^@<>;\s]+)")
_SEEN_FROM = re.compile(r"(?:^|(?<=;))(?:received|rport)=[^;]*;?")
"""What the PBX says in Via of where the page's message came from: our own address within the site."""
_TELLS = frozenset({"via", "contact", "from", "to", "record-route", "p-asserted-identity", "remote-party-id"})
_ALIAS = re.compile(r"pbx([0-9])\.invalid")
_MOST = 10


class Addresses:
    """The addresses of one PBX as one connection has met them."""

    def __init__(self) -> None:
        self._met: list[str] = []

    def hide(self, message: Message) -> Message:
        """A message of the PBX as the page may see it."""
        headers = tuple(
            (name, written, self._hidden(name, value) if name in _TELLS else value)
            for name, written, value in message.headers
            if name not in ("server", "user-agent", "warning")
        )
        start = message.start if message.status is not None else _PLACE.sub(self._in_uri, message.start)
        return replace(message, headers=headers, start=start)

    def restore(self, message: Message) -> Message:
        """A message of the page as the PBX must have it."""
        headers = tuple(
            (name, written, value if "authorization" in name else self._restored(value))
            for name, written, value in message.headers
        )
        digest = any("authorization" in name for name, _, _ in headers)
        start = message.start if digest or message.status is not None else self._restored(message.start)
        return replace(message, headers=headers, start=start)

    def _hidden(self, name: str, value: str) -> str:
        if name == "via":
            transport, space, rest = value.partition(" ")
            place, semicolon, more = rest.partition(";")
            more = _SEEN_FROM.sub("", more) if place.strip().lower().endswith(".invalid") else more
            return f"{transport}{space}{self._alias(place.strip())}{semicolon}{more}" if space else value
        return _PLACE.sub(self._in_uri, value)

    def _in_uri(self, found: re.Match[str]) -> str:
        user = f"{found[1]}@" if found[1] is not None else ""
        return user + self._alias(found[2])

    def _alias(self, place: str) -> str:
        if place.lower().endswith(".invalid"):
            return place
        if place not in self._met:
            if len(self._met) >= _MOST:
                return "pbx.invalid"
            self._met.append(place)
        return f"pbx{self._met.index(place)}.invalid"

    def _restored(self, value: str) -> str:
        def place(found: re.Match[str]) -> str:
            number = int(found[1])
            return self._met[number] if number < len(self._met) else found[0]

        return _ALIAS.sub(place, value)
