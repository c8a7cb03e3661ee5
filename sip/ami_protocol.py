"""The wire format of the Asterisk Manager Interface, without any IO: bytes in, messages out, and back.

How it fits: `sip.ami_connection` feeds what the socket delivers into an `AmiParser` and writes what
`encode_action` returns. Nothing here waits, opens or logs.

Where the rules come from: Asterisk's "AMI v2 Specification" page and main/manager.c of Asterisk 22.
A message is a run of `Key: value` lines, each ended by CR LF, and an empty line ends the message.

What the rules defend against, because a caller chooses parts of what Asterisk writes here:

- Lines end at CR LF and nowhere else. U+2028, NEL, a lone CR or LF are data: a reader that splits on them
  can be fed headers by a caller's display name.
- Asterisk writes a caller's *number* raw, so CR LF in it is a real line break on the wire and no reader can
  tell the lines after it from genuine ones. Such a message usually repeats a key; a key with several values
  is therefore never read as one value by accident (`AmbiguousField`).
- The server's input buffer ends a line at LF as well and cuts it at NUL; the encoder refuses all three, so
  no value of ours can become a second header or a second action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache

from sip.ami_errors import AmbiguousField, FieldRefused, MessageTooLong, NotAnAmiServer

LONGEST_LINE = 1022
"""Bytes in one line we send: Asterisk reads into 1024 with its CR LF and discards longer ones."""

MOST_LINES = 128
"""Lines in one action: Asterisk keeps no more than AST_MAX_MANHEADERS."""

LARGEST_MESSAGE = 1 << 20
"""Bytes in one message from the server (a whole list of commands is some 15 kB)."""

_LONGEST_BANNER = 256
_GREETING = b"Asterisk Call Manager"
_END = b"\r\n\r\n"
_EVENT = b"Event: "
_NAME_START = len(_EVENT)
_RESPONSE = b"Response: "
_ACTION_ID = b"\r\nActionID: "
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile("[\r\n\0]")
_FORBIDDEN_NAMES = {"\r": "a carriage return", "\n": "a line feed", "\0": "a NUL"}
_ONCE_EACH = frozenset({"action", "actionid"})

Fields = Mapping[str, str | Sequence[str]]
"""Fields of an action: a value, or a list of values for a key that is sent several times in that order."""


class Kind(Enum):
    """What the first line of a message says it is."""

    EVENT = "event"
    RESPONSE = "response"
    OTHER = "other"


EVENT = Kind.EVENT
"""The same, for where it counts: Python 3.11 takes 0.1 us to look a member up in its Enum."""


class Message(Mapping[str, str]):
    """One message; its headers are taken apart at the first look at them.

    As a mapping it holds one value a key, in the server's spelling: `message["Uniqueid"]` raises
    `AmbiguousField` where the key came several times, `message.get(...)` then gives the default.

    Attributes:
        kind: event, response, or other (neither: what is left of a message a caller broke in two).
        name: the event's name, or the response's status (`Success`, `Error`, ...); empty for other.
        number: its place in the connection's stream, counting those that a filter dropped. Asterisk writes the
            answers to one action without a break; a gap between two shows that a caller broke one off.
    """

    __slots__ = ("_block", "_fields", "kind", "name", "number")

    def __init__(self, kind: Kind, name: str, block: bytes, number: int) -> None:
        self.kind = kind
        self.name = name
        self.number = number
        self._block = block
        self._fields: dict[str, str | list[str]] | None = None

    @property
    def fields(self) -> dict[str, str | list[str]]:
        """Every header in order of first appearance; a list where the key came more than once.

        A line without `: ` is kept whole, as a key with an empty value.
        """
        if self._fields is None:
            self._fields = _take_apart(self._block)
        return self._fields

    @property
    def raw(self) -> bytes:
        """The message as it came, without the empty line that ended it."""
        return self._block

    @property
    def action_id(self) -> str:
        """The first ActionID, or an empty string. Asterisk writes it before anything a caller chose."""
        start = self._block.find(_ACTION_ID)
        if start < 0:
            return ""
        start += len(_ACTION_ID)
        end = self._block.find(b"\r\n", start)
        return _decode(self._block[start:] if end < 0 else self._block[start:end])

    @property
    def sent_at(self) -> datetime | None:
        """The server's clock when it wrote this (header `Timestamp`), or None where it says nothing."""
        try:
            return datetime.fromtimestamp(float(self.get("Timestamp", "")), UTC)
        except (ValueError, OverflowError, OSError):
            return None

    @property
    def suspect(self) -> bool:
        """True if a key repeats that Asterisk writes once: a caller has put headers into this message."""
        return any(isinstance(value, list) and not _may_repeat(key) for key, value in self.fields.items())

    def all(self, key: str) -> list[str]:
        """Every value of a key in the order of the wire; an empty list where it is missing."""
        value = self.fields.get(key)
        if value is None:
            return []
        return list(value) if isinstance(value, list) else [value]

    def first(self, key: str) -> str:
        """The first value of a key, or an empty string; genuine where Asterisk writes the key before
        anything that a caller chose."""
        value = self.fields.get(key, "")
        return value[0] if isinstance(value, list) else value

    def __getitem__(self, key: str) -> str:
        value = self.fields[key]
        if isinstance(value, list):
            raise AmbiguousField(key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __repr__(self) -> str:
        return f"<Message {self.kind.value} {self.name}>"  # no values: they are callers' numbers and names


class AmiParser:
    """Turns the bytes of one connection into messages, whatever the pieces they arrive in.

    Attributes:
        banner: the greeting line (`Asterisk Call Manager/11.0.0`) once it has come, else None.
        answers_due: set it while an action waits: events with an ActionID then pass the filter, whatever their
            name. (Looking for the header in every event would cost as much as all the rest of the filter.)
    """

    def __init__(self, *, wanted: frozenset[str] | None = None, largest_message: int = LARGEST_MESSAGE) -> None:
        """Start before the greeting.

        Args:
            wanted: names of the events to keep, None for every event. The name is looked at before an
                event is made, so an event nobody wants costs next to nothing. Responses are always kept.
            largest_message: bytes after which a message without an end is an error.
        """
        self.banner: str | None = None
        self.answers_due = False
        self._largest = largest_message
        self._rest = bytearray()
        self._next_number = 0
        self._wanted: frozenset[bytes] | None = None
        self.keep(wanted)

    def keep(self, wanted: frozenset[str] | None) -> None:
        """Change the names of the events to keep from here on (None for every event)."""
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what the socket delivered and give the messages it completes, in order.

        Args:
            data: any piece of the stream, also half a character.

        Returns:
            The messages; run it to its end before the next piece.

        Raises:
            MessageTooLong: a message grew over the limit; the messages before it have been given.
            NotAnAmiServer: the first line is not AMI's greeting.
        """
        if self.banner is None:
            data = self._take_banner(data)
        blocks = self._complete_blocks(data)
        first = self._next_number
        self._next_number += len(blocks)
        for number, block in enumerate(blocks, first):
            if len(block) > self._largest:
                raise MessageTooLong(self._largest)
            if not block.startswith(_EVENT):
                block = block.removeprefix(b"\r\n")  # an empty message before this one
                if not block.startswith(_EVENT):
                    if block:
                        yield _no_event(block, number)
                    continue
            end = block.find(b"\r\n")
            name = block[_NAME_START:] if end < 0 else block[_NAME_START:end]
            if self._wanted is None or name in self._wanted or (self.answers_due and _ACTION_ID in block):
                yield Message(EVENT, _event_name(name), block, number)
        if len(self._rest) >= self._largest + len(_END):
            raise MessageTooLong(self._largest)

    def _take_banner(self, data: bytes) -> bytes:
        """Keep the first line as the banner and give what follows it; nothing before it is whole."""
        self._rest += data
        line, end, following = self._rest.partition(b"\r\n")
        if len(line) > _LONGEST_BANNER or (end and not line.startswith(_GREETING)):
            raise NotAnAmiServer
        if not end:
            return b""
        self.banner = _decode(bytes(line))
        self._rest.clear()
        return bytes(following)

    def _complete_blocks(self, data: bytes) -> list[bytes]:
        if self._rest:
            # what is kept holds no end: only the seam and the new piece are searched, however small the pieces
            if _END not in data and _END not in self._rest[-3:] + data[:3]:
                self._rest += data
                return []
            data = b"".join((self._rest, data))
        blocks = data.split(_END)
        self._rest = bytearray(blocks.pop())
        return blocks


def encode_action(name: str, action_id: str, fields: Fields) -> bytes:
    """Write one action as Asterisk reads it.

    Args:
        name: the action, such as `Originate`.
        action_id: the id by which the answer is matched.
        fields: the other headers in order; a list sends its key once per value.

    Returns:
        The bytes to send, the closing empty line included.

    Raises:
        FieldRefused: a name or value that holds CR, LF or NUL, a key that is no AMI header name, a line or
            an action longer than Asterisk reads.
    """
    lines = [_line("Action", name), _line("ActionID", action_id)]
    for key, value in fields.items():
        if key.lower() in _ONCE_EACH:
            raise FieldRefused(key, "is set by the client itself; leave it out")
        lines.extend(_line(key, one) for one in ((value,) if isinstance(value, str) else value))
    if len(lines) > MOST_LINES:
        raise FieldRefused(name, f"has {len(lines)} lines; Asterisk reads at most {MOST_LINES} an action")
    return b"".join(lines) + b"\r\n"


def _line(key: str, value: str) -> bytes:
    if not _FIELD_NAME.fullmatch(key):
        raise FieldRefused(key, "is no header name; allowed are letters, digits, '-' and '_'")
    if found := _FORBIDDEN.search(value):
        raise FieldRefused(
            key, f"holds {_FORBIDDEN_NAMES[found[0]]}; a value is one line of text without CR, LF and NUL"
        )
    try:
        line = f"{key}: {value}".encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise FieldRefused(key, "holds a lone surrogate, which is no character") from None
    if len(line) > LONGEST_LINE:
        raise FieldRefused(key, f"makes a line of {len(line)} bytes; Asterisk reads at most {LONGEST_LINE}")
    return line + b"\r\n"


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


_event_name = lru_cache(maxsize=1024)(_decode)  # Asterisk has some 200 names, a caller can forge more


def _no_event(block: bytes, number: int) -> Message:
    if block.startswith(_RESPONSE):
        return Message(Kind.RESPONSE, _decode(block[len(_RESPONSE) :].partition(b"\r\n")[0]), block, number)
    return Message(Kind.OTHER, "", block, number)


def _take_apart(block: bytes) -> dict[str, str | list[str]]:
    fields: dict[str, str | list[str]] = {}
    for line in block.removesuffix(b"\r\n").decode("utf-8", "surrogateescape").split("\r\n"):
        key, _, value = line.partition(": ")
        if key not in fields:
            fields[key] = value
            continue
        earlier = fields[key]
        if isinstance(earlier, list):
            earlier.append(value)
        else:
            fields[key] = [earlier, value]
    return fields


def _may_repeat(key: str) -> bool:
    return key.partition("(")[0].endswith("Variable") or key == "Output"
