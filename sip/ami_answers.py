"""What Asterisk's answers to our actions say, as values.

How it fits: `sip.ami_actions` asks and gives these back; nothing here waits or sends.

Where the rules come from: main/manager.c of Asterisk 22. In CoreShowChannels the `Channel` line comes before
everything a caller can choose and the `Uniqueid` line after it, so a caller who puts line breaks into his
number can give his row a second Uniqueid, or break it off after a forged one, but never touches the channel's
name. Both are seen: by the repeated key, and by what is left of the row standing between two rows (Asterisk
writes the answers to one action without a break). Reproduced on Asterisk 22.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from sip.ami_protocol import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """The events of one EventList.

    Attributes:
        items: them, without the one that closes the list.
        whole: of each item, False if a caller broke it off or put headers into it.
        complete: True if there were as many as Asterisk counted and all are whole.
    """

    items: tuple[Message, ...]
    whole: tuple[bool, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A row of CoreShowChannels. The name is Asterisk's own; the rest is None where a caller tampered with it.

    Attributes:
        name: channel name, such as `PJSIP/101-00000084`.
        uniqueid: its id.
        linkedid: id of the oldest channel it belongs together with.
        state: such as `Ring`, `Ringing`, `Up`.
        bridge: id of the bridge it stands in, empty for none.
        context: of the dialplan, where it stands or stood before it was dialled.
        exten: of the dialplan, with context.
    """

    name: str
    uniqueid: str | None
    linkedid: str | None
    state: str | None
    bridge: str | None
    context: str | None = None
    exten: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What CoreShowChannels said.

    Attributes:
        rows: every channel.
        complete: False if a row is missing or hides its id; nothing may then be taken for ended because it
            is not in the rows.
    """

    rows: tuple[Channel, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreStatus:
    """What CoreStatus said.

    Attributes:
        started: Asterisk's start, `YYYY-MM-DD HH:MM:SS` in the PBX's own zone; another text on the next
            connection means that Asterisk was restarted.
        channels: open channels.
        calls_processed: calls since the start.
    """

    started: str
    channels: int | None
    calls_processed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Something that can be called.

    Attributes:
        name: with its technology, such as `PJSIP/101`.
        state: Asterisk's word for it, such as `Not in use`, `NOT_INUSE`, `Unavailable`.
    """

    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The PBX's clock against ours.

    Attributes:
        offset: PBX minus gateway; positive if the PBX is ahead.
        round_trip: time the question took; the offset is right to half of it.
    """

    offset: timedelta
    round_trip: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiRights:
    """What the AMI user may do.

    Attributes:
        actions: every action Asterisk offers this user, with the classes that allow it.
        missing: needed actions that are not offered, each with the class to add to `write`.
        dangerous: classes the user has and should not have (`system`, `command`, `config`).
    """

    actions: Mapping[str, frozenset[str]]
    missing: Mapping[str, str]
    dangerous: tuple[str, ...]


def read_list(first: Message, items: tuple[Message, ...], end: Message) -> ListAnswer:
    """Judge the rows of a list between its response and the event that ends it."""
    whole = tuple(row.number + 1 == following.number and not row.suspect for row, following in pairwise((*items, end)))
    beginning = (*items, end)[0].number == first.number + 1
    counted = read_number(end.first("ListItems")) == len(items)
    return ListAnswer(items=items, whole=whole, complete=beginning and counted and all(whole))


def read_channel(item: Message, *, whole: bool) -> Channel:
    """Read a CoreShowChannel event; only its name if it is not whole."""
    if not whole:
        return Channel(name=item.first("Channel"), uniqueid=None, linkedid=None, state=None, bridge=None)
    return Channel(
        name=item.first("Channel"),  # written before anything a caller chose
        uniqueid=item.get("Uniqueid"),
        linkedid=item.get("Linkedid"),
        state=item.get("ChannelStateDesc"),
        bridge=item.get("BridgeId"),
        context=item.get("Context"),
        exten=item.get("Exten"),
    )


def read_number(text: str | None) -> int | None:
    """Read a counter; None where it is missing or no number."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
